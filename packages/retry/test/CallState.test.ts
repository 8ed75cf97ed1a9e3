import { assert, describe, it } from "@effect/vitest"
import * as Verdict from "@redrive/core/Verdict"
import * as Backoff from "@redrive/retry/Backoff"
import * as CallState from "@redrive/retry/CallState"
import * as Operation from "@redrive/retry/Operation"
import * as Redrive from "@redrive/retry/Redrive"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Simulation from "@redrive/retry/Simulation"
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const millis = Duration.millis

const anyPolicy = Arbitrary.map(
  Arbitrary.schema(
    Schema.Struct({
      retries: int(1, 6),
      deadline: Schema.UndefinedOr(int(1000, 120_000)),
      maxRetryAfter: int(0, 20_000),
      operation: Operation.Operation,
      kind: Backoff.Kind,
      jitter: Backoff.Jitter,
      base: int(0, 5000),
      growth: int(0, 60_000),
      parked: Schema.UndefinedOr(int(5001, 60_000)),
      override: Schema.Literals(["none", "give up", "retries", "backoff"])
    })
  ),
  ({ base, deadline, growth, jitter, kind, maxRetryAfter, operation, override, parked, retries }) => {
    const backoff = Backoff.make({ kind, jitter, base: millis(base), cap: millis(base + growth) })
    const probe = { kind: "constant", base: millis(5000), cap: millis(5000), jitter: "none" } as const
    const overrides = {
      none: {},
      "give up": { "busy/long": { giveUp: true } },
      retries: { busy: { retries: 1 } },
      backoff: { "busy/long": { backoff: { ...backoff, kind: "decorrelated" } } }
    } as const
    return RetryPolicy.make({
      retries,
      operation,
      maxRetryAfter: millis(maxRetryAfter),
      quick: backoff,
      steady: { ...backoff, kind: "linear" },
      slow: { ...backoff, kind: "smooth" },
      overrides: overrides[override],
      ...(deadline === undefined ? {} : { deadline: millis(deadline) }),
      ...(parked === undefined ? {} : { parking: { probe, maximum: millis(parked) } })
    })
  }
)

interface Answer {
  readonly takes: number
  readonly verdict: Verdict.Verdict
  readonly code?: string | undefined
  readonly detail?: string | undefined
  readonly isAmbiguous: boolean
}

const answers: Arbitrary.Arbitrary<ReadonlyArray<Answer>> = Arbitrary.map(
  Arbitrary.schema(
    Schema.Array(
      Schema.Struct({
        takes: int(0, 3000),
        kind: Schema.Literals(["quick", "steady", "slow", "limited", "busy", "wait", "parked", "permanent"]),
        isParked: Schema.Boolean,
        wait: int(0, 25_000),
        isAmbiguous: Schema.Boolean,
        code: Schema.Literals(["none", "busy", "detail"])
      })
    )
  ),
  (all) =>
    all.slice(0, 9).map(({ code, isAmbiguous, isParked, kind, takes, wait }) => ({
      takes,
      isAmbiguous,
      verdict: isParked ? Verdict.parked("top up") : verdictOf(kind, wait),
      ...(code === "none" ? {} : { code: "busy" }),
      ...(code === "detail" ? { detail: "long" } : {})
    }))
)

const verdictOf = (kind: string, wait: number): Verdict.Verdict => {
  if (kind === "quick" || kind === "steady" || kind === "slow") return Verdict.transient(kind)
  if (kind === "limited") return Verdict.transient("quick", 1)
  if (kind === "wait") return Verdict.throttled(millis(wait))
  if (kind === "parked") return Verdict.parked("top up")
  return kind === "busy" ? Verdict.throttled() : Verdict.permanent
}

interface Ended {
  readonly waits: ReadonlyArray<number>
  readonly end: string
}

const json = Schema.toCodecJson(CallState.CallState)

/** A state after a journey through JSON, as it comes back in another process. */
const travelled = (state: CallState.CallState): CallState.CallState =>
  Schema.decodeUnknownSync(json)(JSON.parse(JSON.stringify(Schema.encodeSync(json)(state))))

