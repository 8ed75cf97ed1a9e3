import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as JobError from "@redrive/core/JobError"
import * as Failed from "@redrive/durable/Failed"
import * as Gates from "@redrive/durable/Gates"
import * as Queue from "@redrive/durable/Queue"
import * as Store from "@redrive/durable/Store"
import * as Worker from "@redrive/durable/Worker"
import * as Observer from "@redrive/core/Observer"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"

const Page = Schema.Struct({ url: Schema.String })

const hostOf = ({ url }: typeof Page.Type) => new URL(url).host

const pages = Queue.make({
  name: "pages",
  payload: Page,
  success: Schema.Number,
  policy: RetryPolicy.make({ retries: 3, parking: { maximum: "2 days" }, maxRetryAfter: "40 days" }),
  key: hostOf,
  group: () => "account 1"
})

const url = (path: string, host = "a.example") => ({ url: `https://${host}/${path}` })

const throttled = (wait: Duration.Input) =>
  new ItemError.ItemError({
    jobId: "j",
    url: "https://a.example/",
    reason: new ItemError.HostReturnedError({ status: 429, retryAfter: Duration.fromInputUnsafe(wait) })
  })

const broke = new JobError.JobError({ operation: "run", jobId: "j", reason: new JobError.InsufficientBalance({}) })

const denied = new ItemError.ItemError({
  jobId: "j",
  url: "https://a.example/",
  reason: new ItemError.WebsiteAccessDenied({ status: 403 })
})

interface Seen {
  readonly at: number
  readonly path: string
  readonly attempt: Worker.Attempt
}

const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "durable-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** A database, and workers that start and end. */
const database = Effect.gen(function* () {
  const filename = join(yield* temporary, "tasks.db")
  const store = yield* Layer.build(
    Store.layer().pipe(Layer.provide(Sqlite.layer({ filename })), Layer.provideMerge(Logger.layer([])))
  )
  const seen: Array<Seen> = []
  const work = (
    act: (path: string, attempt: Worker.Attempt) => Effect.Effect<number, unknown>,
    options: Worker.Options = {}
  ) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const layer = Worker.layer(
        pages,
        (page, attempt) =>
          Effect.gen(function* () {
            const path = new URL(page.url).pathname.slice(1)
            seen.push({ at: yield* Clock.currentTimeMillis, path, attempt })
            return yield* act(path, attempt)
          }),
        options
      )
      yield* Layer.buildWithScope(Layer.provide(layer, Layer.succeedContext(store)), scope)
      return { stop: Scope.close(scope, Exit.void) }
    })
  const within = <A, E>(effect: Effect.Effect<A, E, Store.Store>) => Effect.provideContext(effect, store)
  return { seen, store: Context.get(store, Store.Store), within, work }
})

const wait = (seconds: number, step = 1) =>
  Effect.forEach(Array.from({ length: Math.ceil(seconds / step) }), () => TestClock.adjust(Duration.seconds(step)), {
    discard: true
  })

