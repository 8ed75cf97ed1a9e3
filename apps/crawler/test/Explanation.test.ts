import process from "node:process"
import { assert, describe, it } from "@effect/vitest"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Effect from "effect/Effect"
import { displayWidth } from "effect/cli/CliOutput"
import * as Explanation from "../src/explain/Explanation.ts"
import * as ExplanationText from "../src/explain/ExplanationText.ts"
import type { Code } from "../src/explain/warnings.ts"

type Json = Readonly<Record<string, unknown>>

const explained = (json: Json, options: Explanation.Options = {}) =>
  Effect.flatMap(RetryPolicy.fromJson(json), (policy) => Explanation.make(policy, options))

const fast = { base: "0 millis", cap: "0 millis" }
const fixed = (base: string, cap = base) => ({ base, cap, jitter: "none" })

describe("delays", () => {
  it.live("are those of the policy, without chance", () =>
    Effect.gen(function* () {
      const { paces } = yield* explained({ steady: fixed("1 second", "1 minute") })
      const steady = paces.find(({ pace }) => pace === "steady")
      assert.deepStrictEqual(
        steady?.retries.map(({ begins, delay, reached }) => [delay.earliest, delay.latest, begins.middle, reached]),
        [
          [1000, 1000, 1000, 1],
          [2000, 2000, 3000, 1],
          [4000, 4000, 7000, 1]
        ]
      )
    })
  )

  it.live("reach from the earliest to the latest, and half of them are below the middle", () =>
    Effect.gen(function* () {
      const { paces } = yield* explained({})
      const [first] = paces[0]?.retries ?? []
      assert.strictEqual(first?.delay.earliest, 0)
      assert.closeTo(first?.delay.latest ?? 0, 500, 0.001)
      assert.closeTo(first?.delay.middle ?? 0, 250, 25)
    })
  )

  it.live("of a series that depends on the wait before reach as far as it can", () =>
    Effect.gen(function* () {
      const { paces } = yield* explained({ quick: { kind: "decorrelated", base: "1 second", cap: "20 seconds" } })
      const ends = paces[0]?.retries.map(({ delay }) => [delay.earliest, Math.round(delay.latest)])
      assert.deepStrictEqual(ends, [
        [1000, 3000],
        [1000, 9000],
        [1000, 20_000]
      ])
    })
  )

  it.live("say how many calls get to a retry before the deadline", () =>
    Effect.gen(function* () {
      const { paces, retryAfter } = yield* explained({ deadline: "30 seconds", maxRetryAfter: "1 minute" })
      const [first, second] = paces.find(({ pace }) => pace === "slow")?.retries ?? []
      assert.closeTo(first?.reached ?? 0, 0.5, 0.05)
      assert.isBelow(second?.reached ?? 1, first?.reached ?? 0)
      assert.isTrue(retryAfter.isCutByDeadline)
      assert.isBelow(retryAfter.longest, 30_000)
    })
  )

  it.live("of a throttling server are there if they are its own, and what is not shown is counted", () =>
    Effect.gen(function* () {
      const { paces } = yield* explained({ retries: 20, server: fixed("3 seconds") })
      assert.deepStrictEqual(
        paces.map(({ more, pace }) => [pace, more]),
        [
          ["quick", 12],
          ["steady", 12],
          ["slow", 12],
          ["server", 12]
        ]
      )
    })
  )
})

