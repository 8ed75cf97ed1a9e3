import { assert, describe, it } from "@effect/vitest"
import * as Verdict from "@redrive/core/Verdict"
import * as Backoff from "@redrive/retry/Backoff"
import * as Distributed from "@redrive/retry/Distributed"
import * as HttpRetry from "@redrive/retry/HttpRetry"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Simulation from "@redrive/retry/Simulation"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"

const { seconds } = Duration

const messageOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return "nothing was refused"
}

/** What a program without types may give. */
const make = RetryPolicy.make as (options: unknown) => RetryPolicy.RetryPolicy

const fields =
  "retries, operation, attemptTimeout, deadline, maxRetryAfter, quick, steady, slow, server, overrides, nested, budget, breaker, bulkhead, rateLimit, parking, hedge"
const duration = 'a finite duration above zero, such as "10 seconds"'

describe("a policy that is refused", () => {
  const cases: ReadonlyArray<readonly [options: unknown, ...problems: ReadonlyArray<string>]> = [
    [{ maxRetries: 3 }, "maxRetries is unknown; the nearest is retries"],
    [{ xyzzy: 1 }, `xyzzy is unknown; allowed: ${fields}`],
    [{ deadline: { second: 5 } }, `deadline is an object; allowed: ${duration}`],
    [{ attemptTimeout: "soon" }, `attemptTimeout is "soon"; allowed: ${duration}`],
    [{ attemptTimeout: NaN }, `attemptTimeout is NaN; allowed: ${duration}`],
    [
      { maxRetryAfter: { second: 5 } },
      'maxRetryAfter is an object; allowed: a finite duration of zero or more, such as "10 seconds"'
    ],
    [{ deadline: undefined }, `deadline is undefined; allowed: ${duration}`],
    [{ deadline: seconds(-1) }, `deadline is -1s; allowed: ${duration}`],
    [null, `the policy is null; allowed: an object of ${fields}`],
    [[], `the policy is a list; allowed: an object of ${fields}`],
    [{ operation: "w".repeat(99) }, `operation is "${"w".repeat(60)}"; allowed: create, idempotent, poll, read`],
    [{ breaker: true }, "breaker is true; allowed: an object of trip, slowerThan, openFor, probes, lease"],
    [{ breaker: { trip: 5 } }, "breaker.trip is 5; allowed: an object with _tag Consecutive, CountWindow, TimeWindow"],
    [
      { breaker: { trip: { _tag: "Rate" } } },
      'breaker.trip._tag is "Rate"; allowed: Consecutive, CountWindow, TimeWindow'
    ],
    [
      { breaker: { trip: { _tag: "Consecutive", failures: 3, size: 4 } } },
      'breaker.trip.size belongs to CountWindow; breaker.trip._tag is "Consecutive"'
    ],
    [{ budget: {} }, "budget._tag is missing; allowed: Ratio, Tokens, Throttle, Adaptive, Concurrent"],
    [
      { budget: { ratio: 1, cost: 2 } },
      "budget._tag is missing; allowed: Ratio, Tokens, Throttle, Adaptive, Concurrent (budget.ratio belongs to Ratio, Throttle, Concurrent, budget.cost belongs to Tokens)"
    ],
    [
      { budget: { _tag: "Throttle", ratio: 0 } },
      "budget.capacity is missing; allowed: a number above 0",
      "budget.ratio is 0; allowed: a number above 0"
    ],
    [
      { quick: { base: seconds(1), cap: seconds(2), jitter: 7 }, overrides: { gone: {}, lost: { retires: 1 } } },
      "quick.jitter is 7; allowed: none, equal, full, a number above 0 and at most 1",
      "overrides.gone: give retries, a backoff or both, or give up",
      "overrides.lost.retires is unknown; the nearest is overrides.lost.retries"
    ],
    [
      { retries: 200, attemptTimeout: seconds(5), hedge: { after: seconds(9) }, operation: "create" },
      "retries is 200: more than 100 retries need a deadline",
      "hedge: a creation is never sent twice: leave out the hedge",
      "hedge.after is 9s: no attempt may take so long"
    ],
    [
      { retries: 200, attemptTimeout: seconds(5), deadline: seconds(1) },
      "deadline is 1s: the deadline is shorter than one attempt"
    ]
  ]
  for (const [options, ...problems] of cases) {
    it(`says all that is wrong, by names: ${JSON.stringify(options)}`, () => {
      const told = messageOf(() => make(options)).split(/\n {2}|(?<=^RetryPolicy\.make:) /)
      assert.deepStrictEqual(told, ["RetryPolicy.make:", ...problems])
    })
  }

  it("says it of a backoff, too", () => {
    assert.strictEqual(
      messageOf(() => Backoff.make({ base: seconds(1), jiter: "none" } as never)),
      `Backoff.make:\n  jiter is unknown; the nearest is jitter\n  cap is missing; allowed: a finite duration of zero or more, such as "10 seconds"`
    )
  })
})

