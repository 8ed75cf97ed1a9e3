import { assert, describe, it } from "@effect/vitest"
import * as Backoff from "@redrive/retry/Backoff"
import * as Breaker from "@redrive/retry/Breaker"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

type Options = (typeof Breaker.Breaker)["~type.make.in"]

const steady = Backoff.make({ kind: "constant", base: Duration.seconds(5), cap: Duration.seconds(5), jitter: "none" })

const make = (options: Options = {}, listen?: Breaker.Listener) =>
  Breaker.make(Breaker.Breaker.make({ openFor: steady, ...options }), listen)

const admit = (breaker: Breaker.State, now: number): Breaker.Permit => {
  const answer = breaker.admit(now)
  return answer._tag === "Permit" ? answer : assert.fail(`refused at ${now}`)
}

const call = (breaker: Breaker.State, outcome: Breaker.AttemptEnd, now: number, took = 0, hint = 0) =>
  breaker.record(admit(breaker, now), outcome, now, 0.5, took, hint)

const fail = (breaker: Breaker.State, times: number, now = 0) => {
  for (let n = 0; n < times; n++) call(breaker, "failure", now)
}

describe("a breaker", () => {
  it("opens after five failures in a row, which a success breaks", () => {
    const breaker = make()
    fail(breaker, 4)
    call(breaker, "success", 0)
    fail(breaker, 4)
    assert.strictEqual(breaker.condition(0), "closed")
    fail(breaker, 1)
    assert.strictEqual(breaker.condition(0), "open")
    assert.deepStrictEqual(breaker.admit(1000), { _tag: "Refused", retryAfter: 4000 })
  })

  it("opens at a rate of the last calls, once there were enough of them", () => {
    const breaker = make({ trip: { _tag: "CountWindow", size: 10, rate: 0.5, minimum: 4 } })
    fail(breaker, 3)
    assert.strictEqual(breaker.condition(0), "closed")
    fail(breaker, 1)
    assert.strictEqual(breaker.condition(0), "open")
    const calm = make({ trip: { _tag: "CountWindow", size: 4, rate: 0.5, minimum: 4 } })
    for (const outcome of ["failure", "success", "success", "success", "success", "failure"] as const)
      call(calm, outcome, 0)
    // The first failure has left the window.
    assert.strictEqual(calm.condition(0), "closed")
    call(calm, "failure", 0)
    assert.strictEqual(calm.condition(0), "open")
  })

  it("opens at a rate of the last while, and not of what was long ago", () => {
    const trip = { _tag: "TimeWindow", length: Duration.seconds(10), rate: 0.5, minimum: 4 } as const
    const breaker = make({ trip })
    fail(breaker, 3, 0)
    fail(breaker, 3, 11_000)
    assert.strictEqual(breaker.condition(11_000), "closed")
    fail(breaker, 1, 12_000)
    assert.strictEqual(breaker.condition(12_000), "open")
  })

  it("needs as many calls after an hour of silence as at first", () => {
    const trip = { _tag: "TimeWindow", length: Duration.seconds(5), rate: 0.2, minimum: 50 } as const
    const breaker = make({ trip })
    for (let now = 0; now < 5000; now += 10) call(breaker, "success", now)
    fail(breaker, 49, 3_600_000)
    assert.strictEqual(breaker.condition(3_600_000), "closed")
    fail(breaker, 1, 3_600_001)
    assert.strictEqual(breaker.condition(3_600_001), "open")
  })

  it("counts what was too slow as a failure", () => {
    const breaker = make({ slowerThan: Duration.seconds(1), trip: { _tag: "Consecutive", failures: 2 } })
    call(breaker, "success", 0, 1001)
    call(breaker, "success", 0, 1000)
    call(breaker, "success", 0, 1001)
    assert.strictEqual(breaker.condition(0), "closed")
    call(breaker, "success", 0, 5000)
    assert.strictEqual(breaker.condition(0), "open")
  })

  it("does not count what says nothing of the other side", () => {
    const breaker = make()
    for (let n = 0; n < 100; n++) call(breaker, "ignored", 0)
    assert.strictEqual(breaker.condition(0), "closed")
  })

  it("lets one probe through when it was open long enough, and closes with its success", () => {
    const breaker = make()
    fail(breaker, 5)
    assert.strictEqual(breaker.condition(5000), "half open")
    const probe = admit(breaker, 5000)
    assert.deepStrictEqual(breaker.admit(5000), { _tag: "Refused", retryAfter: 30_000 })
    breaker.record(probe, "success", 5100, 0.5)
    assert.strictEqual(breaker.condition(5100), "closed")
    fail(breaker, 4, 5200)
    assert.strictEqual(breaker.condition(5200), "closed")
  })

  it("opens again with a probe's failure, for longer each time", () => {
    const openFor = Backoff.make({ base: Duration.seconds(1), cap: Duration.seconds(3), jitter: "none" })
    const delays: Array<number> = []
    const breaker = make({ openFor }, (change) => delays.push(change.to === "open" ? change.delay : 0))
    fail(breaker, 5)
    call(breaker, "failure", 1000)
    call(breaker, "failure", 3000)
    call(breaker, "failure", 6000)
    assert.deepStrictEqual(delays, [1000, 2000, 3000, 3000])
    call(breaker, "success", 9000)
    fail(breaker, 5, 9000)
    assert.deepStrictEqual(delays.slice(4), [0, 1000])
  })

  it("stays open as long as a failure asks to wait", () => {
    const breaker = make()
    fail(breaker, 4)
    call(breaker, "failure", 0, 0, 60_000)
    assert.deepStrictEqual(breaker.admit(10_000), { _tag: "Refused", retryAfter: 50_000 })
  })

  it("wants so many successes as it has probes, and lets no more through at once", () => {
    const breaker = make({ probes: 2 })
    fail(breaker, 5)
    const [one, two] = [admit(breaker, 5000), admit(breaker, 5000)]
    assert.strictEqual(breaker.admit(5000)._tag, "Refused")
    breaker.record(one, "success", 5001, 0.5)
    assert.strictEqual(breaker.condition(5001), "half open")
    breaker.record(two, "success", 5002, 0.5)
    assert.strictEqual(breaker.condition(5002), "closed")
  })

  it("gives the place of a probe back that was interrupted, and of one that is never heard of again", () => {
    const breaker = make({ lease: Duration.seconds(2) })
    fail(breaker, 5)
    breaker.record(admit(breaker, 5000), "ignored", 5001, 0.5)
    const lost = admit(breaker, 5001)
    assert.deepStrictEqual(breaker.admit(6000), { _tag: "Refused", retryAfter: 1001 })
    call(breaker, "success", 7001)
    assert.strictEqual(breaker.condition(7001), "closed")
    // It was heard of after all: too late to matter.
    breaker.record(lost, "failure", 7002, 0.5)
    assert.strictEqual(breaker.condition(7002), "closed")
  })

  it("gives no place back twice: a probe whose lease has ended has none", () => {
    const breaker = make({ lease: Duration.seconds(2) })
    fail(breaker, 5)
    const silent = admit(breaker, 5000)
    admit(breaker, 7001)
    breaker.record(silent, "ignored", 7002, 0.5)
    assert.deepStrictEqual(breaker.admit(7003), { _tag: "Refused", retryAfter: 1998 })
  })

  it("does not count a result from before it opened", () => {
    const breaker = make()
    const early = admit(breaker, 0)
    fail(breaker, 5)
    const probe = admit(breaker, 5000)
    breaker.record(early, "failure", 5001, 0.5)
    assert.strictEqual(breaker.condition(5001), "half open")
    breaker.record(probe, "success", 5002, 0.5)
    assert.strictEqual(breaker.condition(5002), "closed")
  })

  it("can be isolated and reset by hand", () => {
    const breaker = make()
    const running = admit(breaker, 0)
    breaker.isolate()
    assert.deepStrictEqual(breaker.admit(1e12), { _tag: "Refused", retryAfter: Infinity })
    breaker.record(running, "success", 1, 0.5)
    assert.strictEqual(breaker.condition(1), "isolated")
    breaker.reset()
    assert.strictEqual(breaker.condition(1), "closed")
  })

  it("has its defaults spelled out in JSON, and refuses what makes no sense", () => {
    const decode = Schema.decodeUnknownSync(Breaker.Breaker)
    const breaker = decode({})
    assert.deepStrictEqual(decode(JSON.parse(JSON.stringify(Schema.encodeSync(Breaker.Breaker)(breaker)))), breaker)
    assert.deepStrictEqual(breaker.trip, { _tag: "Consecutive", failures: 5 })
    for (const [json, at] of [
      [{ trip: { _tag: "Consecutive", failures: 0 } }, "failures"],
      [{ trip: { _tag: "CountWindow", size: 10, rate: 2, minimum: 1 } }, "rate"],
      [{ probes: 0 }, "probes"]
    ] as const) {
      assert.throws(() => decode(json), at)
    }
  })

  it.prop(
    "never lets more probes through than it has, and is never stuck",
    {
      probes: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 })),
      steps: Schema.Array(
        Schema.Struct({
          act: Schema.Literals(["call", "success", "failure", "ignored", "lose"]),
          pass: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 7000 }))
        })
      )
    },
    ({ probes, steps }) => {
      const breaker = make({ probes, lease: Duration.seconds(3), trip: { _tag: "Consecutive", failures: 1 } })
      let now = 0
      let running: Array<{ readonly permit: Breaker.Permit; readonly since: number }> = []
      for (const { act, pass } of steps) {
        now += pass
        if (act === "call") {
          const answer = breaker.admit(now)
          if (answer._tag === "Permit") running.push({ permit: answer, since: now })
          const leased = running.filter(
            ({ permit, since }) =>
              answer._tag === "Permit" &&
              permit.lease !== undefined &&
              permit.generation === answer.generation &&
              since + 3000 > now
          )
          assert.isAtMost(leased.length, probes)
        } else {
          const [first, ...rest] = running
          running = rest
          if (first !== undefined && act !== "lose") breaker.record(first.permit, act, now, 0.5)
        }
      }
      // Whatever happened: after a minute of silence something is let through.
      assert.strictEqual(breaker.admit(now + 60_000)._tag, "Permit")
    },
    { arbitrary: { runs: 500 } }
  )
})