describe("the worst case", () => {
  const rowOf = (self: Explanation.Explanation, how: string, pace?: string) =>
    self.worst.find((one) => one.how === how && one.pace === pace)

  it.live("is down, late until the attempt must end, and a Retry-After", () =>
    Effect.gen(function* () {
      const self = yield* explained({ attemptTimeout: "10 seconds", maxRetryAfter: "5 minutes" })
      assert.include(rowOf(self, "down", "quick"), { attempts: 4, lasts: 3500, because: "retries" })
      assert.include(rowOf(self, "late", "steady"), { attempts: 4, lasts: 54_000, because: "retries" })
      assert.include(rowOf(self, "throttled"), { attempts: 4, lasts: 901_500 })
      assert.strictEqual(self.longest, 901_500)
    })
  )

  it.live("has no end if nothing ends an attempt", () =>
    Effect.gen(function* () {
      const self = yield* explained({})
      assert.include(rowOf(self, "late", "quick"), { attempts: 1, lasts: null, because: "hangs" })
      assert.strictEqual(self.longest, null)
      assert.include(ExplanationText.lines(self, 500).join("\n"), "Nothing ends an attempt that hangs.")
    })
  )

  it.live("knows what calls share, the operation, and parking", () =>
    Effect.gen(function* () {
      const trip = { _tag: "Consecutive", failures: 2 }
      const self = yield* explained({ operation: "create", breaker: { trip }, parking: { maximum: "1 hour" } })
      assert.include(rowOf(self, "down", "quick"), { attempts: 2, because: "breaker" })
      assert.include(rowOf(self, "parked"), { lasts: 3_600_000, because: "parked_too_long" })
    })
  )

  it.live("leaves the budget out, which may allow one call every retry", () =>
    Effect.gen(function* () {
      const self = yield* explained({ retries: 6, budget: "standard" })
      assert.include(rowOf(self, "down", "quick"), { attempts: 7, because: "retries" })
      assert.include(ExplanationText.lines(self, 500).join("\n"), "The budget is left out")
    })
  )

  it.live("covers overrides, which may take longer", () =>
    Effect.gen(function* () {
      const { longest, overrides } = yield* explained({
        attemptTimeout: "1 second",
        overrides: {
          gone: { giveUp: true },
          "busy/maintenance": { backoff: fixed("2 hours") },
          busy: { retries: 1 }
        }
      })
      assert.deepStrictEqual(
        overrides.map(({ attempts, code, lasts }) => [code, attempts, lasts]),
        [
          ["gone", 1, 0],
          ["busy/maintenance", 4, 21_600_000],
          ["busy", 2, 60_000]
        ]
      )
      assert.strictEqual(longest, 21_600_000)
    })
  )

  it.live("is the deadline, if that ends calls: a shorter wait leads to a longer call", () =>
    Effect.gen(function* () {
      const minute = { base: "1 minute", cap: "1 minute" }
      const self = yield* explained({
        attemptTimeout: "1 second",
        deadline: "20 seconds",
        maxRetryAfter: "1 second",
        quick: minute,
        steady: minute,
        slow: minute
      })
      assert.include(rowOf(self, "late", "quick"), { attempts: 1, lasts: 1000, because: "deadline" })
      assert.strictEqual(self.longest, 20_000)
    })
  )

  it.live("is a bound where a simulation would take too long", () =>
    Effect.gen(function* () {
      const self = yield* explained({ retries: 1_000_000_000, deadline: "10000 days", quick: fast })
      assert.include(rowOf(self, "down", "quick"), { isBound: true, because: "cut", attempts: 100_000 })
      assert.include(ExplanationText.lines(self, 500).join("\n"), "Too long to be simulated")
    })
  )
})

