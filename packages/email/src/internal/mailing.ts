import type { Alert } from "@redrive/alert/Alert"
import { SinkError } from "@redrive/alert/Sink"
import * as Verdict from "@redrive/core/Verdict"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Transporter } from "../EmailSink.ts"
import * as EmailWire from "../EmailWire.ts"
import * as Addresses from "./addresses.ts"
import * as Answers from "./answers.ts"
import * as Sending from "./sending.ts"
import * as Taken from "./taken.ts"

/** From whom and to whom emails go, and how long they may take. */
export interface Settings {
  readonly from: string
  readonly recipients: ReadonlyArray<string>
  readonly replyTo: string | undefined
  readonly prefix: string | undefined
  readonly timeout: Duration.Duration
  readonly greylistWait: Duration.Duration
}

/** A recipient that the server keeps putting off is given up after so long, since the others wait meanwhile. */
const patience = Duration.toMillis("10 minutes")

/** Sends alerts as emails, to each recipient once. */
export const make = (
  transporter: Transporter,
  settings: Settings
): ((alerts: ReadonlyArray<Alert>) => Effect.Effect<void, SinkError>) => {
  const { from, greylistWait, prefix, recipients, replyTo, timeout } = settings
  const sender = Sending.make(transporter)
  const taken = Taken.make()
  const wire = { domain: Addresses.domainOf(from), prefix }

  /** Notes who is done with alerts: all but those who are put off. */
  const note = ({ alerts, recipients: all }: Taken.Part, putOff: ReadonlyArray<Answers.Failure>, now: number) => {
    const waiting = new Set(putOff.map(({ recipient }) => Addresses.normal(recipient)))
    taken.done(
      alerts,
      all.filter((recipient) => !waiting.has(Addresses.normal(recipient))),
      now
    )
  }

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

  return Effect.fnUntraced(function* (alerts) {
    const parts = taken.rest(alerts, recipients)
    const results = yield* Effect.forEach(parts, (part) => Effect.result(deliver(part)))
    const [failure] = results.flatMap((result) => (Result.isFailure(result) ? [result.failure] : []))
    if (failure !== undefined) return yield* failure
  })
}

/** The others have had the alert, so it is not refused: the log says who has not. */
const sayRefused = (refusal: Answers.Failure): Effect.Effect<void> =>
  Effect.logWarning(`email did not reach a recipient: ${Answers.said(refusal)}`, { recipient: refusal.recipient })
