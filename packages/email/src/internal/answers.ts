import type { Reason } from "@redrive/alert/Sink"
import { SinkError } from "@redrive/alert/Sink"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import type * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"

/** What nodemailer says of an email, or of one recipient, that was not taken. */
export interface Failure {
  /** Its own word for it, such as `EAUTH`. */
  readonly code: string
  /** What it was doing, such as `RCPT TO`; `CONN` if the connection failed, whatever it was doing. */
  readonly command: string
  /** The server's reply code, if it replied. */
  readonly status: number | undefined
  /** The status of three numbers in the reply, such as `5.7.1`. */
  readonly enhanced: string
  readonly message: string
  readonly recipient: string
  readonly rejected: ReadonlyArray<Failure>
}

const textIn = (value: unknown, name: string): string => {
  const text = Predicate.hasProperty(value, name) ? value[name] : undefined
  return typeof text === "string" ? text : ""
}

/** The failures of single recipients, in an error or in a receipt. */
export const rejectedIn = (value: unknown): ReadonlyArray<Failure> => {
  const list = Predicate.hasProperty(value, "rejectedErrors") ? value.rejectedErrors : undefined
  return Array.isArray(list) ? list.map(failureOf) : []
}

const failureOf = (error: unknown): Failure => {
  const status = Predicate.hasProperty(error, "responseCode") ? error.responseCode : undefined
  return {
    code: textIn(error, "code"),
    command: textIn(error, "command"),
    status: typeof status === "number" && status > 0 ? status : undefined,
    enhanced: /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(textIn(error, "response"))?.[1] ?? "",
    message: textIn(error, "message"),
    recipient: textIn(error, "recipient"),
    rejected: rejectedIn(error)
  }
}

/** Whether the server may take the same later. Anything but a refusal for good is tried again. */
export const isTemporary = ({ status }: Failure): boolean => status === undefined || status < 500 || status === 503

/** What happened, in one line without secrets. */
export const said = ({ message }: Failure): string =>
  Report.make(message.replace(/\s+/g, " ").slice(0, 300)).message || "no answer"

/** What is known of an attempt besides nodemailer's error. */
export interface Attempt {
  /** Whether all of the email has gone to the server, so that it may have taken it though its answer was lost. */
  readonly isSent: boolean
  /** How long a temporary refusal, such as greylisting, is waited for. */
  readonly greylistWait: Duration.Duration
}

export const sinkError = (error: unknown, attempt: Attempt): SinkError => {
  const failure = failureOf(error)
  return new SinkError({
    sink: "email",
    message: said(failure),
    ...meaningOf(failure, attempt.greylistWait),
    // A server that has refused an email has not taken it.
    isAmbiguous: failure.status === undefined && attempt.isSent
  })
}

interface Meaning {
  readonly reason: Reason
  readonly verdict: Verdict.Verdict
}

const gone: Meaning = { reason: "gone", verdict: Verdict.permanent }

const meaningOf = (failure: Failure, greylistWait: Duration.Duration): Meaning => {
  const { code, status } = failure
  if (status === undefined) return unanswered(failure)
  // The server ends the session: another one may do at once.
  if (status === 421) return { reason: "busy", verdict: Verdict.throttled() }
  if (isTemporary(failure)) return { reason: "busy", verdict: Verdict.throttled(greylistWait) }
  if (isTooLarge(failure)) return { reason: "too large", verdict: Verdict.permanent }
  return code === "EMESSAGE" && !isAboutSender(failure) ? { reason: "refused", verdict: Verdict.permanent } : gone
}

/** 552 says that a mailbox is full, too. */
const isTooLarge = ({ code, command, enhanced, status }: Failure): boolean =>
  enhanced === "5.3.4" ||
  enhanced === "5.2.3" ||
  (status === 552 && enhanced !== "5.2.2" && (code === "EMESSAGE" || command === "MAIL FROM"))

/** Refuses whoever sends, whatever the email says: addresses (5.1), mailboxes (5.2.1, 5.2.2), logins (530, 535), and the checks of SPF, DKIM and DMARC. */
const isAboutSender = ({ enhanced, status }: Failure): boolean =>
  status === 530 || status === 535 || /^5\.(?:1\.\d+|2\.[12]|7\.(?:[089]|2\d))$/.test(enhanced)

/** No reply says what is wrong. */
const unanswered = ({ code, command }: Failure): Meaning => {
  switch (code) {
    case "EMESSAGE":
      // nodemailer compares the size with the server's limit by itself.
      return { reason: command === "MAIL FROM" ? "too large" : "refused", verdict: Verdict.permanent }
    case "EAUTH":
    case "ENOAUTH":
    case "ECONFIG":
    case "EENVELOPE":
    case "EREQUIRETLS":
      return gone
    case "ETIMEDOUT":
      return { reason: "timeout", verdict: Verdict.transient("steady") }
    case "ECONNECTION":
    case "EDNS":
    case "EPROXY":
    case "ESOCKET":
    case "ETLS":
      return { reason: "unreachable", verdict: Verdict.transient("steady") }
    default:
      return { reason: "failed", verdict: Verdict.transient("steady") }
  }
}
