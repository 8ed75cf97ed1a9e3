/**
 * What a policy would do, on virtual time: the real runner against a dependency that fails as it is told.
 *
 * Days pass in milliseconds, the same seed gives the same run, and nothing is called. Use it to look at a policy before it meets an
 * outage, and in tests that it must pass. It needs Effect's `TestClock`; programs that only retry do not load it.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type * as Verdict from "@redrive/core/Verdict"
import { limiter } from "./internal/limiter.ts"
import { makeRunner } from "./internal/make.ts"
import * as timeline from "./internal/timeline.ts"
import * as Retry from "./Retry.ts"
import { isRetryExhausted } from "./RetryExhausted.ts"
import type * as RetryPolicy from "./RetryPolicy.ts"

/**
 * What the dependency does with one attempt.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer {
  /** How long the attempt takes. Default: no time. */
  readonly takes?: Duration.Duration | undefined
  /** The verdict on its failure. Default: it succeeds. */
  readonly fails?: Verdict.Verdict | undefined
  /** The code of the failure, where the policy has overrides. Default: none. */
  readonly code?: string | undefined
  /**
   * Whether the attempt may have been carried out although it failed, which ends a creation. Default: `true` for a transient failure;
   * `false` for the other verdicts, which are a refusal.
   */
  readonly isAmbiguous?: boolean | undefined
}

/**
 * Answers a call's `attempt` (from 1), `now` milliseconds after the beginning; `random` is in [0, 1).
 *
 * @category models
 * @since 0.1.0
 */
export type Dependency = (asked: { readonly attempt: number; readonly now: number; readonly random: number }) => Answer

/**
 * A dependency that always does the same.
 *
 * @category dependencies
 * @since 0.1.0
 */
export const always =
  (answer: Answer): Dependency =>
  () =>
    answer

/**
 * A dependency that answers each call's attempts in turn, the last answer for ever.
 *
 * @category dependencies
 * @since 0.1.0
 */
export const script =
  (...answers: readonly [Answer, ...ReadonlyArray<Answer>]): Dependency =>
  ({ attempt }) =>
    answers[Math.min(attempt, answers.length) - 1] ?? answers[0]

/**
 * A dependency that is well but for a while, `from` so long after the beginning, when a share (`rate`) of its answers are `bad` (all).
 *
 * @category dependencies
 * @since 0.1.0
 */
export const outage = (options: {
  readonly from: Duration.Duration
  readonly lasts: Duration.Duration
  readonly bad: Answer
  readonly rate?: number | undefined
  readonly well?: Answer | undefined
}): Dependency => {
  const { bad, rate = 1, well = {} } = options
  const from = Duration.toMillis(options.from)
  const to = from + Duration.toMillis(options.lasts)
  return ({ now, random }) => (now >= from && now < to && random < rate ? bad : well)
}

/**
 * The `policy` and the `dependency`; each of so many `clients` (1), that share nothing, makes so many `calls` (1), one `every` so often
 * (one after the other), through so many `layers` of the policy within each other (1); chance by a `seed` (0).
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  readonly policy: RetryPolicy.RetryPolicy
  readonly dependency: Dependency
  readonly clients?: number | undefined
  readonly calls?: number | undefined
  readonly every?: Duration.Duration | undefined
  readonly layers?: number | undefined
  readonly seed?: string | number | undefined
}

/**
 * One attempt. Times are milliseconds after the beginning.
 *
 * @category models
 * @since 0.1.0
 */
export interface Attempt {
  readonly startedAt: number
  readonly endedAt: number
  readonly isGood: boolean
}

/**
 * One call, with its attempts, and how it ended.
 *
 * @category models
 * @since 0.1.0
 */
export interface Call {
  readonly client: number
  readonly startedAt: number
  readonly endedAt: number
  readonly ended: "ok" | RetryPolicy.Because
  readonly attempts: ReadonlyArray<Attempt>
}

/**
 * Every call, and what they add up to: `amplification` is attempts per call, `longest` the time that the longest call took.
 *
 * @category models
 * @since 0.1.0
 */
export interface Result {
  readonly calls: ReadonlyArray<Call>
  readonly attempts: number
  readonly amplification: number
  readonly succeeded: number
  readonly longest: Duration.Duration
}