describe("an outage", () => {
  const loadOf = ({ outage }: Explanation.Explanation, failure: string, isLimited = true) =>
    outage.loads.find((load) => load.failure === failure && load.isLimited === isLimited)

  it.live("brings a request for each attempt, and a budget and a breaker hold them down", () =>
    Effect.gen(function* () {
      const free = yield* explained({ quick: fixed("100 millis") })
      assert.closeTo(loadOf(free, "quick")?.amplification ?? 0, 4, 0.1)
      assert.isUndefined(loadOf(free, "quick", false))
      const held = yield* explained({ quick: fixed("100 millis"), budget: "standard", breaker: {} })
      assert.isBelow(loadOf(held, "quick")?.amplification ?? 9, 1)
      assert.closeTo(loadOf(held, "quick", false)?.amplification ?? 0, 4, 0.1)
    })
  )

  it.live("is over for the dependency when its last retries are", () =>
    Effect.gen(function* () {
      const soon = yield* explained({ retries: 1, quick: fixed("100 millis") })
      assert.isAtMost(loadOf(soon, "quick")?.normalAfter ?? 99_999, 2000)
      const late = yield* explained({ retries: 1, quick: fixed("30 seconds") })
      assert.closeTo(loadOf(late, "quick")?.normalAfter ?? 0, 30_000, 2000)
      const none = yield* explained({ retries: 0 })
      assert.include(loadOf(none, "quick"), { normalAfter: 0, amplification: 1 })
    })
  )

  it.live("is not over while a breaker stays open", () =>
    Effect.gen(function* () {
      const openFor = fixed("1 hour")
      const self = yield* explained({ breaker: { openFor } })
      assert.strictEqual(loadOf(self, "quick")?.normalAfter, null)
    })
  )

  it.live("sends what an attempt's timeout lets through", () =>
    Effect.gen(function* () {
      const self = yield* explained({ attemptTimeout: "1 second", quick: fast })
      assert.closeTo(loadOf(self, "hangs")?.amplification ?? 0, 3.9, 0.2)
    })
  )

  it.live("is the same for a fleet of any size, if each client calls as often", () =>
    Effect.gen(function* () {
      const policy = { budget: "standard", quick: fixed("100 millis") }
      const few = yield* explained(policy, { clients: 4, callsPerSecond: 4 })
      const many = yield* explained(policy, { clients: 4000, callsPerSecond: 4000 })
      assert.deepStrictEqual(few.outage.loads, many.outage.loads)
      // The floor of each client's budget counts for more where clients call rarely.
      const quiet = yield* explained(policy, { clients: 4000, callsPerSecond: 40 })
      assert.isAbove(loadOf(quiet, "quick")?.amplification ?? 0, loadOf(few, "quick")?.amplification ?? 9)
    })
  )

  it.live("is shorter, and says so, for clients that call very often and share something", () =>
    Effect.gen(function* () {
      const self = yield* explained({ budget: "standard" }, { clients: 1, callsPerSecond: 100 })
      assert.isBelow(self.outage.lasts, self.outage.asked)
      assert.include(ExplanationText.lines(self, 500).join("\n"), "The outage was cut from 60 s to 2.7 s")
    })
  )

  it.live("says where the requests were too many", () =>
    Effect.gen(function* () {
      const self = yield* explained({ retries: 100, quick: fast })
      assert.isTrue(loadOf(self, "quick")?.isCut)
      assert.match(ExplanationText.lines(self, 500).join("\n"), /quick +\d+\.\d\d or more .* cut$/m)
    })
  )
})

/** For each warning a policy that has it, and what is changed in it so that it has not. */
const cases: { readonly [code in Code]: readonly [bad: Json, better: Json] } = {
  no_limit_of_time: [{}, { attemptTimeout: "10 seconds" }],
  no_attempt_timeout: [{ deadline: "1 minute" }, { attemptTimeout: "10 seconds" }],
  long_call: [{ attemptTimeout: "10 seconds" }, { deadline: "1 minute" }],
  no_time_for_a_retry: [{ attemptTimeout: "10 seconds", deadline: "10 seconds" }, { attemptTimeout: "1 second" }],
  rare_retries: [{ deadline: "20 seconds" }, { slow: { base: "1 second", cap: "2 seconds" } }],
  retry_after_over_deadline: [{ deadline: "1 minute" }, { maxRetryAfter: "30 seconds" }],
  no_jitter: [
    { overrides: { busy: { backoff: fixed("1 second") } } },
    { overrides: { busy: { backoff: { ...fixed("1 second"), kind: "smooth" } } } }
  ],
  no_wait: [{ quick: fast }, { quick: { base: "1 second", cap: "1 second" } }],
  amplification: [{ quick: fixed("1 second") }, { budget: "standard" }],
  budget_too_large: [
    { quick: fixed("1 second"), budget: { _tag: "Ratio", ratio: 10, window: "10 seconds", floor: 1 } },
    { budget: "standard" }
  ],
  breaker_opens_in_a_call: [{ retries: 4, breaker: {} }, { retries: 3 }],
  unused_without_retries: [{ retries: 0, budget: "standard" }, { retries: 1 }],
  hedge_unused: [{ operation: "idempotent", hedge: { after: "1 second" } }, { operation: "poll" }],
  nested_retries: [{ nested: "retry" }, { nested: "once" }],
  rate_limit_over_deadline: [
    { deadline: "10 seconds", rateLimit: { limit: 5, window: "1 second" } },
    { rateLimit: { limit: 5, window: "1 second", maximumWait: "1 second" } }
  ],
  rate_limit_without_retries: [{ rateLimit: { limit: 5, window: "1 second" } }, { retries: 0 }],
  parking_over_deadline: [{ deadline: "10 minutes", parking: {} }, { parking: { maximum: "5 minutes" } }]
}

