import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import * as Log from "@redrive/log/Log"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as Redactable from "effect/Redactable"

class ApiKey {
  readonly raw = "sk-1234";
  [Redactable.symbolRedactable](): unknown {
    return "****"
  }
}

class User {
  readonly name = "ann"
  readonly ssn = "123-45-6789"
  toJSON(): unknown {
    return { name: this.name }
  }
}

/** The lines of a program, as what their JSON holds. */
const logged = (program: Effect.Effect<void>) =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const stream = { write: (line: string) => lines.push(line) }
    return Effect.map(Effect.provide(program, Log.layer({ format: "json", stream })), () =>
      lines.map((line) => JSON.parse(line))
    )
  })

describe("a value that is logged", () => {
  const headers = Headers.fromInput({ "x-tenant-sig": "sig-777", accept: "*/*" })
  const hiding = <A, E, R>(program: Effect.Effect<A, E, R>) =>
    Effect.provideService(program, Headers.CurrentRedactedNames, ["x-tenant-sig"])

  it.effect("is what it says of itself, in a field, as a part of the message, and as an annotation", () =>
    Effect.gen(function* () {
      const values = { key: new ApiKey(), user: new User(), headers }
      const [fields, parts, annotated] = yield* logged(
        hiding(
          Effect.gen(function* () {
            yield* Effect.log("m", values)
            yield* Effect.log("m", values.key, values.user, headers)
            yield* Effect.annotateLogs(Effect.log("m"), values)
          })
        )
      )
      const shown = { key: "****", user: { name: "ann" }, headers: { "x-tenant-sig": "<redacted>", accept: "*/*" } }
      assert.deepInclude(fields, shown)
      assert.strictEqual(
        parts?.message,
        `m **** {"name":"ann"} ${JSON.stringify({ "x-tenant-sig": "<redacted>", accept: "*/*" })}`
      )
      assert.deepInclude(annotated, shown)
    })
  )

  it.effect("is what it says in the context of its own line, though its annotations are the same", () =>
    Effect.gen(function* () {
      const log = Effect.log("m")
      const lines = yield* logged(
        Effect.annotateLogs(Effect.andThen(Effect.andThen(log, hiding(log)), log), { headers })
      )
      assert.deepStrictEqual(
        lines.map((line) => line.headers["x-tenant-sig"]),
        ["sig-777", "<redacted>", "sig-777"]
      )
    })
  )

  it.effect("that is a set of fields may say of itself what it is", () =>
    Effect.gen(function* () {
      const [fields, text] = yield* logged(
        Effect.gen(function* () {
          yield* Effect.log("m", { ssn: "123", toJSON: () => ({ name: "ann" }) }, { a: 1 })
          yield* Effect.log("m", { ssn: "123", toJSON: () => "ann" })
        })
      )
      assert.deepInclude(fields, { message: "m", name: "ann", a: 1 })
      assert.notProperty(fields, "ssn")
      assert.strictEqual(text?.message, "m ann")
    })
  )

  it.effect("has whole characters only, wherever it is cut", () =>
    Effect.gen(function* () {
      const smile = "\u{1f600}"
      const long = Array.from({ length: 8 }, (_, index) => `${"a".repeat(992 + index)}${smile.repeat(10)}`)
      const all = yield* logged(
        Effect.forEach(
          [[`${"a".repeat(1999)}${smile}`], ["\ud83d"], [...long, ...long]],
          (parts) => Effect.log(...parts),
          { discard: true }
        )
      )
      for (const { message } of all) assert.isTrue(message.isWellFormed(), message)
    })
  )

  it.effect("that is an error is reported, of whatever realm it is, and named once", () =>
    Effect.gen(function* () {
      class NotFound extends Data.TaggedError("NotFound")<{ readonly id: number }> {}
      const [foreign, tagged] = yield* logged(
        Effect.gen(function* () {
          yield* Effect.log(runInNewContext("new TypeError('no')"))
          yield* Effect.log(new NotFound({ id: 5 }))
        })
      )
      assert.deepInclude(foreign, { message: "TypeError: no", code: "TypeError" })
      assert.deepInclude(tagged, { message: "NotFound { id: 5 }", code: "NotFound" })
    })
  )
})