/**
 * Runs the real policy on virtual time.
 *
 * @category running
 * @since 0.1.0
 */
export const run = (options: Options): Effect.Effect<Result> =>
  Effect.suspend(() => {
    const clients = Array.from({ length: options.clients ?? 1 }, (_, client) => clientOf(options, client))
    const all = Effect.all(clients, { concurrency: "unbounded" })
    return Effect.map(virtual(all), (calls) => summary(calls.flat()))
  }).pipe(Random.withSeed(options.seed ?? 0))

/** Runs an effect to its end on a clock of its own, which is set forward whenever nothing else happens. */
const virtual = <A>(effect: Effect.Effect<A>): Effect.Effect<A> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    for (let hour = 0; fiber.pollUnsafe() === undefined; hour++) {
      if (hour > longest) return yield* Effect.die(new Error("the simulation does not end within a year"))
      yield* TestClock.adjust("1 hour")
    }
    return yield* Fiber.join(fiber)
  }).pipe(Effect.provide(TestClock.layer()))

/** Hours. What takes longer does not end at all. */
const longest = 366 * 24

const clientOf = (options: Options, client: number): Effect.Effect<ReadonlyArray<Call>> =>
  Effect.gen(function* () {
    const { calls = 1, every, layers = 1 } = options
    // A layer is another service's runner: it shares nothing with the others.
    const runners = yield* Effect.forEach(Array.from({ length: layers }), (_, layer) => runnerOf(options.policy, layer))
    const one = callOf(options, runners, client)
    const numbers = Array.from({ length: calls }, (_, call) => call)
    if (every === undefined) return yield* Effect.forEach(numbers, () => one)
    const late = (call: number) => Effect.delay(one, Duration.times(every, call))
    return yield* Effect.forEach(numbers, late, { concurrency: "unbounded" })
  })

/** The policy's own runner, which counts calls in memory where there is a rate limit. */
const runnerOf = ({ rateLimit, ...policy }: RetryPolicy.RetryPolicy, layer: number): Effect.Effect<Retry.Runner> => {
  const name = `layer ${layer + 1}`
  if (rateLimit === undefined) return Effect.sync(() => Retry.make(policy, name))
  const counted = Effect.map(RateLimiter.RateLimiter, (counter) =>
    makeRunner(policy, name, { limiter: limiter(counter, rateLimit, name) })
  )
  return Effect.provide(counted, Layer.provide(RateLimiter.layer, RateLimiter.layerStoreMemory))
}

const callOf = (options: Options, runners: ReadonlyArray<Retry.Runner>, client: number): Effect.Effect<Call> =>
  Effect.gen(function* () {
    const attempts: Array<Attempt> = []
    const asked = attemptOf(options.dependency, attempts)
    const layered = runners.reduce<Effect.Effect<unknown, unknown>>((effect, runner) => runner.run(effect), asked)
    const startedAt = yield* Clock.currentTimeMillis
    // A defect in the dependency is a bug in the test: the simulation dies of it.
    const ended = yield* Effect.match(layered, {
      onFailure: (failure) => (isRetryExhausted(failure) ? failure.because : "ok"),
      onSuccess: () => "ok" as const
    })
    return { client, startedAt, endedAt: yield* Clock.currentTimeMillis, ended, attempts }
  })

const attemptOf = (dependency: Dependency, attempts: Array<Attempt>): Effect.Effect<void, unknown> =>
  Effect.gen(function* () {
    const startedAt = yield* Clock.currentTimeMillis
    const number = attempts.length + 1
    const {
      code,
      fails,
      isAmbiguous = fails?._tag === "Transient",
      takes
    } = dependency({ attempt: number, now: startedAt, random: yield* Random.next })
    const ended = (isGood: boolean) =>
      Effect.map(Clock.currentTimeMillis, (endedAt) => void (attempts[number - 1] = { startedAt, endedAt, isGood }))
    // An attempt that is cut short was made all the same.
    attempts.push({ startedAt, endedAt: startedAt, isGood: false })
    const answer = Effect.andThen(takes === undefined ? Effect.void : Effect.sleep(takes), ended(fails === undefined))
    yield* Effect.onInterrupt(answer, () => ended(false))
    if (fails !== undefined) return yield* Effect.fail({ verdict: fails, code, isAmbiguous, message: "as told" })
  })