/** Asks `next` after each failure, and adds up the time itself. */
const folded = (policy: RetryPolicy.RetryPolicy, script: ReadonlyArray<Answer>, random: number): Ended => {
  const deadline = policy.deadline === undefined ? Infinity : Duration.toMillis(policy.deadline)
  const waits: Array<number> = []
  let state = CallState.start
  let elapsed = 0
  for (const answer of script) {
    const isCut = elapsed + answer.takes >= deadline
    elapsed = isCut ? deadline : elapsed + answer.takes
    const timedOut = { verdict: Verdict.of(new Cause.TimeoutError()), isAmbiguous: true }
    const next = CallState.next(policy, state, { ...(isCut ? timedOut : answer), elapsed, random })
    if (next._tag === "GiveUp") return { waits, end: next.because }
    assert(next._tag !== "Reconcile")
    if (next._tag === "Park" && Duration.toMillis(next.atMost) <= 5000) return { waits, end: next.because }
    const wait = next._tag === "Park" ? 5000 : Duration.toMillis(next.delay)
    if (next._tag === "Retry") waits.push(wait)
    elapsed += wait
    state = travelled(next.state)
  }
  return { waits, end: "ok" }
}

/** Whether an attempt runs into the deadline, which only `Retry` cuts short. */
const isTimed = (policy: RetryPolicy.RetryPolicy, script: ReadonlyArray<Answer>): boolean =>
  policy.deadline !== undefined && script.some(({ takes }) => takes > 0)

const constant = (random: number) =>
  Effect.provideService(Random.Random, { nextIntUnsafe: () => 0, nextDoubleUnsafe: () => random })

/** An effect that fails as the script says, then succeeds. */
const scripted = (script: ReadonlyArray<Answer>): Effect.Effect<string, Answer> => {
  let asked = 0
  return Effect.suspend(() => {
    const answer = script[asked++]
    if (answer === undefined) return Effect.succeed("ok")
    return Effect.delay(Effect.fail(answer), millis(answer.takes))
  })
}

/** Runs an effect on the test's clock until it ends. */
const passing = Effect.fnUntraced(function* <A, E>(effect: Effect.Effect<A, E>) {
  const fiber = yield* Effect.forkChild(Effect.exit(effect), { startImmediately: true })
  for (let hours = 0; fiber.pollUnsafe() === undefined && hours < 1000; hours++) yield* TestClock.adjust("1 hour")
  return yield* Fiber.join(fiber)
})

const ran = Effect.fnUntraced(function* (
  policy: RetryPolicy.RetryPolicy,
  script: ReadonlyArray<Answer>,
  random: number
) {
  const exit = yield* passing(Effect.result(Retry.make(policy).run(scripted(script))).pipe(constant(random)))
  assert(Exit.isSuccess(exit))
  return Result.match(exit.value, {
    onFailure: ({ attempts, because }) => ({
      waits: attempts.flatMap(({ wait }) => wait ?? []),
      end: because as string
    }),
    onSuccess: () => ({ waits: undefined, end: "ok" })
  })
})

const props = { policy: anyPolicy, script: answers, random: int(0, 99) }
const runs = { arbitrary: { runs: 400 } }

