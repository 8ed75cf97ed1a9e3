/**
 * Simulates a policy on virtual time: the real runner against a scripted dependency.
 *
 * Days pass in milliseconds, the same seed gives the same run, and no real service is called. Use it to see how a policy behaves in an
 * outage, and in tests of a policy. It needs Effect's `TestClock`; programs that only retry do not load it.
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
import type * as Because from "./Because.ts"
import { limiter } from "./internal/distributed/limiter.ts"
import { checkPolicy } from "./internal/policy/checked.ts"
import { makeRunner } from "./internal/state/makeRunner.ts"
import * as timeline from "./internal/timeline.ts"
import * as Retry from "./Retry.ts"
import { isRetryExhausted } from "./RetryExhausted.ts"
import type * as RetryPolicy from "./RetryPolicy.ts"

/**
 * The dependency's answer to one attempt.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer {
  /** How long the attempt takes. Default: zero. */
  readonly takes?: Duration.Input | undefined
  /** The verdict on its failure. Default: it succeeds. */
  readonly fails?: Verdict.Verdict | undefined
  /** The code of the failure, which the policy's overrides match. Default: none. */
  readonly code?: string | undefined
  /** The detail of the failure, which overrides by `code/detail` match. Ignored without a `code`. Default: none. */
  readonly detail?: string | undefined
  /**
   * Whether the failed attempt may have been carried out, so that a creation is given up. Default: `true` for a transient failure, `false`
   * for any other verdict.
   */
  readonly isAmbiguous?: boolean | undefined
}

/**
 * Answers attempt number `attempt` of a call (from 1), `now` milliseconds after the start; `random` is in [0, 1).
 *
 * @category models
 * @since 0.1.0
 */
export type Dependency = (asked: { readonly attempt: number; readonly now: number; readonly random: number }) => Answer

/**
 * A dependency that always gives the same answer.
 *
 * @category dependencies
 * @since 0.1.0
 */
export const always =
  (answer: Answer): Dependency =>
  () =>
    answer

/**
 * A dependency that gives these answers to a call's attempts in turn, and then repeats the last one.
 *
 * @category dependencies
 * @since 0.1.0
 */
export const script =
  (...answers: readonly [Answer, ...ReadonlyArray<Answer>]): Dependency =>
  ({ attempt }) =>
    answers[Math.min(attempt, answers.length) - 1] ?? answers[0]

/**
 * An outage of a dependency.
 *
 * @category options
 * @since 0.1.0
 */
export interface Outage {
  /** When the outage begins, after the start. No default. */
  readonly from: Duration.Input
  /** How long it lasts. No default. */
  readonly lasts: Duration.Input
  /** The answer of the dependency during the outage. No default. */
  readonly bad: Answer
  /** The share of answers during the outage that are `bad`, from 0 to 1. Default: 1. */
  readonly rate?: number | undefined
  /** Every other answer. Default: an instant success. */
  readonly well?: Answer | undefined
}

/**
 * A dependency with one outage.
 *
 * @category dependencies
 * @since 0.1.0
 */
export const outage = (options: Outage): Dependency => {
  const { bad, rate = 1, well = {} } = options
  const from = Duration.toMillis(options.from)
  const to = from + Duration.toMillis(options.lasts)
  return ({ now, random }) => (now >= from && now < to && random < rate ? bad : well)
}

/**
 * The calls to simulate.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The policy of every call. No default. */
  readonly policy: RetryPolicy.RetryPolicy
  /** Answers every attempt. No default. */
  readonly dependency: Dependency
  /** How many clients call, each with runners of its own. Default: 1. */
  readonly clients?: number | undefined
  /** How many calls each client makes. Default: 1. */
  readonly calls?: number | undefined
  /** How often a client begins a call. Default: each call begins when the last one has ended. */
  readonly every?: Duration.Input | undefined
  /** How many runners of the policy are nested around the dependency. Default: 1. */
  readonly layers?: number | undefined
  /** The seed of the random numbers. Default: 0. */
  readonly seed?: string | number | undefined
}

/**
 * One attempt.
 *
 * @category models
 * @since 0.1.0
 */
export interface Attempt {
  /** When it began, in milliseconds after the start. */
  readonly startedAt: number
  /** When it ended, in milliseconds after the start. */
  readonly endedAt: number
  /** Whether it succeeded. */
  readonly isGood: boolean
}

/**
 * One call: its attempts, and how it ended.
 *
 * @category models
 * @since 0.1.0
 */
export interface Call {
  /** The number of its client, from 0. */
  readonly client: number
  /** When it began, in milliseconds after the start. */
  readonly startedAt: number
  /** When it ended, in milliseconds after the start. */
  readonly endedAt: number
  /** `ok`, or why it was given up. */
  readonly ended: "ok" | Because.GivenUp
  /** Its attempts, the first one first. */
  readonly attempts: ReadonlyArray<Attempt>
}

/**
 * Every call, and their totals.
 *
 * @category models
 * @since 0.1.0
 */