const summary = (calls: ReadonlyArray<Call>): Result => {
  const attempts = calls.reduce((sum, call) => sum + call.attempts.length, 0)
  const longest = calls.reduce((most, { endedAt, startedAt }) => Math.max(most, endedAt - startedAt), 0)
  return {
    calls,
    attempts,
    amplification: calls.length === 0 ? 0 : attempts / calls.length,
    succeeded: calls.filter(({ ended }) => ended === "ok").length,
    longest: Duration.millis(longest)
  }
}

/**
 * The worst that a policy can do to one caller: its dependency never succeeds, every attempt takes as long as it may (`takes`, or the
 * policy's own timeout), and chance makes every wait the longest.
 *
 * @category running
 * @since 0.1.0
 */
export const worst = (
  policy: RetryPolicy.RetryPolicy,
  answer: { readonly fails: Verdict.Verdict; readonly takes?: Duration.Duration | undefined }
): Effect.Effect<Result> => {
  const takes = answer.takes ?? policy.attemptTimeout
  const unlucky = { nextIntUnsafe: () => 0, nextDoubleUnsafe: () => 1 - Number.EPSILON }
  const client = clientOf({ policy, dependency: always({ fails: answer.fails, takes }) }, 0)
  return Effect.map(virtual(Effect.provideService(client, Random.Random, unlucky)), summary)
}

/**
 * A policy did more than it was expected to.
 *
 * @category errors
 * @since 0.1.0
 */
export class TooMuch extends Schema.TaggedError<TooMuch>("@redrive/retry/Simulation/TooMuch")("TooMuch", {
  what: Schema.String,
  expected: Schema.Finite,
  was: Schema.Finite
}) {
  override get message(): string {
    return `${this.what}: ${this.was.toFixed(2)}, expected at most ${this.expected}`
  }
}

/**
 * For tests: fails with `TooMuch` where a policy makes more attempts per call than this.
 *
 * @category assertions
 * @since 0.1.0
 */
export const expectAmplification = (options: Options, atMost: number): Effect.Effect<Result, TooMuch> =>
  Effect.flatMap(run(options), (result) =>
    result.amplification <= atMost
      ? Effect.succeed(result)
      : Effect.fail(new TooMuch({ what: "attempts per call", expected: atMost, was: result.amplification }))
  )

/**
 * For tests: fails with `TooMuch` where the policy's worst case takes longer than this, in milliseconds.
 *
 * @category assertions
 * @since 0.1.0
 */
export const expectDuration = (
  policy: RetryPolicy.RetryPolicy,
  answer: Parameters<typeof worst>[1],
  atMost: Duration.Duration
): Effect.Effect<Result, TooMuch> =>
  Effect.flatMap(worst(policy, answer), (result) =>
    Duration.isLessThanOrEqualTo(result.longest, atMost)
      ? Effect.succeed(result)
      : Effect.fail(
          new TooMuch({
            what: "milliseconds of the longest call",
            expected: Duration.toMillis(atMost),
            was: Duration.toMillis(result.longest)
          })
        )
  )

/**
 * The calls of a run as a table in Markdown: how many attempts, when, and how they ended.
 *
 * @category formatting
 * @since 0.1.0
 */
export const table = ({ calls }: Result): string =>
  [
    "| call | attempts | begun after | ended after | with |",
    "| ---: | ---: | --- | ---: | --- |",
    ...calls.map(({ attempts, ended, endedAt, startedAt }, index) => {
      const begun = attempts.map((attempt) => seconds(attempt.startedAt - startedAt)).join(", ")
      return `| ${index + 1} | ${attempts.length} | ${begun} | ${seconds(endedAt - startedAt)} | ${ended} |`
    })
  ].join("\n")

/**
 * The calls of a run as a picture (SVG): attempts over time, for documents and reviews.
 *
 * @category formatting
 * @since 0.1.0
 */
export const svg: (result: Result) => string = timeline.svg

const seconds = (millis: number): string => `${Number((millis / 1000).toFixed(2))} s`
