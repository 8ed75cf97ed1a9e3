import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Live from "../src/watch/Live.ts"

/** A database that changes whenever it is looked at until it is stopped, and how often that was. */
const busy = () => {
  let [reads, isBusy] = [0, true]
  const stamps = Effect.sync((): Live.Stamps => new Map([["overview", `${isBusy ? ++reads : reads}`]]))
  return { stamps, reads: () => reads, stop: () => void (isBusy = false) }
}

interface Event {
  readonly id: string
  readonly topics: ReadonlyArray<string>
}

const eventsOf = (texts: ReadonlyArray<string>): ReadonlyArray<Event> =>
  texts
    .join("")
    .split("\n\n")
    .flatMap((block) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1]
      const [id, data] = [field("id"), field("data")]
      return id === undefined || data === undefined ? [] : [{ id, topics: JSON.parse(data).topics }]
    })

/** Somebody who watches and reads all that comes. */
const watch = Effect.fnUntraced(function* ({ events }: Live.Live, last?: string) {
  const texts: Array<string> = []
  const decoder = new TextDecoder()
  const fiber = yield* Effect.forkChild(
    Stream.runForEach(events(last), (bytes) => Effect.sync(() => void texts.push(decoder.decode(bytes))))
  )
  yield* Effect.yieldNow
  return { heard: () => eventsOf(texts), stop: Fiber.interrupt(fiber) }
})

const test = (name: string, program: (database: ReturnType<typeof busy>, live: Live.Live) => Effect.Effect<void>) =>
  it.effect(name, () =>
    Effect.gen(function* () {
      const database = busy()
      yield* program(database, yield* Live.make(database.stamps, Effect.void))
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([])))
  )

describe("who watches", () => {
  test("is told by one reading a tick, however many they are; where nobody watches, nothing is read", (database, live) =>
    Effect.gen(function* () {
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(database.reads(), 0)
      const crowd = yield* Effect.forEach(Array.from({ length: 100 }), () => watch(live))
      yield* TestClock.adjust("10 seconds")
      const reads = database.reads()
      assert.isAtMost(reads, 41)
      // The first reading is there for the first of them.
      for (const { heard } of crowd) assert.isAtLeast(heard().length, reads - 1)
      yield* Effect.forEach(crowd, ({ stop }) => stop)
      yield* TestClock.adjust("10 seconds")
      assert.isAtMost(database.reads() - reads, 1)
    }))

  test("hears all that it missed while it was away, or to read everything where that is too long ago", (_, live) =>
    Effect.gen(function* () {
      const other = yield* watch(live)
      const somebody = yield* watch(live)
      yield* TestClock.adjust("5 seconds")
      const last = somebody.heard().at(-1)
      yield* somebody.stop
      yield* TestClock.adjust("10 seconds")
      const back = yield* watch(live, last?.id)
      yield* TestClock.adjust("1 second")
      const all = other.heard().map(({ id }) => id)
      assert.deepStrictEqual(
        back.heard().map(({ id }) => id),
        all.slice(all.indexOf(last?.id ?? "") + 1)
      )
      yield* TestClock.adjust("10 minutes")
      const late = yield* watch(live, last?.id)
      yield* Effect.yieldNow
      assert.deepStrictEqual(late.heard()[0]?.topics, ["*"])
    }))

  test("hears of what changed between the reading of a view and its first connection", (_, live) =>
    Effect.gen(function* () {
      const other = yield* watch(live)
      yield* TestClock.adjust("5 seconds")
      const after = live.lastEventId()
      const before = other.heard().length
      yield* TestClock.adjust("1 second")
      const late = yield* watch(live, after)
      yield* Effect.yieldNow
      assert.isAbove(other.heard().length, before)
      assert.deepStrictEqual(late.heard(), other.heard().slice(before))
    }))

  test("and reads slowly hears of what changed while it did not", (database, live) =>
    Effect.gen(function* () {
      const other = yield* watch(live)
      yield* TestClock.adjust("5 seconds")
      const after = live.lastEventId()
      yield* TestClock.adjust("1 second")
      const gate = yield* Latch.make()
      const texts: Array<string> = []
      const decoder = new TextDecoder()
      yield* Effect.forkChild(
        Stream.runForEach(live.events(after), (bytes) =>
          Effect.andThen(
            Effect.sync(() => void texts.push(decoder.decode(bytes))),
            gate.await
          )
        )
      )
      yield* TestClock.adjust("1 second")
      // Nothing changes any more when it goes on.
      database.stop()
      yield* TestClock.adjust("1 second")
      yield* gate.open
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(eventsOf(texts).at(-1)?.id, other.heard().at(-1)?.id)
    }))

  test("and is too slow loses the oldest changes, and is told to read everything", (_, live) =>
    Effect.gen(function* () {
      const gate = yield* Latch.make()
      const texts: Array<string> = []
      const decoder = new TextDecoder()
      const slow = Stream.runForEach(live.events(undefined), (bytes) =>
        Effect.andThen(
          Effect.sync(() => void texts.push(decoder.decode(bytes))),
          gate.await
        )
      )
      const quick = yield* watch(live)
      yield* TestClock.adjust("1 second")
      yield* Effect.forkChild(slow)
      yield* Effect.yieldNow
      // Far more changes than are kept for anybody.
      yield* TestClock.adjust("10 minutes")
      assert.isAtMost(eventsOf(texts).length, 1)
      yield* gate.open
      for (let times = 0; times < 500; times++) yield* Effect.yieldNow
      const heard = eventsOf(texts)
      assert.isBelow(heard.length, 400)
      assert.isAbove(quick.heard().length, 2000)
      assert.deepStrictEqual(heard[0]?.topics, ["*"])
      assert.strictEqual(heard.at(-1)?.id, quick.heard().at(-1)?.id)
    }))
})
