import process from "node:process"
import { assert, describe, it } from "@effect/vitest"
import * as Report from "@redrive/core/Report"
import * as Log from "@redrive/log/Log"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

const secret = "hunter2SECRET"
const large = "x".repeat(10_000_000)
const many = (count: number, value: unknown = 1) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, value]))
const crowded = many(512, "y".repeat(2000))

const programs: ReadonlyArray<readonly [what: string, program: Effect.Effect<void>]> = [
  ["200,000 fields", Effect.log("x", many(200_000))],
  ["64 fields that are large themselves", Effect.log("x", many(64, crowded))],
  ["20,000 parts", Effect.log(...Array.from({ length: 20_000 }, () => "y".repeat(1000)))],
  ["200 objects", Effect.log(...Array.from({ length: 200 }, () => crowded))],
  ["a name of 10 MB", Effect.log("x", { [large]: 1 })],
  ["an annotation of 10 MB", Effect.annotateLogs(Effect.log("x"), { [large]: large })],
  ["a span of 10 MB", Effect.withLogSpan(Effect.log("x"), large)],
  [
    "a cause of 10,000 failures",
    Effect.logError("x", Cause.fromReasons(Array.from({ length: 10_000 }, (_, n) => Cause.makeFailReason(`no ${n}`))))
  ]
]

/** The time, in milliseconds, that this process has computed: what else runs on the machine does not count. */
const computed = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1000
}

describe("a line", () => {
  it.live.each(programs)("of %s has an end, and takes no time", ([, program]) =>
    Effect.gen(function* () {
      const written: Array<string> = []
      const layer = Log.layer({ stream: { write: (line) => written.push(line) } })
      const before = computed()
      yield* Effect.provide(program, layer)
      // It is far below that.
      assert.isBelow(computed() - before, 1000)
      assert.isBelow(written.join("").length, 100_000)
    })
  )

  it.live("shows no secret in a name either", () =>
    Effect.gen(function* () {
      const written: Array<string> = []
      const layer = Log.layer({ stream: { write: (line) => written.push(line) } })
      const program = Effect.log("x", { [`f ${secret}`]: 1 }).pipe(
        Effect.annotateLogs({ [`a ${secret}`]: 1 }),
        Effect.withLogSpan(`s ${secret}`)
      )
      yield* Effect.provide(program, Layer.merge(layer, Report.layerSecrets(Redacted.make(secret))))
      assert.include(written.join(), "f <redacted>")
      assert.notInclude(written.join(), secret)
    })
  )
})
