import * as Classify from "@redrive/core/Classify"
import * as Judge from "@redrive/core/Judge"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { type Reason, SinkError } from "../Sink.ts"

/** What a receiver answered. */
export interface Answer {
  readonly status: number
  readonly headers: { readonly [name: string]: string | undefined }
  /** The beginning of the body. */
  readonly text: string
}

/** What a channel knows about its answers that their status does not say. */
export interface Channel {
  readonly kind: string
  /** Reads an answer of 2xx: a message says why it is a failure all the same. */
  readonly refusal?: (answer: Answer) => Refusal | undefined
  /** Reads an answer of another status, which may say more than that. */
  readonly reads?: (answer: Answer) => Refusal | undefined
  /** The wait that an answer asks for in a form of its own, in milliseconds. */
  readonly wait?: (answer: Answer) => number | undefined
}

/** Why an answer of 2xx is a failure. */
export interface Refusal {
  readonly message: string
  readonly reason: Reason
  readonly verdict?: Verdict.Verdict
}

/** More of an answer says nothing that a message would have room for. */
const mostText = 8000

/**
 * Sends a request once, and says what the answer means. Redirects are not followed: fetch would turn a POST into a GET without a body, whose 200 counts
 * as delivered.
 */
export const send = (
  request: HttpClientRequest.HttpClientRequest,
  channel: Channel
): Effect.Effect<Answer, SinkError, HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const client = yield* HttpClient.HttpClient
    const response = yield* unfollowed(client.execute(request)).pipe(
      Effect.catch((error) =>
        Effect.flatMap(Judge.judge(error), (verdict) => Effect.fail(unreachable(channel, error, verdict)))
      )
    )
    const answer = { status: response.status, headers: response.headers, text: yield* textOf(response) }
    const now = yield* Clock.currentTimeMillis
    if (answer.status >= 200 && answer.status <= 299) {
      const refusal = channel.refusal?.(answer)
      if (refusal === undefined) return answer
      return yield* new SinkError({ sink: channel.kind, isAmbiguous: false, ...refusal })
    }
    return yield* refused(channel, answer, now)
  }).pipe(Effect.scoped)

const unfollowed = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.updateContext(effect, (context: Context.Context<R>) => {
    const given = Option.getOrElse(Context.getOption(context, FetchHttpClient.RequestInit), () => ({}))
    return Context.add(context, FetchHttpClient.RequestInit, { ...given, redirect: "manual" }) as Context.Context<R>
  })

/** The beginning of a body; one that breaks off has said enough. */
const textOf = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<string> =>
  response.stream.pipe(
    Stream.decodeText,
    Stream.scan(
      () => "",
      (text, part: string) => text + part
    ),
    Stream.takeUntil((text) => text.length >= mostText),
    Stream.runLast,
    Effect.map((last) => Option.getOrElse(last, () => "").slice(0, mostText)),
    Effect.catchCause(() => Effect.succeed(""))
  )

const unreachable = ({ kind }: Channel, error: unknown, verdict: Verdict.Verdict): SinkError => {
  const { code, detail = code } = Classify.thrown(error)
  return new SinkError({
    sink: kind,
    message: `no answer: ${detail}`,
    reason: "unreachable",
    verdict,
    isAmbiguous: Classify.isAmbiguous(error)
  })
}

const refused = (channel: Channel, answer: Answer, now: number): SinkError => {
  const { headers, status } = answer
  const asked = channel.wait?.(answer)
  const read = Judge.verdictOf({ status, headers }, { now })
  const verdict = asked === undefined ? read : Verdict.throttled(Duration.millis(asked))
  const own = verdict._tag === "Throttled" ? undefined : channel.reads?.(answer)
  return new SinkError({
    sink: channel.kind,
    message: `answered ${status}${said(answer)}`,
    reason: own?.reason ?? reasonOf(status, verdict),
    verdict: own?.verdict ?? verdict,
    isAmbiguous: status >= 500
  })
}

/** Reads from a status whether this delivery is wrong, or the channel. */
const reasonOf = (status: number, verdict: Verdict.Verdict): Reason => {
  if (status >= 300 && status <= 399) return "redirect"
  if ([401, 403, 404, 410].includes(status)) return "gone"
  if (status === 413) return "too large"
  if (verdict._tag === "Throttled") return "busy"
  return Verdict.isRetryable(verdict) ? "failed" : "refused"
}

/** The first line of what a receiver says, if that is short. */
const said = ({ status, text }: Answer): string => {
  if (status >= 300 && status <= 399) return ", which leads elsewhere: give the address that answers itself"
  const [line = ""] = text.trim().split("\n", 1)
  return line === "" || line.startsWith("<") ? "" : `: ${Report.make(line.slice(0, 200)).message}`
}
