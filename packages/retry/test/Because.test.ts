import { assert, describe, it } from "@effect/vitest"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import * as Because from "@redrive/retry/Because"
import * as Redrive from "@redrive/retry/Redrive"
import * as Retry from "@redrive/retry/Retry"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { exhausted, policyOf } from "./call.ts"

describe("why it ended", () => {
  it("has one list of words, of which each part takes some", () => {
    const all: ReadonlyArray<string> = Because.Because.literals
    for (const word of all) assert.match(word, /^[a-z]+(_[a-z]+)*$/)
    assert.sameMembers(Object.keys(Because.meanings), [...all])
    for (const part of [Because.Decided, Because.GivenUp, Because.Refused, Because.Final]) {
      assert.includeMembers([...all], [...part.literals])
    }
    assert.sameMembers([...new Set([...Because.GivenUp.literals, ...Because.Final.literals])], [...all])
    assert.includeMembers([...Because.GivenUp.literals], [...Because.Refused.literals])
  })

  const busy = { verdict: Verdict.throttled(Duration.minutes(6)), message: "busy" }
  const ends = [
    ["retry_after_too_long", policyOf(), {}],
    ["not_replayable", policyOf({ maxRetryAfter: Duration.minutes(7) }), { isReplayable: false }],
    ["ambiguous", policyOf({ operation: "create" }), {}]
  ] as const
  for (const [word, policy, options] of ends) {
    it.effect(`is the same word everywhere: ${word}`, () =>
      Effect.gen(function* () {
        const told: Array<string> = []
        const observer = Observer.layer({
          event: (event) => {
            if (event._tag === "GaveUp") told.push(event.because)
          }
        })
        const call = Retry.retry(Effect.fail(busy), policy, { ...options, name: "page" })
        const error = yield* Effect.provide(exhausted(call), observer)
        assert.deepStrictEqual([error.because, error.reason._tag, ...told], [word, word, word])
        assert.strictEqual(error.message, `gave up after 1 attempt (${word}): busy`)
        assert.deepInclude(Report.make(error).attributes, { because: word })
        assert.include(yield* PrometheusMetrics.format(), `{call="page",because="${word}"} 1`)
        if (word === "not_replayable") return
        const { final } = Redrive.plan([{ item: "a", error: busy }], { policy }, 0)
        assert.deepStrictEqual(
          final.map(({ because }) => because),
          [word]
        )
      }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
    )
  }
})
