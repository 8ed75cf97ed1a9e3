import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Alerter from "@redrive/alert/Alerter"
import type { Service } from "@redrive/alert/Sink"
import * as SqlOutbox from "@redrive/alert/SqlOutbox"
import * as Observer from "@redrive/core/Observer"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"

/** A sink that notes what it takes. */
const noting = (told: Array<string>, name = ""): Service => ({
  send: (alerts) =>
    Effect.sync(() => void told.push(...alerts.map(({ code, count, status }) => `${name}${status} ${code} ${count}`)))
})

/** Runs a program under an alerter of one sink, and gives what people were told meanwhile. */
const toldOf = <A, E>(program: (told: Array<string>) => Effect.Effect<A, E>, options: Alerter.Options = {}) => {
  const told: Array<string> = []
  const alerts = Alerter.layerOf({ a: noting(told) }, { onLost: () => undefined, ...options })
  return Effect.as(Effect.provide(program(told), Layer.provideMerge(alerts, Logger.layer([]))), told)
}

const named = (name: string) => Object.assign(new Error("down"), { name })

/** Saves for a customer, and works or not. */
const save = (key: string, error?: unknown) =>
  Effect.ignoreCause(
    Effect.suspend(() => (error === undefined ? Effect.void : Effect.fail(error))).pipe(Observer.watch("save", { key }))
  )

const wait = TestClock.adjust("1 minute")