describe("what follows a failure", () => {
  it.effect.prop(
    "is the same for the runner and for whoever asks `next`",
    props,
    ({ policy, random, script }) =>
      Effect.gen(function* () {
        const expected = folded(policy, script, random / 100)
        const { end, waits } = yield* ran(policy, script, random / 100)
        assert.strictEqual(end, expected.end)
        if (waits !== undefined) assert.deepStrictEqual(waits.map(Duration.toMillis), expected.waits)
      }),
    runs
  )

  it.effect.prop(
    "is the same for the schedule, without parking and timeouts",
    props,
    ({ policy: { parking: _, ...policy }, random, script }) =>
      Effect.gen(function* () {
        if (isTimed(policy, script)) return
        const expected = folded(policy, script, random / 100)
        const tried: Array<number> = []
        const call = Effect.andThen(
          Effect.map(Clock.currentTimeMillis, (now) => tried.push(now)),
          scripted(script.map((one) => ({ ...one, takes: 0 })))
        )
        const exit = yield* passing(Effect.retry(call, RetryPolicy.schedule(policy)).pipe(constant(random / 100)))
        assert.strictEqual(Exit.isSuccess(exit), expected.end === "ok")
        const waits = tried.slice(1).map((now, index) => now - (tried[index] ?? 0))
        assert.lengthOf(waits, expected.waits.length)
        for (const [index, wait] of waits.entries()) assert.closeTo(wait, expected.waits[index] ?? NaN, 1)
      }),
    runs
  )

  it.effect.prop(
    "is the same in a simulation",
    props,
    ({ policy: jittered, script }) =>
      Effect.gen(function* () {
        // A simulation draws random numbers of its own.
        const calm = { ...jittered.quick, kind: "exponential", jitter: "none" } as const
        const policy = { ...jittered, quick: calm, steady: calm, slow: calm, overrides: {} }
        const expected = folded(policy, script, 0)
        const say = (answer: Answer) => ({ ...answer, takes: millis(answer.takes), fails: answer.verdict })
        const dependency: Simulation.Dependency = ({ attempt }) => {
          const answer = script[attempt - 1]
          return answer === undefined ? {} : say(answer)
        }
        const { calls } = yield* Simulation.run({ policy, dependency })
        assert.deepStrictEqual(
          calls.map(({ ended }) => ended as string),
          [expected.end]
        )
      }),
    runs
  )

  it.effect.prop(
    "is the same for the rounds of a redrive, without parking",
    props,
    ({ policy: { parking: _, ...policy }, random, script: all }) =>
      Effect.gen(function* () {
        // A verdict's own limit is for the retries within a call.
        const script = all.map((one) => ({
          ...one,
          takes: 0,
          verdict: one.verdict._tag === "Transient" ? Verdict.transient(one.verdict.pace) : one.verdict
        }))
        const [first, ...others] = script
        if (first === undefined) return
        const expected = folded(policy, script, random / 100)
        const waits: Array<number> = []
        const rounds = Redrive.run([{ item: "a", error: first }], {
          policy,
          each: () => each,
          onPlan: ({ wait }) => Effect.sync(() => void waits.push(Duration.toMillis(wait)))
        })
        const each = scripted(others)
        const exit = yield* passing(constant(random / 100)(rounds))
        assert(Exit.isSuccess(exit))
        assert.strictEqual(exit.value.failed[0]?.because ?? "ok", expected.end)
        assert.deepStrictEqual(waits, expected.waits)
      }),
    runs
  )

  it.effect("is the same in a simulation for an override of a detail", () =>
    Effect.gen(function* () {
      const policy = RetryPolicy.make({ overrides: { "busy/long": { giveUp: true } } })
      const busy = { fails: Verdict.transient("quick"), code: "busy" }
      const ended = (answer: Simulation.Answer) =>
        Effect.map(Simulation.run({ policy, dependency: Simulation.always(answer) }), ({ calls }) => calls[0]?.ended)
      assert.strictEqual(yield* ended({ ...busy, detail: "long" }), "permanent")
      assert.strictEqual(yield* ended({ ...busy, detail: "short" }), "retries")
    })
  )

  it("depends on the call", () => {
    const policy = RetryPolicy.make({ parking: {}, deadline: Duration.minutes(1) })
    const busy = { verdict: Verdict.transient("quick"), elapsed: 0, random: 0.5, isAmbiguous: true }
    const ask = (options: CallState.Options, failed: CallState.FailedAttempt = busy) => {
      const next = CallState.next(policy, CallState.start, failed, options)
      return next._tag === "GiveUp" ? next.because : next._tag
    }
    assert.strictEqual(ask({}), "Retry")
    assert.strictEqual(ask({ operation: "create" }), "ambiguous")
    assert.strictEqual(ask({ operation: "create", canReconcile: true }), "Reconcile")
    assert.strictEqual(ask({ operation: "create", canReconcile: true }, { ...busy, isAmbiguous: false }), "Retry")
    assert.strictEqual(ask({ isNested: true }), "nested")
    assert.strictEqual(ask({ remaining: "100 millis" }), "deadline")
    assert.strictEqual(ask({}, { ...busy, elapsed: "59.9 seconds" }), "deadline")
    const broke = { ...busy, verdict: Verdict.parked("top up") }
    assert.strictEqual(ask({}, broke), "Park")
    assert.strictEqual(ask({ isReplayable: false }, broke), "parked")
    // An outer policy must not send it again either, whatever else would have ended the call.
    assert.strictEqual(ask({ isReplayable: false, remaining: 0 }), "not_replayable")
  })

  it("at a gate ends by the deadline, or when the call has been parked too long", () => {
    const policy = RetryPolicy.make({ parking: { maximum: Duration.minutes(10) }, deadline: Duration.hours(1) })
    const parked = CallState.park(policy, CallState.start, "top up", "5 minutes")
    assert.deepInclude(parked, { atMost: Duration.minutes(10), because: "parked_too_long" })
    assert.strictEqual(parked.state.parkedAt, 300_000)
    const later = CallState.park(policy, parked.state, "top up", "12 minutes")
    assert.deepInclude(later, { atMost: Duration.minutes(3), because: "parked_too_long" })
    assert.deepStrictEqual(CallState.park(policy, parked.state, "top up", "20 minutes").atMost, Duration.zero)
    const hurried = CallState.park(policy, CallState.start, "top up", "58 minutes")
    assert.deepInclude(hurried, { atMost: Duration.minutes(2), because: "deadline" })
  })
})
