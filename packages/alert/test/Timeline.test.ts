import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Alerter from "@redrive/alert/Alerter"
import * as Journal from "@redrive/alert/Journal"
import * as Route from "@redrive/alert/Route"
import { type Service, SinkError } from "@redrive/alert/Sink"
import * as Timeline from "@redrive/alert/Timeline"
import * as Observer from "@redrive/core/Observer"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { expect } from "vitest"

/** An incident that a silence held back, told to a channel that was late and to one that refused. */
const story = Effect.gen(function* () {
  const journal = Journal.make()
  let isUp = false
  const pager: Service = {
    backoff: "10 minutes",
    send: () =>
      isUp ? Effect.void : Effect.fail(new SinkError({ sink: "pager", message: "busy", reason: "unreachable" }))
  }
  const chat: Service = { send: () => Effect.void }
  const mail: Service = {
    send: () => Effect.fail(new SinkError({ sink: "mail", message: "550 no such list", reason: "refused" }))
  }
  const start = Date.UTC(2026, 10, 24, 1)
  yield* TestClock.setTime(start)
  const minute = 60_000
  const silences = [{ name: "deploy", by: "ops", match: {}, from: start, until: start + 20 * minute }]
  const routes = Route.make([
    {
      name: "all",
      sinks: ["pager", "chat", "mail"],
      match: {},
      groupBy: ["code"],
      repeatInterval: Duration.minutes(45)
    }
  ])
  const fail = Effect.suspend(() => {
    const error = Object.assign(new Error("503"), { name: "CrawlFailed" })
    const call = { name: "crawl", key: "a", because: "retries", attempts: 3 }
    return Effect.andThen(
      Observer.tell(() => ({ _tag: "GaveUp", name: "crawl", key: "a", attempt: 3, error, because: "retries", call })),
      ErrorReporter.report(Cause.fail(error))
    )
  })
  const program = Effect.gen(function* () {
    for (let minutes = 0; minutes < 110; minutes++) {
      if (minutes < 80) yield* fail
      if (minutes === 25) isUp = true
      if (minutes > 80) yield* Observer.tell(() => ({ _tag: "Recovered", name: "crawl", key: "a", attempt: 2 }))
      yield* TestClock.adjust("1 minute")
    }
  })
  yield* Effect.provide(
    program,
    Alerter.layerOf({ pager, chat, mail }, { routes, silences, journal, onLost: () => undefined }).pipe(
      Layer.provideMerge(Logger.layer([]))
    )
  )
  const [found] = new Set(journal.entries().map((entry) => entry.key))
  return Timeline.make(found ?? "", journal.entries())
})

const docs = new URL("../../../docs/", import.meta.url)

const entry = (some: Partial<Journal.Entry> = {}): Journal.Entry => ({
  at: 0,
  route: "r",
  key: "k",
  incident: "",
  decision: "told",
  why: "opened",
  sinks: ["a"],
  count: 1,
  ...some
})