export interface Result {
  /** Every call, client by client. */
  readonly calls: ReadonlyArray<Call>
  /** How many attempts all calls made. */
  readonly attempts: number
  /** How many attempts each call made on average. Zero without calls. */
  readonly amplification: number
  /** How many calls succeeded. */
  readonly succeeded: number
  /** The duration of the longest call. */
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

/** Runs an effect to its end on a clock of its own, which moves forward when nothing else can happen. */
const virtual = <A>(effect: Effect.Effect<A>): Effect.Effect<A> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    for (let hour = 0; fiber.pollUnsafe() === undefined; hour++) {
      if (hour > longest) return yield* Effect.die(new Error("the simulation does not end within a year"))
      yield* TestClock.adjust("1 hour")
    }
    return yield* Fiber.join(fiber)
  }).pipe(Effect.provide(TestClock.layer()))

/** In hours. A run that takes longer is taken to be endless. */
const longest = 366 * 24

const clientOf = (options: Options, client: number): Effect.Effect<ReadonlyArray<Call>> =>
  Effect.gen(function* () {
    const { calls = 1, every, layers = 1 } = options
    // A layer is another service's runner: it shares nothing with the others.
    const runners = yield* Effect.forEach(Array.from({ length: layers }), (_, layer) => runnerOf(options.policy, layer))
    const one = callOf(options, runners, client)
    const numbers = Array.from({ length: calls }, (_, call) => call)
    if (every === undefined) return yield* Effect.forEach(numbers, () => one)
    const late = (call: number) => Effect.delay(one, call * Duration.toMillis(every))
    return yield* Effect.forEach(numbers, late, { concurrency: "unbounded" })
  })

/** A runner of the policy, with an in-memory rate limiter if the policy has a rate limit. */
const runnerOf = (given: RetryPolicy.RetryPolicy, layer: number): Effect.Effect<Retry.Runner> => {
  const name = `layer ${layer + 1}`
  checkPolicy(given, name)
  const { rateLimit, ...policy } = given
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
    // A defect in the dependency is a bug in the test, so the simulation dies with it.
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
      detail,
      fails,
      isAmbiguous = fails?._tag === "Transient",
      takes
    } = dependency({ attempt: number, now: startedAt, random: yield* Random.next })
    const ended = (isGood: boolean) =>
      Effect.map(Clock.currentTimeMillis, (endedAt) => void (attempts[number - 1] = { startedAt, endedAt, isGood }))
    // An interrupted attempt still counts.
    attempts.push({ startedAt, endedAt: startedAt, isGood: false })
    const answer = Effect.andThen(takes === undefined ? Effect.void : Effect.sleep(takes), ended(fails === undefined))
    yield* Effect.onInterrupt(answer, () => ended(false))
    if (fails !== undefined)
      return yield* Effect.fail({ verdict: fails, code, detail, isAmbiguous, message: "as told" })
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
 * The only answer in a policy's worst case.
 *
 * @category options
 * @since 0.1.0
 */
export interface WorstAnswer {
  /** The verdict on every failure. No default. */
  readonly fails: Verdict.Verdict
  /** How long every attempt takes. Default: the policy's `attemptTimeout`, or zero without one. */
  readonly takes?: Duration.Input | undefined
}

/**
 * Simulates a policy's worst case for one call: the dependency never succeeds, and every random wait is the longest possible.
 *
 * @category running
 * @since 0.1.0
 */
export const worst = (policy: RetryPolicy.RetryPolicy, answer: WorstAnswer): Effect.Effect<Result> => {
  checkPolicy(policy, "Simulation.worst")
  const takes = answer.takes ?? policy.attemptTimeout
  const unlucky = { nextIntUnsafe: () => 0, nextDoubleUnsafe: () => 1 - Number.EPSILON }
  const client = clientOf({ policy, dependency: always({ fails: answer.fails, takes }) }, 0)
  return Effect.map(virtual(Effect.provideService(client, Random.Random, unlucky)), summary)
}

/**
 * A policy exceeded an expectation: more attempts per call, or a longer call.
 *
 * @category errors
 * @since 0.1.0
 */
export class TooMuch extends Schema.TaggedError<TooMuch>("@redrive/retry/Simulation/TooMuch")("TooMuch", {
  /** What was measured, with its unit, such as `attempts per call`. */
  what: Schema.String,
  /** The most that was expected. */
  expected: Schema.Finite,
  /** The value. */
  was: Schema.Finite
}) {
  override get message(): string {
    return `${this.what}: ${this.was.toFixed(2)}, expected at most ${this.expected}`
  }
}

/**
 * For tests: fails with `TooMuch` if a policy makes more attempts per call than `atMost`.
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
 * For tests: fails with `TooMuch` if the policy's worst case takes longer than `atMost`.
 *
 * @category assertions
 * @since 0.1.0
 */
export const expectDuration = (
  policy: RetryPolicy.RetryPolicy,
  answer: WorstAnswer,
  atMost: Duration.Input
): Effect.Effect<Result, TooMuch> =>
  Effect.flatMap(worst(policy, answer), (result) =>
    Duration.toMillis(result.longest) <= Duration.toMillis(atMost)
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
 * The calls of a run as a Markdown table: their attempts, when each began, and how the call ended.
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
 * The calls of a run as an SVG image: attempts over time, for documents and reviews.
 *
 * @category formatting
 * @since 0.1.0
 */
export const svg: (result: Result) => string = timeline.svg

const seconds = (millis: number): string => `${Number((millis / 1000).toFixed(2))} s`
