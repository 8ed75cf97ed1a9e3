import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { Transporter } from "../EmailSink.ts"
import type * as EmailWire from "../EmailWire.ts"
import { PassThrough, type Readable } from "node:stream"

/** One email to some of its recipients. */
export interface Mail extends EmailWire.Message {
  readonly from: string
  readonly to: ReadonlyArray<string>
  readonly replyTo?: string | undefined
  readonly envelope: { readonly from: string; readonly to: ReadonlyArray<string> }
}

/** An email that nodemailer has composed, as its plugins get it. */
interface Composed {
  readonly data: { readonly signal?: unknown }
  readonly message: { readonly processFunc: (step: (stream: Readable) => Readable) => void }
}

const isComposed = (mail: object): mail is Composed =>
  Predicate.hasProperty(mail, "data") &&
  Predicate.isObject(mail.data) &&
  Predicate.hasProperty(mail, "message") &&
  Predicate.hasProperty(mail.message, "processFunc") &&
  typeof mail.message.processFunc === "function"

/** What became of an attempt that failed. */
export interface Failed {
  readonly error: unknown
  /** Whether all of the email went to the server. */
  readonly isSent: boolean
}

export interface Sender {
  /**
   * One attempt, which ends its connection after so many milliseconds, or when it is interrupted. If the whole email has gone by then, its answer is
   * waited for a little, and told to `late`: whoever is stopped in that moment would send it again.
   */
  readonly send: (mail: Mail, timeout: number, late: (info: unknown) => void) => Effect.Effect<unknown, Failed>
}

/** A server takes about so long for its answer. */
const mostLate = "2 seconds"

/**
 * An error of a connection does not say how far the email had come, so a step at the end of its stream does: a connection reads it from there when the
 * server has asked for it.
 */
export const make = (transporter: Transporter): Sender => {
  /** The signals of attempts, and whether their emails have gone. */
  const sent = new WeakMap<object, boolean>()
  transporter.use("stream", (mail, done) => {
    const signal = isComposed(mail) ? mail.data.signal : undefined
    if (isComposed(mail) && Predicate.isObject(signal) && sent.has(signal))
      mail.message.processFunc((stream) => {
        const end = stream.pipe(new PassThrough())
        stream.once("error", (error) => end.destroy(error))
        return end.once("end", () => sent.set(signal, true))
      })
    done()
  })
  return {
    send: (mail, timeout, late) =>
      Effect.suspend(() => {
        const attempt = new AbortController()
        const { signal } = attempt
        sent.set(signal, false)
        const failed = (error: unknown): Failed => ({ error, isSent: sent.get(signal) === true })
        let answer: Promise<unknown> = Promise.resolve()
        const lastWord = Effect.promise(() => answer.then(late, () => undefined)).pipe(
          Effect.interruptible,
          Effect.timeoutOption(mostLate)
        )
        return Effect.tryPromise({
          try: () => {
            // Alerts are texts: none of them makes nodemailer read a file or a URL.
            answer = transporter.sendMail({ ...mail, signal, disableFileAccess: true, disableUrlAccess: true })
            return answer
          },
          catch: failed
        }).pipe(
          Effect.timeoutOrElse({
            duration: timeout,
            orElse: () => Effect.fail(failed({ code: "ETIMEDOUT", message: "no answer in time" }))
          }),
          Effect.onInterrupt(() => (sent.get(signal) === true ? lastWord : Effect.void)),
          Effect.ensuring(Effect.sync(() => attempt.abort()))
        )
      })
  }
}