describe("warnings", () => {
  const fleet = { clients: 2, callsPerSecond: 2, outage: "20 seconds" } as const
  const codes = (json: Json) => Effect.map(explained(json, fleet), ({ warnings }) => warnings.map(({ code }) => code))

  for (const [code, [bad, better]] of Object.entries(cases) as ReadonlyArray<[Code, (typeof cases)[Code]]>) {
    it.live(`${code} is told where it is true, and not else`, () =>
      Effect.gen(function* () {
        assert.include(yield* codes(bad), code)
        assert.notInclude(yield* codes({ ...bad, ...better }), code)
      })
    )
  }

  it.live("are one line each, and there are none for a policy that deserves none", () =>
    Effect.gen(function* () {
      for (const [bad] of Object.values(cases)) {
        const { warnings } = yield* explained(bad, fleet)
        for (const { text } of warnings) assert.match(text, /^[A-Z][^\n]*\.$/)
      }
      const { warnings } = yield* explained({
        attemptTimeout: "2 seconds",
        deadline: "10 seconds",
        maxRetryAfter: "2 seconds",
        slow: { base: "1 second", cap: "2 seconds" },
        budget: "standard",
        breaker: {}
      })
      assert.deepStrictEqual(warnings, [])
    })
  )
})

const everything: Json = {
  retries: 5,
  attemptTimeout: "2 seconds",
  deadline: "20 seconds",
  budget: "finagle",
  breaker: { trip: { _tag: "TimeWindow", length: "10 seconds", rate: 0.5, minimum: 10 } },
  bulkhead: { concurrent: 4, queue: 10 },
  rateLimit: { limit: 20, window: "1 second" },
  hedge: { after: "500 millis" },
  parking: {},
  server: { kind: "smooth", base: "1 second", cap: "20 seconds" },
  overrides: { [`a${"long".repeat(40)}/code\u001b[31m`]: { giveUp: true }, "\u202Etxet": { retries: 1 } }
}

describe("an explanation", () => {
  it.live("is the same each time, and survives JSON", () =>
    Effect.gen(function* () {
      const first = yield* explained(everything)
      assert.deepStrictEqual(first, yield* explained(everything))
      assert.deepStrictEqual(JSON.parse(JSON.stringify(first)), first)
      assert.deepStrictEqual(yield* explained(first.policy as Json), first)
    })
  )

  it.live("fits a terminal, which no text of the file can control", () =>
    Effect.gen(function* () {
      const lines = ExplanationText.lines(yield* explained(everything, { name: "p\u0007.json" }), 80)
      for (const line of lines) {
        assert.isAtMost(displayWidth(line), 80)
        // oxlint-disable-next-line no-control-regex -- the characters are meant
        assert.notMatch(line, /[\u0000-\u001f\u007f-\u009f\u202e]/)
      }
      assert.include(lines.join(""), "\\u001b[31m")
    })
  )

  it.live("takes less than two seconds for whatever a policy may be", () =>
    Effect.gen(function* () {
      const years = fixed("400 days", "4000 days")
      const worst: ReadonlyArray<Json> = [
        { retries: 1e9, deadline: "1000000 days", quick: fast, steady: fast, slow: fast },
        { retries: 100, quick: fast, bulkhead: { concurrent: 1, queue: 1e6 }, budget: "envoy" },
        { retries: 100, quick: years, slow: years, maxRetryAfter: "100000 days" },
        { rateLimit: { limit: 1, window: "10000 days", maximumWait: "100000 days" } },
        { parking: { probe: fixed("1 millis"), maximum: "10000 days" } },
        { attemptTimeout: "10000 days", hedge: { after: "9999 days" }, breaker: { slowerThan: "9999 days" } },
        { attemptTimeout: "1 nanos", deadline: "2 nanos" },
        { overrides: Object.fromEntries(Array.from({ length: 1000 }, (_, code) => [`c${code}`, { retries: 1 }])) }
      ]
      for (const json of worst) {
        for (const options of [{}, { clients: 1, callsPerSecond: 100, outage: "1 hour" }] as const) {
          const [used, before] = [process.cpuUsage(), JSON.stringify(json).slice(0, 80)]
          ExplanationText.lines(yield* explained(json, options), 80)
          const { system, user } = process.cpuUsage(used)
          assert.isBelow((system + user) / 1000, 2000, before)
        }
      }
    })
  )
})