const isWellFormed = (svg: string): boolean => {
  const open: Array<string> = []
  for (const [, close, name = "", rest = ""] of svg.matchAll(/<(\/?)([a-z]+)((?:[^<>"]|"[^"<>]*")*)>/g)) {
    if (close === "/") {
      if (open.pop() !== name) return false
    } else if (!rest.endsWith("/")) open.push(name)
  }
  // Whatever is between the elements has no sign of its own.
  const texts = svg.replace(/<\/?[a-z]+(?:[^<>"]|"[^"<>]*")*>/g, "")
  return open.length === 0 && !/[<>]/.test(texts) && !/&(?!(?:amp|lt|gt|quot);)/.test(texts)
}

describe("the picture of an incident", () => {
  it("is the one in the documentation, as text and as SVG", async () => {
    // The waits between attempts are drawn.
    const timeline = await Effect.runPromise(Effect.provide(Random.withSeed(story, "a seed"), TestClock.layer()))
    const lines = Timeline.text(timeline)
    const page = readFileSync(new URL("alerts.md", docs), "utf8")
    const shown = lines.map((line) => (line === "" ? "" : `    ${line}`)).join("\n")
    assert.include(page, shown)
    const svg = Timeline.svg(timeline)
    assert.isTrue(isWellFormed(svg))
    await expect(svg).toMatchFileSnapshot(new URL("incident.svg", docs).pathname)
  })

  it("counts what it shows, and keeps to its key and its time", () => {
    const entries = [
      entry({ at: 1000, count: 3 }),
      entry({ at: 1500, decision: "delivered", count: 3 }),
      entry({ at: 2000, decision: "suppressed", why: "silence", sinks: [], count: 5 }),
      entry({ at: 9000, why: "resolved", count: 0 }),
      entry({ at: 1200, key: "other" })
    ]
    const all = Timeline.make("k", entries)
    assert.deepStrictEqual([all.from, all.until, all.told, all.suppressed], [1000, 9000, 3, 5])
    assert.deepStrictEqual(
      all.lanes.map(({ marks, name }) => [name, marks.map(({ tone, what }) => `${tone} ${what}`)]),
      [
        ["told", ["bad opened", "plain nobody told: silence", "good resolved"]],
        ["a", ["good opened delivered"]]
      ]
    )
    assert.strictEqual(Timeline.make("k", entries, { from: 1800, until: 3000 }).told, 0)
    const none = Timeline.make("none", entries)
    assert.deepStrictEqual(Timeline.text(none), ["none", "nothing was noted of this key"])
    assert.include(Timeline.svg(none), "nothing was noted of this key")
    assert.notInclude(Timeline.svg(none), "1970")
    assert.isTrue(isWellFormed(Timeline.svg(Timeline.make("none", entries))))
    assert.throws(() => Timeline.make("k", entries, { most: 1 }), "most")
  })

  it("is small, however much happened", () => {
    const decisions = ["told", "delivered", "held", "refused"] as const
    const entries = Array.from({ length: 100_000 }, (_, n) =>
      entry({ at: n * 1000, decision: decisions[n % 4] ?? "told", why: `why ${n % 7}` })
    )
    const timeline = Timeline.make("k", entries)
    assert.lengthOf(timeline.lines, 41)
    assert.include(timeline.lines[20] ?? "", "99960 more")
    const times = timeline.lanes.flatMap(({ marks }) => marks).reduce((sum, mark) => sum + mark.times, 0)
    assert.strictEqual(times, 75_000)
    assert.isBelow(Timeline.svg(timeline).length, 120_000)
    assert.isBelow(Timeline.text(timeline).length, 60)
    for (const line of Timeline.text(timeline, { width: 1e9 })) assert.isAtMost(line.length, 1000)
  })

  const Hostile = Schema.Struct({
    at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000_000 })),
    why: Schema.String,
    sink: Schema.Literals(["a", `<b "c">&`, "\u001b[31m", "\ud800"]),
    decision: Schema.Literals(["told", "held", "suppressed", "delivered", "refused", "collapsed"])
  })

  it.prop(
    "stays a picture, whatever failures and sinks are called",
    { key: Schema.String, all: Schema.Array(Hostile).check(Schema.isMaxLength(30)), width: Schema.Int },
    ({ all, key, width }) => {
      const entries = all.map(({ sink, ...rest }) => entry({ ...rest, key, sinks: [sink] }))
      const timeline = Timeline.make(key, entries)
      assert.isTrue(isWellFormed(Timeline.svg(timeline)))
      for (const line of Timeline.text(timeline, { width })) {
        assert.notMatch(line, /[\p{Cc}\u2028\u2029]/u)
        assert.isAtMost(line.length, Math.max(110, width))
      }
    }
  )

  it("tells times apart that are close, and counts one failure as one", () => {
    const entry = { route: "r", key: "k", incident: "k#1", sinks: ["page"], count: 1, why: "opened" } as const
    const at = Date.UTC(2026, 10, 24)
    const drawn = (until: number) => {
      const entries = [
        { ...entry, at, decision: "told" },
        { ...entry, at: until, decision: "delivered" }
      ] as const
      return Timeline.svg(Timeline.make("k", entries))
    }
    assert.include(drawn(at + 2), "1 failure told, 0 not told")
    assert.include(drawn(at + 2), "2026-11-24 00:00:00.002</text>")
    assert.include(drawn(at + 90_000), "2026-11-24 00:01:30</text>")
    assert.include(drawn(at + 3_600_000), "2026-11-24 01:00</text>")
  })
})