describe("a task", () => {
  it.effect("runs once, and what it came to is kept", () =>
    Effect.gen(function* () {
      const { seen, within, work } = yield* database
      const id = yield* within(Queue.add(pages, url("one"), { id: "1" }))
      yield* within(Queue.add(pages, url("other"), { id: "1" }))
      yield* work(() => Effect.succeed(42))
      yield* wait(2)
      assert.deepStrictEqual(
        seen.map(({ path }) => path),
        ["one"]
      )
      assert.strictEqual(yield* within(Queue.result(pages, id)), 42)
      assert.strictEqual((yield* within(Queue.get(pages, id)))?.state, "done")
    })
  )

  for (const [name, seconds] of [
    ["a fraction of a second", 0.2],
    ["an hour", 3600],
    ["forty days", 40 * 86_400]
  ] as const)
    it.effect(`that is asked to wait for ${name} does, over a restart, and is never early`, () =>
      Effect.gen(function* () {
        const { seen, within, work } = yield* database
        yield* within(Queue.add(pages, url("one")))
        const act = (_: string, { number }: Worker.Attempt) =>
          number === 1 ? Effect.fail(throttled(Duration.seconds(seconds))) : Effect.succeed(1)
        const first = yield* work(act, { pollInterval: "500 millis" })
        yield* TestClock.adjust("100 millis")
        yield* first.stop
        yield* TestClock.adjust(Duration.seconds(seconds / 2))
        yield* work(act, { pollInterval: Duration.seconds(Math.max(0.5, seconds / 2000)), lease: "20 days" })
        const step = Math.max(0.5, seconds / 1000)
        yield* wait(seconds * 1.2 + 2, step)
        assert.lengthOf(seen, 2)
        const waited = (seen[1]?.at ?? 0) - (seen[0]?.at ?? 0)
        assert.isAtLeast(waited, seconds * 1000)
      })
    )

  it.effect("that was due while no worker ran runs when one starts", () =>
    Effect.gen(function* () {
      const { seen, within, work } = yield* database
      yield* within(Queue.add(pages, url("one")))
      yield* TestClock.adjust("3 days")
      yield* work(() => Effect.succeed(1))
      yield* TestClock.adjust("10 millis")
      assert.lengthOf(seen, 1)
    })
  )

  it.effect("is given up when its policy says so, with the reason and who must act", () =>
    Effect.gen(function* () {
      const { seen, within, work } = yield* database
      const id = yield* within(Queue.add(pages, url("one")))
      yield* work(() => Effect.fail(throttled("1 second")))
      yield* wait(300)
      assert.deepStrictEqual(
        seen.map(({ attempt }) => attempt.number),
        [1, 2, 3, 4]
      )
      const task = yield* within(Queue.get(pages, id))
      assert.deepInclude(task, { state: "failed", because: "retries", code: "host_returned_error" })
    })
  )

  it.effect("whose handler dies or hangs is a failure like any other", () =>
    Effect.gen(function* () {
      const { within, work } = yield* database
      const id = yield* within(Queue.add(pages, url("one")))
      yield* work(() => Effect.die(new TypeError("a bug\0")))
      yield* wait(60)
      const task = yield* within(Queue.get(pages, id))
      assert.deepInclude(task, { state: "failed", code: "TypeError", message: "a bug " })
    })
  )
})

