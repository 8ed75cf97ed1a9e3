import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as Observer from "@redrive/core/Observer"
import type * as Report from "@redrive/core/Report"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Effect from "effect/Effect"
import { settled } from "./call.ts"

const retries = RetryPolicy.make({ retries: 2, steady: { base: "10 seconds", cap: "10 seconds" } })

/** Fails as often as that, each time with an error of its own. */
const failing = (times: number) => {
  let tried = 0
  return Effect.suspend(() => {
    const reason = new ItemError.HostReturnedError({ status: 502 })
    const error = new ItemError.ItemError({ url: `https://example.com/${++tried}`, reason })
    return tried > times ? Effect.succeed("done") : Effect.fail(error)
  })
}

/** Runs a program under an observer, and gives what that heard of ends. */
const endsOf = <A, E>(program: Effect.Effect<A, E>) => {
  const ends: Array<string> = []
  const reports: Array<Report.Report> = []
  const observer = Observer.layer({
    event: ({ _tag, name }) => (_tag === "GaveUp" || _tag === "Succeeded" ? ends.push(`${_tag} ${name}`) : 0),
    report: (report) => void reports.push(report)
  })
  return Effect.map(settled(Effect.provide(program, observer)), () => ({
    ends,
    reports: reports.map(({ attributes: { attempts, because, call, key }, url }) => [url, call, key, because, attempts])
  }))
}

const watched = Observer.watch("save", { key: "a" })

describe("an effect that is watched within a call", () => {
  const around = Retry.retry(retries, { name: "saving" })

  it.effect("reports nothing while the call tries again", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* endsOf(failing(2).pipe(watched, around)), { ends: [], reports: [] })
    })
  )

  const programs = {
    alone: failing(3).pipe(watched, around),
    "with error reporting around the call": failing(3).pipe(watched, around, Effect.withErrorReporting),
    "with the call watched, too": failing(3).pipe(watched, around, Observer.watch("outer")),
    "in two calls": failing(3).pipe(watched, Retry.retry(retries, { name: "inner" }), around, Effect.withErrorReporting)
  }
  for (const [how, program] of Object.entries(programs)) {
    it.effect(`reports the failure that the call gives up with, once, ${how}`, () =>
      Effect.gen(function* () {
        const { ends, reports } = yield* endsOf(program)
        assert.deepStrictEqual(
          ends.filter((end) => end !== "GaveUp inner"),
          ["GaveUp saving"]
        )
        assert.lengthOf(reports, 1)
        assert.deepStrictEqual(reports[0]?.slice(0, 4), ["https://example.com/3", "save", "a", "retries"])
      })
    )
  }

  it.effect("has no key if it names none, whatever the call's is", () =>
    Effect.gen(function* () {
      const keyed = Retry.retry(retries, { name: "saving", key: "b" })
      const { reports } = yield* endsOf(failing(3).pipe(Observer.watch("save"), keyed))
      assert.deepStrictEqual(reports, [["https://example.com/3", "save", undefined, "retries", 3]])
    })
  )

  it.effect("reports at once within a call that does not retry", () =>
    Effect.gen(function* () {
      const { reports } = yield* endsOf(failing(1).pipe(watched, Retry.retry(RetryPolicy.make({ retries: 0 }))))
      assert.deepStrictEqual(reports, [["https://example.com/1", "save", "a", "failed", undefined]])
    })
  )

  it.effect("reports a defect at once, which no call retries", () =>
    Effect.gen(function* () {
      const { reports } = yield* endsOf(Effect.die(new Error("broken")).pipe(watched, around))
      assert.deepStrictEqual(reports, [[undefined, "save", "a", "defect", undefined]])
    })
  )
})

describe("an effect that is watched around a call", () => {
  it.effect("reports the failure once, with the call that gave it up and whose success ends it", () =>
    Effect.gen(function* () {
      const program = failing(3).pipe(Retry.retry(retries, { name: "saving", key: "b" }), watched)
      const { ends, reports } = yield* endsOf(program)
      assert.deepStrictEqual(ends, ["GaveUp saving"])
      assert.deepStrictEqual(reports, [["https://example.com/3", "saving", "b", "retries", 3]])
    })
  )
})
