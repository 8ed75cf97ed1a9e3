import { assert, describe, it } from "@effect/vitest"
import * as Pino from "@redrive/pino/Pino"
import * as Effect from "effect/Effect"
import latest10 from "pino"
import first10 from "pino-10.0"
import latest9 from "pino-9"
import { pino as first9 } from "pino-9.0"

interface Stream {
  readonly write: (line: string) => void
}

/** How a version makes a logger; each has types of its own, and a file of its own that takes nothing any more. */
const versions = [
  [first9.version, (stream: Stream): Pino.Instance => first9({ messageKey: "said" }, stream), first9.destination],
  [latest9.version, (stream: Stream): Pino.Instance => latest9({ messageKey: "said" }, stream), latest9.destination],
  [first10.version, (stream: Stream): Pino.Instance => first10({ messageKey: "said" }, stream), first10.destination],
  [latest10.version, (stream: Stream): Pino.Instance => latest10({ messageKey: "said" }, stream), latest10.destination]
] as const

describe("a pino of any version that the package is for", () => {
  it.effect.each(versions)("has no name twice in a line: %s", ([, make]) =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const logger = make({ write: (line) => void lines.push(line) })
      yield* Effect.provide(Effect.log("x", { said: "y" }), Pino.layer(logger))
      assert.lengthOf(lines, 1)
      assert.deepInclude(JSON.parse(lines[0] ?? ""), { level: 30, said: "x", said_: "y" })
    })
  )

  it.effect.each(versions)("is seen to lose what its file does not take: %s", ([, make, destination]) =>
    Effect.gen(function* () {
      const closed = destination({ dest: "/dev/null", sync: true })
      closed.destroy()
      const lost: Array<number> = []
      yield* Effect.provide(Effect.log("x"), Pino.layer(make(closed), { onLost: (count) => lost.push(count) }))
      assert.deepStrictEqual(lost, [1])
    })
  )

  it("may have levels of its own", () => {
    const logger = latest10({ customLevels: { audit: 35 } })
    Pino.layer(logger)
    Pino.layer(logger.child({ a: 1 }))
  })
})