describe("a gate", () => {
  it.effect("is shut by the account that must top up, costs no attempt, and opens by a person", () =>
    Effect.gen(function* () {
      const { seen, within, work } = yield* database
      yield* within(Queue.addAll(pages, [{ payload: url("one") }, { payload: url("two", "b.example") }]))
      let isBroke = true
      const worker = yield* work(() => (isBroke ? Effect.fail(broke) : Effect.succeed(1)), { concurrency: 1 })
      yield* wait(3600, 10)
      assert.lengthOf(seen, 1)
      assert.deepStrictEqual(
        (yield* within(Gates.list)).map(({ by, gate, until, why }) => [by, gate, until, why]),
        [["policy", "account 1", Infinity, "top up"]]
      )
      isBroke = false
      assert.isTrue(yield* within(Gates.open("account 1")))
      yield* wait(3)
      assert.deepStrictEqual(seen.map(({ attempt, path }) => `${path} ${attempt.number}`).toSorted(), [
        "one 1",
        "one 1",
        "two 1"
      ])
      yield* worker.stop
    })
  )

  it.effect("is shut for a host by its Retry-After, for all tasks of the host, and for no others", () =>
    Effect.gen(function* () {
      const { seen, within, work } = yield* database
      let isBusy = true
      yield* work((path) => (isBusy && path.startsWith("a") ? Effect.fail(throttled("1 minute")) : Effect.succeed(1)), {
        concurrency: 1
      })
      yield* within(Queue.add(pages, url("a1")))
      yield* wait(1)
      isBusy = false
      yield* within(Queue.addAll(pages, [{ payload: url("a2") }, { payload: url("b1", "b.example") }]))
      yield* wait(58)
      assert.deepStrictEqual(
        seen.map(({ path }) => path),
        ["a1", "b1"]
      )
      yield* wait(10)
      assert.sameMembers(
        seen.map(({ path }) => path),
        ["a1", "b1", "a2", "a1"]
      )
    })
  )

  it.effect("that a person shut stays shut over restarts, and a deadline does not come nearer behind it", () =>
    Effect.gen(function* () {
      const { seen, within, work } = yield* database
      yield* within(Gates.shut("a.example", { why: "they asked us", by: "ops" }))
      yield* within(Queue.add(pages, url("one")))
      const first = yield* work(() => Effect.succeed(1))
      yield* wait(600, 10)
      yield* first.stop
      yield* work(() => Effect.succeed(1))
      yield* wait(600, 10)
      assert.lengthOf(seen, 0)
      yield* within(Gates.open("a.example"))
      yield* wait(1)
      assert.lengthOf(seen, 1)
    })
  )

  it.effect("that nobody opens in time gives its tasks up", () =>
    Effect.gen(function* () {
      const { within, work } = yield* database
      const id = yield* within(Queue.add(pages, url("one")))
      yield* work(() => Effect.fail(broke), { pollInterval: "1 minute" })
      yield* wait(3 * 86_400, 3600)
      assert.deepInclude(yield* within(Queue.get(pages, id)), { state: "failed", because: "parked_too_long" })
    })
  )
})

describe("tasks that failed", () => {
  it.effect("are counted, planned and redriven: by their filter, paced, once, and later each time", () =>
    Effect.gen(function* () {
      const { seen, within, work } = yield* database
      yield* within(
        Queue.addAll(
          pages,
          Array.from({ length: 10 }, (_, n) => ({ id: `${n}`, payload: url(`p${n}`) }))
        )
      )
      let isBad = true
      yield* work((path) => (isBad ? Effect.fail(path < "p6" ? denied : throttled("50 days")) : Effect.succeed(1)))
      yield* wait(60)
      const filter = { code: "website_access_denied" }
      const plan = yield* within(Failed.plan(pages, filter, { pace: "10 seconds", cost: 2 }))
      assert.deepStrictEqual([plan.tasks, plan.cost, Duration.toSeconds(plan.time)], [6, 12, 50])
      assert.lengthOf(yield* within(Failed.counts(pages)), 2)
      const before = seen.length
      const options = { id: "r1", by: "ops", pace: "10 seconds", delay: "1 minute" } as const
      assert.strictEqual(yield* within(Failed.redrive(pages, filter, options)), 6)
      assert.strictEqual(yield* within(Failed.redrive(pages, filter, options)), 6)
      yield* wait(45)
      assert.lengthOf(seen.slice(before), 5)
      yield* wait(30)
      const again = seen.slice(before)
      assert.lengthOf(again, 6)
      assert.isTrue(again.every(({ attempt }) => attempt.generation === 1 && attempt.number === 1))
      // They failed again, and are kept again; the next redrive is later.
      isBad = false
      const [begun] = [yield* Clock.currentTimeMillis]
      assert.strictEqual(yield* within(Failed.redrive(pages, filter, { ...options, id: "r2" })), 6)
      yield* wait(200)
      const third = seen.slice(before + 6)
      assert.lengthOf(third, 6)
      assert.isAtLeast((third[0]?.at ?? 0) - begun, 60_000)
      assert.deepInclude(yield* within(Queue.get(pages, "0")), { state: "done", generation: 2, redrive: "r2" })
    })
  )
})

