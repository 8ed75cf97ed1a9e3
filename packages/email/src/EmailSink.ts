/**
 * Alerts as emails, through nodemailer.
 *
 * The emails of an incident are one thread, and alerts that are due together are one email. A server that refuses some recipients has taken the email
 * for the others: it is not sent to those again.
 *
 * @since 0.1.0
 */
import { layer as layerSink, type Service, type Sink, SinkError } from "@redrive/alert/Sink"
import * as Check from "@redrive/core/Check"
import * as Verdict from "@redrive/core/Verdict"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { createTransport } from "nodemailer"
import * as EmailWire from "./EmailWire.ts"
import * as Addresses from "./internal/addresses.ts"
import * as Answers from "./internal/answers.ts"
import * as Sending from "./internal/sending.ts"
import * as Taken from "./internal/taken.ts"

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

/** A recipient that the server keeps putting off is given up after so long, since the others wait meanwhile. */
const patience = Duration.toMillis("10 minutes")

/**
 * A sink that sends emails to its recipients.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Service => {
  const {
    attempts = 8,
    attemptTimeout = "30 seconds",
    backoff,
    batch = 50,
    from,
    greylistWait: wait = "1 minute",
    pace = "10 seconds",
    prefix,
    replyTo,
    to: recipients,
    transport
  } = Check.options("EmailSink", rules, options)
  const transporter: Transporter = Redacted.isRedacted(transport)
    ? createTransport(Redacted.value(transport))
    : transport
  const sender = Sending.make(transporter)
  const timeout = Duration.fromInputUnsafe(attemptTimeout)
  const greylistWait = Duration.fromInputUnsafe(wait)
  const wire = { domain: Addresses.domainOf(from), prefix }
  const taken = Taken.make()

  /** One email to those who have not had its alerts. Gives the failures of single recipients. */
  const sendPart = (part: Taken.Part, now: number): Effect.Effect<ReadonlyArray<Answers.Failure>, SinkError> => {
    const mail = {
      ...EmailWire.message(part.alerts, wire),
      from,
      to: recipients,
      replyTo,
      envelope: { from, to: part.recipients }
    }
    // Those who refuse it alone do not say that the channel is gone.
    const isForAll = part.recipients.length === recipients.length
    const late = (info: unknown) => note(part, Answers.rejectedIn(info), now)
    return sender.send(mail, Duration.toMillis(timeout), late).pipe(
      Effect.map(Answers.rejectedIn),
      Effect.catch(({ error, isSent }) => {
        const refusals = isForAll ? [] : Answers.rejectedIn(error)
        return refusals.length > 0
          ? Effect.succeed(refusals)
          : Effect.fail(Answers.sinkError(error, { isSent, greylistWait }))
      })
    )
  }

  /** Notes who is done with alerts: all but those who are put off. */
  const note = ({ alerts, recipients: all }: Taken.Part, putOff: ReadonlyArray<Answers.Failure>, now: number) => {
    const waiting = new Set(putOff.map(({ recipient }) => Addresses.normal(recipient)))
    taken.done(
      alerts,
      all.filter((recipient) => !waiting.has(Addresses.normal(recipient))),
      now
    )
  }

  const deliver = Effect.fnUntraced(function* (part: Taken.Part): Effect.fn.Return<void, SinkError> {
    const refusals = yield* sendPart(part, yield* Clock.currentTimeMillis)
    const now = yield* Clock.currentTimeMillis
    const isLate = now - taken.since(part.alerts) >= patience
    const putOff = refusals.filter((refusal) => Answers.isTemporary(refusal) && !isLate)
    note(part, putOff, now)
    for (const refusal of refusals) if (!putOff.includes(refusal)) yield* sayRefused(refusal)
    const [first] = putOff
    if (first === undefined) return
    return yield* new SinkError({
      sink: "email",
      message: `${putOff.length} of ${recipients.length} recipients put off: ${Answers.said(first)}`,
      reason: "busy",
      verdict: Verdict.throttled(greylistWait),
      isAmbiguous: false
    })
  })

  return {
    kind: "email",
    batch,
    pace,
    attempts,
    backoff,
    // An attempt ends by itself, and knows then whether the email may have been taken: for each of its parts.
    attemptTimeout: Duration.sum(Duration.times(timeout, recipients.length), Duration.seconds(5)),
    isIdempotent: false,
    proves: "accepted",
    check: Effect.tryPromise({
      try: async () => transporter.verify?.(),
      catch: (error) => Answers.sinkError(error, { isSent: false, greylistWait })
    }),
    send: (alerts) =>
      Effect.gen(function* () {
        const parts = taken.rest(alerts, recipients)
        const results = yield* Effect.forEach(parts, (part) => Effect.result(deliver(part)))
        const [failure] = results.flatMap((result) => (Result.isFailure(result) ? [result.failure] : []))
        if (failure !== undefined) return yield* failure
      })
  }
}

/** The others have had the alert, so it is not refused: the log says who has not. */
const sayRefused = (refusal: Answers.Failure): Effect.Effect<void> =>
  Effect.logWarning(`email did not reach a recipient: ${Answers.said(refusal)}`, { recipient: refusal.recipient })

/**
 * The sink of an alerter that has one.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<Sink> => layerSink(make(options))
