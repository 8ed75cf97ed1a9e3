/**
 * When each host is asked: by a few requests at a time, by none before the time that it named, and then by one that finds out.
 */
import type * as ItemError from "@redrive/core/ItemError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as RcMap from "effect/RcMap"
import * as Result from "effect/Result"
import * as Recorder from "./Recorder.ts"
import * as Lane from "./Lane.ts"
import * as Pauses from "./Pauses.ts"

type Request<A> = Effect.Effect<A, ItemError.Reason>

/** Takes turns at hosts; a host never sees more than `connectionsPerHost` requests at a time. */
export const make = Effect.fnUntraced(function* (connectionsPerHost: number, pauses: Pauses.Pauses) {
  const lanes = yield* RcMap.make({
    lookup: (_host: string) => Lane.make(connectionsPerHost),
    idleTimeToLive: "1 minute"
  })

  /** Sends a request, and notes what its host asks for. */
  const noted = Effect.fnUntraced(function* <A>(lane: Lane.Lane, host: string, request: Request<A>) {
    yield* Recorder.asking
    const result = yield* Effect.result(request)
    const now = yield* Clock.currentTimeMillis
    if (Result.isFailure(result) && Pauses.waitOf(result.failure) !== undefined) {
      if (pauses.failed(host, result.failure, now)) yield* lane.narrow
    } else {
      pauses.answered(host, now)
      yield* lane.widen
    }
    return yield* Effect.fromResult(result)
  })

  /** Sends a request with others. None if the host has asked for a pause while the request waited. */
  const among = <A>(lane: Lane.Lane, host: string, request: Request<A>) =>
    lane.permits.withPermit(
      Effect.suspend(() =>
        pauses.of(host) === undefined ? Effect.asSome(noted(lane, host, request)) : Effect.succeedNone
      )
    )

  /** Waits until the pause of a host is over, however often it gets longer, and for a second at most once somebody has ended it. */
  const over = (host: string): Effect.Effect<void> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const left = (pauses.of(host)?.until ?? now) - now
      return left <= 0
        ? Effect.void
        : Effect.andThen(
            Effect.sleep(Math.min(left, 1000)),
            Effect.suspend(() => over(host))
          )
    })

  /** Waits until the pause of a host is over, and sends the only request. None if an earlier one has ended the pause. */
  const alone = <A>(lane: Lane.Lane, host: string, request: Request<A>) =>
    lane.probe.withPermit(
      Effect.gen(function* () {
        const pause = pauses.of(host)
        if (pause === undefined) return Option.none<A>()
        const now = yield* Clock.currentTimeMillis
        const refusal = pauses.refusal(host, now)
        if (refusal !== undefined) return yield* refusal
        yield* Recorder.holding(over(host))
        return Option.some(yield* lane.permits.withPermit(noted(lane, host, request)))
      })
    )

  const inLane = <A>(lane: Lane.Lane, host: string, request: Request<A>): Request<A> =>
    Effect.suspend(() =>
      pauses.of(host) === undefined ? among(lane, host, request) : alone(lane, host, request)
    ).pipe(Effect.flatMap(Option.match({ onNone: () => inLane(lane, host, request), onSome: Effect.succeed })))

  return {
    /** Sends a request to a host when it is its turn. Fails without a request if the host's pause is longer than a page waits. */
    take: <A>(host: string, request: Request<A>): Request<A> =>
      Effect.scoped(Effect.flatMap(RcMap.get(lanes, host), (lane) => inLane(lane, host, request)))
  }
})