describe("a claim", () => {
  it.effect("that is lost is taken over under the same key, and its late answer changes nothing", () =>
    Effect.gen(function* () {
      const { seen, store, within } = yield* database
      const id = yield* within(Queue.add(pages, url("one")))
      const ask = (token: string, now: number) =>
        Effect.map(
          store.turn({ ends: [], now, claim: { queue: "pages", token, until: now + 30_000, most: 10 } }),
          ({ claimed }) => claimed
        )
      const end = (claim: Store.Claimed, result: string, now: number) =>
        Effect.map(store.turn({ ends: [{ claim, what: { _tag: "Done", result } }], now }), ({ held }) => held)
      const [first] = yield* ask("one", 0)
      assert.isDefined(first)
      assert.lengthOf(yield* ask("two", 29_999), 0)
      const [second] = yield* ask("two", 30_000)
      assert.deepInclude(second, { id, kills: 1, attempts: 0 })
      assert.deepStrictEqual(yield* store.hold([first], 90_000), [])
      assert.deepStrictEqual(yield* end(first, "1", 30_001), [false])
      assert.deepInclude(yield* within(Queue.get(pages, id)), { state: "running", result: undefined })
      assert.isDefined(second)
      assert.deepStrictEqual(yield* end(second, "2", 30_002), [true])
      assert.strictEqual(yield* within(Queue.result(pages, id)), 2)
      assert.lengthOf(seen, 0)
    })
  )

  it.effect("ends with its worker: the task is given back, and the attempt does not count", () =>
    Effect.gen(function* () {
      const { seen, within, work } = yield* database
      const id = yield* within(Queue.add(pages, url("one")))
      const first = yield* work(() => Effect.never)
      yield* wait(2)
      yield* first.stop
      assert.deepInclude(yield* within(Queue.get(pages, id)), { state: "waiting", attempts: 0, kills: 0 })
      yield* work(() => Effect.succeed(1))
      yield* wait(1)
      assert.deepStrictEqual(
        seen.map(({ attempt }) => attempt.idempotencyKey),
        Array.from({ length: 2 }, () => seen[0]?.attempt.idempotencyKey ?? "")
      )
    })
  )

  it.effect("lasts as long as its worker lives", () =>
    Effect.gen(function* () {
      const { seen, within, work } = yield* database
      yield* within(Queue.add(pages, url("one")))
      yield* work(() => Effect.as(Effect.sleep("10 minutes"), 1))
      yield* work(() => Effect.succeed(2))
      yield* wait(700)
      assert.lengthOf(seen, 1)
    })
  )
})