describe("without a retry engine", () => {
  it.effect("an alert is resolved by a later success, after resolveAfter", () =>
    toldOf(
      (told) =>
        Effect.gen(function* () {
          yield* save("a", named("Disk"))
          yield* TestClock.adjust("30 seconds")
          assert.deepStrictEqual(told, ["opened Disk 1"])
          yield* save("a")
          yield* TestClock.adjust("89 seconds")
          assert.deepStrictEqual(told, ["opened Disk 1"])
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual(told, ["opened Disk 1", "resolved Disk 0"])
        }),
      { resolveAfter: "2 minutes" }
    )
  )

  it.effect("a failure after a success keeps it open for as long again", () =>
    toldOf((told) =>
      Effect.gen(function* () {
        yield* save("a", named("Disk"))
        yield* wait
        yield* save("a")
        yield* save("a", named("Disk"))
        yield* wait
        assert.deepStrictEqual(told, ["opened Disk 1"])
        yield* save("a")
        yield* wait
        assert.deepStrictEqual(told, ["opened Disk 1", "resolved Disk 1"])
      })
    )
  )

  it.effect("nobody expects a success once the alerter has ended", () =>
    Effect.gen(function* () {
      yield* toldOf(() =>
        Effect.gen(function* () {
          yield* save("once", named("Disk"))
          yield* wait
          assert.isTrue(Observer.isSuccessExpected("save", "once"))
        })
      )
      assert.isFalse(Observer.isSuccessExpected("save", "once"))
    })
  )

  it.effect("a hundred failures of a key are one alert", () =>
    Effect.gen(function* () {
      const told = yield* toldOf(() =>
        Effect.andThen(
          Effect.forEach(Array.from({ length: 100 }), () => save("a", named("Disk")), { concurrency: 10 }),
          wait
        )
      )
      assert.deepStrictEqual(told, ["opened Disk 100"])
    })
  )

  it.effect("the success of another name or key resolves nothing, and silence neither", () =>
    toldOf((told) =>
      Effect.gen(function* () {
        yield* save("a", named("Disk"))
        yield* wait
        yield* save("b")
        yield* Observer.watch(Effect.void, "save")
        yield* Observer.watch(Effect.void, "load", { key: "a" })
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual(told, ["opened Disk 1"])
      })
    )
  )

  it.effect("two keys have incidents of their own, by groupBy, and each ends with its own success", () =>
    toldOf(
      (told) =>
        Effect.gen(function* () {
          yield* save("a", named("Disk"))
          yield* save("b", named("Disk"))
          yield* wait
          assert.deepStrictEqual(told, ["opened Disk 1", "opened Disk 1"])
          yield* save("b")
          yield* wait
          yield* save("b")
          yield* TestClock.adjust("1 hour")
          assert.deepStrictEqual(told.slice(2), ["resolved Disk 0"])
          yield* save("a")
          yield* wait
          assert.deepStrictEqual(told.slice(2), ["resolved Disk 0", "resolved Disk 0"])
        }),
      { groupBy: ["code", "label:call", "label:key"] }
    )
  )

  const ends = {
    "a defect": Effect.die(named("Disk")),
    "a failure with error reporting around it": Effect.fail(named("Disk"))
  }
  for (const [what, effect] of Object.entries(ends)) {
    it.effect(`${what} is one failure, and resolved, too`, () =>
      Effect.gen(function* () {
        const told = yield* toldOf(() =>
          Effect.gen(function* () {
            yield* effect.pipe(Observer.watch("save"), Effect.withErrorReporting, Effect.ignoreCause)
            yield* wait
            yield* Observer.watch(Effect.void, "save")
            yield* wait
          })
        )
        assert.deepStrictEqual(told, ["opened Disk 1", "resolved Disk 0"])
      })
    )
  }

  it.effect("a text that an effect fails with is resolved, too", () =>
    Effect.gen(function* () {
      const told = yield* toldOf(() =>
        Effect.andThen(Effect.andThen(save("a", "no space"), wait), Effect.andThen(save("a"), wait))
      )
      assert.deepStrictEqual(told, ["opened string 1", "resolved string 0"])
    })
  )

  it.effect("an event of a call that was given up needs no facts besides its name and key", () =>
    Effect.gen(function* () {
      const error = named("Disk")
      const call = { name: "job", key: "a", attempt: 1 }
      const told = yield* toldOf(() =>
        Effect.gen(function* () {
          yield* Observer.tell(() => ({ _tag: "GaveUp", ...call, error, because: "retries" }))
          yield* ErrorReporter.report(Cause.fail(error))
          yield* wait
          yield* Observer.tell(() => ({ _tag: "Succeeded", ...call }))
          yield* wait
        })
      )
      assert.deepStrictEqual(told, ["opened Disk 1", "resolved Disk 0"])
    })
  )

  it.effect("in a call that retries, only what the call gives up with is told, under the watched name", () =>
    Effect.gen(function* () {
      const outer = { running: 1, retries: true }
      const within = (error?: unknown) => Effect.provideService(save("a", error), Observer.OuterCall, outer)
      const last = named("Disk")
      const told = yield* toldOf((soFar) =>
        Effect.gen(function* () {
          yield* within(named("Net"))
          yield* within(last)
          yield* wait
          assert.isEmpty(soFar)
          const gaveUp = { _tag: "GaveUp", name: "call", attempt: 2, error: last, because: "retries" } as const
          yield* Effect.provideService(
            Observer.tell(() => gaveUp),
            Observer.OuterCall,
            outer
          )
          yield* wait
          yield* within()
          yield* wait
        })
      )
      assert.deepStrictEqual(told, ["opened Disk 1", "resolved Disk 0"])
    })
  )

  it.effect("two alerters that are merged are told the same, and the one with an outbox goes on after a restart", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "watch-"))),
        (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
      )
      const outbox = SqlOutbox.layer().pipe(Layer.provide(Sqlite.layer({ filename: join(folder, "alerts.db") })))
      const life = <A, E>(program: Effect.Effect<A, E>) => {
        const kept = Alerter.layerOf({ a: noting(told, "kept: ") }).pipe(Layer.provide(outbox))
        const plain = Alerter.layerOf({ a: noting(told, "plain: ") })
        return Effect.provide(program, Layer.provideMerge(Layer.merge(kept, plain), Logger.layer([])))
      }
      yield* life(Effect.andThen(save("a", named("Disk")), wait))
      assert.deepStrictEqual(told.toSorted(), ["kept: opened Disk 1", "plain: opened Disk 1"])
      // Another process, of which only the outbox knows what people were told.
      yield* life(Effect.andThen(Effect.andThen(wait, save("a")), wait))
      assert.deepStrictEqual(told.slice(2), ["kept: resolved Disk 0"])
    })
  )
})