describe("what is not a policy", () => {
  const policy = RetryPolicy.make({ operation: "create" })
  const client = HttpClient.make(() => Effect.die("nothing is sent"))
  const failed = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.matchCause(effect, {
      onSuccess: () => "nothing was refused",
      onFailure: (cause) => messageOf(() => Effect.runSync(Effect.failCause(cause)))
    })
  const thrown = (run: () => unknown) => Effect.sync(() => messageOf(run))

  /** Every way in, and what a value that is not a policy comes to there. */
  const doors: ReadonlyArray<readonly [name: string, enter: (policy: never) => Effect.Effect<string>]> = [
    ["Retry.make", (policy) => thrown(() => Retry.make(policy, "call"))],
    ["Retry.retry", (policy) => thrown(() => Retry.retry(Effect.void, policy))],
    ["Retry.retry in a pipe", (policy) => thrown(() => Effect.void.pipe(Retry.retry(policy)))],
    ["HttpRetry.httpClient", (policy) => thrown(() => HttpRetry.httpClient(policy)(client))],
    ["Simulation.run", (policy) => failed(Simulation.run({ policy, dependency: Simulation.script({}) }))],
    ["Simulation.worst", (policy) => thrown(() => Simulation.worst(policy, { fails: Verdict.transient("quick") }))],
    [
      "Distributed.make",
      (policy) => failed(Distributed.make(policy, "call").pipe(Effect.scoped, Effect.provide(Distributed.layerMemory)))
    ]
  ]
  const wrong: ReadonlyArray<readonly [policy: unknown, ...says: ReadonlyArray<string>]> = [
    [{ ...policy, deadline: seconds(-1) }, `deadline is -1s; allowed: ${duration}`],
    [{ ...policy, maxRetries: 1 }, "maxRetries is unknown; the nearest is retries"],
    [{ ...policy, hedge: { after: seconds(1), share: 0.1 } }, "hedge: a creation is never sent twice"],
    [{ retries: 3 }, "operation is missing", "quick is missing"],
    ["quick", 'the policy is "quick"']
  ]
  for (const [name, enter] of doors) {
    it.effect(`is refused by its fields: ${name}`, () =>
      Effect.gen(function* () {
        for (const [value, ...says] of wrong) {
          // A client looks for a runner first.
          const said = yield* enter(value as never)
          if (name !== "Distributed.make")
            assert.match(said, /^the policy of \S+( 1)? is not a policy; use RetryPolicy.make/)
          for (const one of says) assert.include(said, one)
        }
      })
    )

    it.effect(`is no copy with other fields that go together: ${name}`, () =>
      Effect.gen(function* () {
        const copies = [{ retries: 0 }, { deadline: undefined }, { attemptTimeout: seconds(1), deadline: seconds(2) }]
        for (const copy of copies) {
          assert.strictEqual(yield* enter({ ...policy, ...copy } as never), "nothing was refused")
        }
      })
    )
  }

  it("is nothing at all, too", () => {
    const retry = Retry.retry as (self: unknown) => unknown
    assert.match(
      messageOf(() => retry(Effect.void)),
      /^the policy of call is not a policy; .*: the policy is undefined/
    )
  })
})