describe("a worker", () => {
  it.effect("that waits for its next look starts at once what its process adds, lets through or redrives", () =>
    Effect.gen(function* () {
      const { seen, within, work } = yield* database
      let isBad = true
      yield* work((path) => (isBad && path === "one" ? Effect.fail(denied) : Effect.succeed(1)), {
        pollInterval: "1 hour"
      })
      const until = (count: number): Effect.Effect<void> =>
        Effect.suspend(() => (seen.length >= count ? Effect.void : Effect.andThen(Effect.yieldNow, until(count))))
      yield* within(Gates.shut("b.example", { why: "closed", by: "ops" }))
      yield* within(Queue.addAll(pages, [{ payload: url("one") }, { payload: url("two", "b.example") }]))
      yield* until(1)
      assert.isTrue(yield* within(Gates.open("b.example")))
      yield* until(2)
      isBad = false
      assert.strictEqual(yield* within(Failed.redrive(pages, {}, { id: "r", by: "ops" })), 1)
      yield* until(3)
      assert.deepStrictEqual(
        seen.map(({ path }) => path),
        ["one", "two", "one"]
      )
    })
  )

  it.effect("forgets what ended long ago, and says how its queue is", () =>
    Effect.gen(function* () {
      const { store, within, work } = yield* database
      yield* within(
        Queue.addAll(pages, [
          { payload: url("good"), id: "g" },
          { payload: url("bad"), id: "b" }
        ])
      )
      yield* work((path) => (path === "good" ? Effect.succeed(1) : Effect.fail(denied)), {
        // Of a month, which would have 46,000 minutes.
        pollInterval: "1 hour",
        lease: "1 day"
      })
      yield* wait(120, 10)
      const now = yield* Clock.currentTimeMillis
      assert.deepInclude(yield* store.health("pages", now), { done: 1, failed: 1, waiting: 0, oldestDue: undefined })
      assert.deepStrictEqual([yield* store.hasTasks("pages"), yield* store.hasTasks("page")], [true, false])
      assert.include(yield* store.queues, "pages")
      yield* wait(8 * 86_400, 3600)
      assert.isUndefined(yield* within(Queue.get(pages, "g")))
      assert.isDefined(yield* within(Queue.get(pages, "b")))
      yield* wait(24 * 86_400, 3600)
      assert.isUndefined(yield* within(Queue.get(pages, "b")))
    })
  )

  it.effect("says for how long something has been due that nobody runs", () =>
    Effect.gen(function* () {
      const { within, work } = yield* database
      yield* within(Queue.addAll(pages, [{ payload: url("one") }, { payload: url("two") }]))
      yield* work(() => Effect.never, { concurrency: 1 })
      yield* wait(61)
      const found = (yield* Metric.snapshot).filter(({ id }) => id === "redrive_task_oldest_due_seconds")
      assert.deepStrictEqual(
        found.map(({ attributes, state }) => [attributes, state]),
        [[{ queue: "pages" }, { value: 60 }]]
      )
    })
  )

  it.effect("keeps what a later version wrote for that version", () =>
    Effect.gen(function* () {
      const { store, within, work } = yield* database
      yield* store.add("pages", [{ id: "new", payload: `{"href":"x"}`, key: "", group: "", due: 0, policy: "{}" }], 0)
      yield* work(() => Effect.succeed(1))
      yield* wait(2)
      assert.deepInclude(yield* within(Queue.get(pages, "new")), { state: "failed", because: "unreadable" })
    })
  )
})

describe("what happens to tasks", () => {
  it.effect("is told to observers, and failures that are given up are reported", () =>
    Effect.gen(function* () {
      const { store, within } = yield* database
      const heard: Array<string> = []
      const observer = Observer.layer({
        event: (event) => {
          const reason = event._tag === "GaveUp" ? ` ${event.because}` : ""
          heard.push(`${event._tag} ${event.name} ${event.key ?? ""}${reason}`)
        },
        report: ({ attributes, code }) => heard.push(`reported ${code} of ${String(attributes["call"])}`)
      })
      let fails = 2
      const worker = Worker.layer(pages, ({ url: to }) =>
        to.endsWith("bad") ? Effect.fail(denied) : fails-- > 0 ? Effect.fail(throttled("1 second")) : Effect.succeed(1)
      )
      const program = Effect.gen(function* () {
        yield* Queue.add(pages, url("one"))
        yield* wait(60)
        yield* Queue.add(pages, url("bad", "b.example"))
        yield* wait(2)
        yield* Effect.sync(() => (fails = 99))
        yield* Queue.add(pages, url("two"))
        yield* wait(1)
      })
      yield* within(
        Effect.provide(
          program,
          worker.pipe(Layer.provideMerge(observer), Layer.provide(Layer.succeed(Store.Store, store)))
        )
      )
      const host = "pages a.example"
      assert.deepStrictEqual(heard.slice(0, 5), [
        `AttemptFailed ${host}`,
        `RetryScheduled ${host}`,
        `AttemptFailed ${host}`,
        `RetryScheduled ${host}`,
        `Recovered ${host}`
      ])
      assert.deepStrictEqual(heard.slice(5, 8), [
        "AttemptFailed pages b.example",
        "GaveUp pages b.example permanent",
        "reported website_access_denied of pages"
      ])
    })
  )
})
