import { assert, describe, it } from "@effect/vitest"
import * as Verdict from "@redrive/core/Verdict"
import * as Backoff from "@redrive/retry/Backoff"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Simulation from "@redrive/retry/Simulation"
import * as Arbitrary from "effect/Arbitrary"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"

// What holds of every policy and every dependency, each run on virtual time.

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const anyPolicy = Arbitrary.map(
  Arbitrary.schema(
    Schema.Struct({
      retries: int(1, 6),
      deadline: Schema.UndefinedOr(int(1000, 120_000)),
      timeout: Schema.UndefinedOr(int(1, 1000)),
      kind: Backoff.Kind,
      jitter: Backoff.Jitter,
      base: int(0, 5000),
      growth: int(0, 60_000),
      budget: Schema.Literals(["none", "standard", "grpc", "aws2026"])
    })
  ),
  ({ base, budget, deadline, growth, jitter, kind, retries, timeout }) => {
    const backoff = Backoff.make({ kind, jitter, base: Duration.millis(base), cap: Duration.millis(base + growth) })
    return RetryPolicy.make({
      retries,
      quick: backoff,
      steady: backoff,
      slow: backoff,
      ...(timeout === undefined ? {} : { attemptTimeout: Duration.millis(timeout) }),
      ...(deadline === undefined ? {} : { deadline: Duration.millis(deadline) }),
      ...(budget === "none" ? {} : { budget })
    })
  }
)

const verdict = Arbitrary.map(
  Arbitrary.schema(Schema.Struct({ kind: Schema.Literals(["quick", "steady", "slow", "wait"]), wait: int(0, 30_000) })),
  ({ kind, wait }) => (kind === "wait" ? Verdict.throttled(Duration.millis(wait)) : Verdict.transient(kind))
)

const answers = Arbitrary.map(
  Arbitrary.schema(Schema.Array(Schema.Struct({ takes: int(0, 3000), isGood: Schema.Boolean }))),
  (all) => all.slice(0, 8)
)

const dependency = (
  script: ReadonlyArray<{ readonly takes: number; readonly isGood: boolean }>,
  fails: Verdict.Verdict
) =>
  Simulation.script(
    { fails },
    ...script.map(({ isGood, takes }) => ({ takes: Duration.millis(takes), ...(isGood ? {} : { fails }) }))
  )

const runs = { arbitrary: { runs: 300 } }

describe("every call", () => {
  it.effect.prop(
    "makes one attempt and its retries at most, ends by its deadline, and comes back no sooner than it was asked to",
    { policy: anyPolicy, verdict, answers, seed: int(0, 1_000_000) },
    ({ answers, policy, seed, verdict }) =>
      Effect.gen(function* () {
        const { calls } = yield* Simulation.run({ policy, dependency: dependency(answers, verdict), calls: 3, seed })
        const asked = Duration.toMillis(Verdict.retryAfter(verdict) ?? Duration.zero)
        for (const { attempts, endedAt, startedAt } of calls) {
          assert.isAtMost(attempts.length, policy.retries + 1)
          // Fractions of milliseconds add up to a little more or less.
          if (policy.deadline !== undefined)
            assert.isAtMost(endedAt - startedAt, Duration.toMillis(policy.deadline) + 1e-6)
          for (const [index, { startedAt: began }] of attempts.entries()) {
            const before = attempts[index - 1]
            const limit = Duration.toMillis(policy.attemptTimeout ?? Duration.infinity)
            // What ran into its timeout was not told anything.
            if (before === undefined || before.endedAt - before.startedAt >= limit - 1e-6) continue
            assert.isAtLeast(began - before.endedAt, asked - 1e-6, JSON.stringify(attempts))
          }
        }
      }),
    runs
  )

  it.effect.prop(
    "is the same for the same seed, and for a policy that went through JSON",
    { policy: anyPolicy, verdict, answers, seed: int(0, 1_000_000) },
    ({ answers, policy, seed, verdict }) =>
      Effect.gen(function* () {
        const options = { dependency: dependency(answers, verdict), clients: 2, calls: 3, seed }
        const once = yield* Simulation.run({ ...options, policy })
        const json = JSON.parse(JSON.stringify(Schema.encodeSync(RetryPolicy.RetryPolicy)(policy)))
        const travelled = Schema.decodeUnknownSync(RetryPolicy.RetryPolicy)(json)
        assert.deepStrictEqual(yield* Simulation.run({ ...options, policy }), once)
        assert.deepStrictEqual(yield* Simulation.run({ ...options, policy: travelled }), once)
      }),
    { arbitrary: { runs: 100 } }
  )
})

describe("places and probes", () => {
  const step = Schema.Struct({
    act: Schema.Literals(["start", "interrupt", "pass"]),
    which: int(0, 9),
    isGood: Schema.Boolean,
    takes: int(0, 5000)
  })

  it.effect.prop(
    "are all given back, whoever is interrupted when",
    { steps: Arbitrary.schema(Schema.Array(step)) },
    ({ steps }) =>
      Effect.gen(function* () {
        const policy = RetryPolicy.make({
          retries: 1,
          attemptTimeout: Duration.seconds(3),
          bulkhead: { concurrent: 2, queue: 3 },
          budget: "envoy",
          breaker: {
            trip: { _tag: "Consecutive", failures: 2 },
            openFor: { base: Duration.seconds(1), cap: Duration.seconds(1) },
            lease: Duration.minutes(10)
          }
        })
        const runner = Retry.make(policy)
        const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
        for (const { act, isGood, takes, which } of steps) {
          if (act === "start") {
            const ended = isGood ? Effect.succeed(1) : Effect.fail({ verdict: Verdict.transient("quick") })
            const call = runner.run(Effect.delay(ended, Duration.millis(takes)))
            fibers.push(yield* Effect.forkChild(Effect.exit(call), { startImmediately: true }))
          } else if (act === "pass") yield* TestClock.adjust(Duration.millis(takes))
          else {
            const fiber = fibers[which % Math.max(1, fibers.length)]
            if (fiber !== undefined) yield* Fiber.interrupt(fiber)
          }
        }
        yield* TestClock.adjust("1 hour")
        for (const fiber of fibers) yield* Fiber.await(fiber)
        // A breaker that lost a probe would refuse for ten minutes; a bulkhead that lost a place would never run two at once.
        const never = Effect.exit(runner.run(Effect.never))
        assert.strictEqual(yield* runner.run(Effect.succeed(1)), 1)
        assert.strictEqual(runner.breaker()?.condition(Number.MAX_SAFE_INTEGER), "closed")
        assert.strictEqual(runner.budget?.available(0), 3)
        const full = yield* Effect.forEach([1, 2, 3, 4, 5], () => Effect.forkChild(never, { startImmediately: true }))
        assert.strictEqual((yield* Effect.flip(runner.run(Effect.succeed(1)))).because, "bulkhead")
        yield* Fiber.interruptAll(full)
        assert.strictEqual(yield* runner.run(Effect.succeed(1)), 1)
      }),
    { arbitrary: { runs: 150 } }
  )
})
