/**
 * Alerts as emails, through nodemailer.
 *
 * The emails of an incident are one thread, and alerts that are due together are one email. A server that refuses some recipients has taken the email
 * for the others: it is not sent to those again.
 *
 * @since 0.1.0
 */
import { layer as layerSink, type Service, type Sink } from "@redrive/alert/Sink"
import * as Check from "@redrive/core/Check"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createTransport } from "nodemailer"
import * as Addresses from "./internal/addresses.ts"
import * as Answers from "./internal/answers.ts"
import * as Mailing from "./internal/mailing.ts"

/**
 * What the sink uses of a nodemailer transporter.
 *
 * @category models
 * @since 0.1.0
 */
export interface Transporter {
  /** Sends an email. */
  sendMail(mail: object): Promise<unknown>
  /** Adds a plugin. The sink adds one, which learns when an email has gone out in full. */
  use(step: string, plugin: (mail: object, done: () => void) => void): unknown
  /** Connects and logs in, which the sink does at the start. Default: the sink is not checked. */
  verify?(): Promise<unknown>
}

/**
 * The mail server, the addresses, and how deliveries are paced.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /**
   * The mail server as a URL, such as `smtps://user:password@mail.example.com`, or a transporter that nodemailer's `createTransport` made. `smtp:` uses
   * STARTTLS where the server offers it; with `?requireTLS=true` nothing is sent without. Required.
   */
  readonly transport: Redacted.Redacted | Transporter
  /** The sender: an address, or `Name <address>`. Required. */
  readonly from: string
  /** The recipients, each an address or `Name <address>`; they see each other. Required. */
  readonly to: ReadonlyArray<string>
  /** The address that answers go to. Default: the sender's. */
  readonly replyTo?: string | undefined
  /** A name in square brackets before each subject, such as that of the service. Default: none. */
  readonly prefix?: string | undefined
  /** How many alerts one email may hold, 1 to 100. With 1 there are no digests. Default: 50. */
  readonly batch?: number | undefined
  /** The least time between two emails; what is due meanwhile is one email. Default: 10 seconds. */
  readonly pace?: Duration.Input | undefined
  /** How many attempts in a row may fail before the sink counts as down. Default: 8. */
  readonly attempts?: number | undefined
  /** The wait after the first attempt that failed, doubled after each further one, up to 5 minutes. Default: 1 second. */
  readonly backoff?: Duration.Input | undefined
  /** The longest time for one email; its connection is closed then. Default: 30 seconds. */
  readonly attemptTimeout?: Duration.Input | undefined
  /** The least wait after a temporary refusal (4xx), such as that of greylisting. Default: 1 minute. */
  readonly greylistWait?: Duration.Input | undefined
}

const isTransport = Check.secret("smtp or smtps URL", Addresses.isSmtpUrl)

const address = Check.where(
  "an address, such as alerts@example.com or Alerts <alerts@example.com>",
  Addresses.isAddress
)

const rules: Check.Rules<Options> = {
  transport: Check.required({
    ...isTransport,
    allowed: "a Redacted smtp or smtps URL, or a nodemailer transporter",
    isRight: (value) => isTransport.isRight(value) || Addresses.isTransporter(value)
  }),
  from: Check.required(address),
  to: Check.required(
    Check.where(
      "a list of addresses, such as oncall@example.com or On call <oncall@example.com>",
      Addresses.areAddresses
    )
  ),
  replyTo: address,
  prefix: Check.text,
  batch: Check.int(1, 100),
  pace: Check.duration(),
  attempts: Check.int(1),
  backoff: Check.duration(),
  attemptTimeout: Check.duration(),
  greylistWait: Check.duration()
}

/**
 * A sink that sends emails to its recipients.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Service => {
  const {
    attempts = 8,
    backoff,
    batch = 50,
    from,
    pace = "10 seconds",
    prefix,
    replyTo,
    to,
    transport,
    ...waits
  } = Check.options("EmailSink", rules, options)
  const transporter: Transporter = Redacted.isRedacted(transport)
    ? createTransport(Redacted.value(transport))
    : transport
  const timeout = Duration.fromInputUnsafe(waits.attemptTimeout ?? "30 seconds")
  const greylistWait = Duration.fromInputUnsafe(waits.greylistWait ?? "1 minute")
  return {
    kind: "email",
    batch,
    pace,
    attempts,
    backoff,
    // An attempt ends by itself, and knows then whether the email may have been taken: for each of its parts.
    attemptTimeout: Duration.sum(Duration.times(timeout, to.length), Duration.seconds(5)),
    isIdempotent: false,
    proves: "accepted",
    check: Effect.tryPromise({
      try: async () => transporter.verify?.(),
      catch: (error) => Answers.sinkError(error, { isSent: false, greylistWait })
    }),
    send: Mailing.make(transporter, { from, recipients: to, replyTo, prefix, timeout, greylistWait })
  }
}

/**
 * The sink of an alerter that has one.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<Sink> => layerSink(make(options))
