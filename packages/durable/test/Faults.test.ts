import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as JobError from "@redrive/core/JobError"
import * as Observer from "@redrive/core/Observer"
import * as Failed from "@redrive/durable/Failed"
import * as Gates from "@redrive/durable/Gates"
import * as Queue from "@redrive/durable/Queue"
import * as Store from "@redrive/durable/Store"
import * as Worker from "@redrive/durable/Worker"
import * as Workflows from "@redrive/durable/Workflows"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"

const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "durable-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const clientOf = (filename: string) => Sqlite.layer({ filename }).pipe(Layer.provideMerge(Logger.layer([])))

/** The services of a process with a database of its own. */
const services = Effect.gen(function* () {
  const filename = join(yield* temporary, "tasks.db")
  return yield* Layer.build(Store.layer().pipe(Layer.provideMerge(clientOf(filename))))
})

type Services = Store.Store | SqlClient.SqlClient

const test = (name: string, program: Effect.Effect<unknown, unknown, Services | Scope.Scope>) =>
  it.effect(name, () => Effect.flatMap(services, (context) => Effect.provideContext(program, context)))

const live = (name: string, program: Effect.Effect<unknown, unknown, Services | Scope.Scope>) =>
  it.live(name, () => Effect.flatMap(services, (context) => Effect.provideContext(program, context)))

/** A worker that can be stopped. */
const work = Effect.fnUntraced(function* <R, E>(layer: Layer.Layer<never, E, R>) {
  const scope = yield* Scope.make()
  yield* Layer.buildWithScope(layer, scope)
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  return { stop: Scope.close(scope, Exit.void) }
})

const wait = (seconds: number, step = 1) =>
  Effect.forEach(Array.from({ length: Math.ceil(seconds / step) }), () => TestClock.adjust(Duration.seconds(step)), {
    discard: true
  })

const queueOf = (policy: RetryPolicy.RetryPolicy = RetryPolicy.make(), name = "work") =>
  Queue.make({ name, payload: Schema.Int, success: Schema.Int, policy, key: (n) => `k${n}`, group: () => "g" })

const get = (queue: Queue.Queue<number, number>, id: string) => Effect.map(Queue.get(queue, id), (task) => task!)

const throttled = (after: Duration.Input) =>
  new ItemError.ItemError({
    jobId: "j",
    url: "https://a.example/",
    reason: new ItemError.HostReturnedError({ status: 429, retryAfter: Duration.fromInputUnsafe(after) })
  })
const broke = new JobError.JobError({ operation: "run", jobId: "j", reason: new JobError.InsufficientBalance({}) })

describe("an attempt", () => {
  test(
    "that interrupts itself has failed: it is counted, waits, and is given up",
    Effect.gen(function* () {
      const queue = queueOf(RetryPolicy.make({ retries: 2 }))
      let calls = 0
      yield* Queue.add(queue, 1, { id: "1" })
      yield* work(
        Worker.layer(queue, () =>
          Effect.andThen(
            Effect.sync(() => calls++),
            Effect.interrupt
          )
        )
      )
      yield* wait(120)
      assert.strictEqual(calls, 3)
      assert.deepInclude(yield* get(queue, "1"), { state: "failed", because: "retries", code: "TaskInterrupted" })
    })
  )

  test(
    "that waits for a fiber which was interrupted has failed",
    Effect.gen(function* () {
      const queue = queueOf(RetryPolicy.make({ retries: 1 }))
      yield* Queue.add(queue, 1, { id: "1" })
      const handler = () =>
        Effect.flatMap(Effect.forkChild(Effect.never), (fiber) =>
          Effect.andThen(Fiber.interrupt(fiber), Fiber.join(fiber))
        )
      yield* work(Worker.layer(queue, handler))
      yield* wait(60)
      assert.deepInclude(yield* get(queue, "1"), { state: "failed", code: "TaskInterrupted" })
    })
  )

  test(
    "whose own time limit is outside of the policy's counts like any other failure",
    Effect.gen(function* () {
      const queue = queueOf(RetryPolicy.make({ retries: 1 }))
      yield* Queue.add(queue, 1, { id: "1" })
      yield* work(Worker.layer(queue, () => Effect.timeout(Effect.never, "1 second")))
      yield* wait(60)
      assert.deepInclude(yield* get(queue, "1"), { state: "failed", because: "retries", code: "TimeoutError" })
    })
  )

  test(
    "has another idempotency key after it parked the task: some servers answer a known key as before",
    Effect.gen(function* () {
      const queue = queueOf(RetryPolicy.make({ parking: { maximum: "1 day" } }))
      const keys: Array<string> = []
      yield* Queue.add(queue, 1, { id: "1" })
      const handler = (_: number, attempt: Worker.Attempt) => {
        keys.push(`${attempt.number} ${attempt.idempotencyKey}`)
        return keys.length < 3 ? Effect.fail(broke) : Effect.succeed(1)
      }
      yield* work(Worker.layer(queue, handler))
      for (let turn = 0; turn < 3; turn++) {
        yield* wait(3)
        yield* Gates.open("g")
      }
      assert.lengthOf(keys, 3)
      assert.strictEqual(new Set(keys).size, 3)
      assert.isTrue(keys.every((key) => key.startsWith("1 ")))
    })
  )
})

describe("a deadline", () => {
  test(
    "counts from the first attempt, however long the task waited for it",
    Effect.gen(function* () {
      const queue = queueOf(RetryPolicy.make({ retries: 1000, deadline: "1 hour" }))
      yield* Queue.add(queue, 1, { id: "1" })
      yield* TestClock.adjust("3 days")
      yield* work(Worker.layer(queue, () => Effect.fail(throttled("2 minutes")), { pollInterval: "10 seconds" }))
      yield* wait(2 * 3600, 30)
      assert.deepInclude(yield* get(queue, "1"), { state: "failed", because: "deadline" })
    })
  )

  test(
    "does not come nearer while no worker runs, and not later by an attempt that was given back",
    Effect.gen(function* () {
      const queue = queueOf(RetryPolicy.make({ retries: 1000, deadline: "1 hour" }))
      yield* Queue.add(queue, 1, { id: "1" })
      let fails = true
      const handler = () => (fails ? Effect.fail(throttled("1 minute")) : Effect.never)
      const first = yield* work(Worker.layer(queue, handler))
      yield* wait(60)
      fails = false
      // Half an hour in an attempt that is given back counts; a day without a worker does not.
      yield* wait(1860, 60)
      yield* first.stop
      yield* TestClock.adjust("1 day")
      assert.deepInclude(yield* get(queue, "1"), { state: "waiting" })
      fails = true
      yield* work(Worker.layer(queue, handler))
      const begun = yield* Clock.currentTimeMillis
      yield* wait(3600, 10)
      const { endedAt } = yield* get(queue, "1")
      assert.isDefined(endedAt)
      assert.isAtMost((endedAt ?? 0) - begun, 31 * 60_000)
      assert.isAtLeast((endedAt ?? 0) - begun, 20 * 60_000)
    })
  )
})

describe("a worker that ends", () => {
  test(
    "gives all its tasks back, takes no others meanwhile, and keeps their order",
    Effect.gen(function* () {
      const queue = queueOf()
      yield* Queue.addAll(
        queue,
        Array.from({ length: 30 }, (_, n) => ({ id: `${n}`, payload: n }))
      )
      const begun: Array<number> = []
      const handler = (n: number) =>
        Effect.andThen(
          Effect.sync(() => begun.push(n)),
          Effect.never
        )
      const worker = yield* work(Worker.layer(queue, handler, { concurrency: 10 }))
      yield* wait(1)
      assert.lengthOf(begun, 10)
      yield* worker.stop
      assert.lengthOf(begun, 10)
      const { health } = yield* Store.Store
      assert.deepInclude(yield* health("work", yield* Clock.currentTimeMillis), { waiting: 30, running: 0 })
      yield* TestClock.adjust("1 minute")
      yield* work(Worker.layer(queue, handler, { concurrency: 10 }))
      yield* wait(1)
      assert.sameMembers(begun.slice(10), begun.slice(0, 10))
    })
  )

  test(
    "records an attempt that has ended",
    Effect.gen(function* () {
      const queue = queueOf()
      yield* Queue.add(queue, 7, { id: "7" })
      const store = yield* Store.Store
      const isSettling = yield* Deferred.make<void>()
      const slow = {
        ...store,
        turn: (turn: Store.Turn) =>
          turn.ends.length === 0
            ? store.turn(turn)
            : Deferred.succeed(isSettling, undefined).pipe(
                Effect.andThen(Effect.sleep("1 second")),
                Effect.andThen(store.turn(turn))
              )
      }
      const worker = yield* work(Layer.provide(Worker.layer(queue, Effect.succeed), Layer.succeed(Store.Store, slow)))
      yield* Deferred.await(isSettling)
      const stopping = yield* Effect.forkChild(worker.stop)
      yield* wait(2)
      yield* Fiber.join(stopping)
      assert.strictEqual(yield* Queue.result(queue, "7"), 7)
    })
  )

  test(
    "records what has ended, also if the store refuses one end among the others",
    Effect.gen(function* () {
      const queue = queueOf()
      yield* Queue.addAll(
        queue,
        Array.from({ length: 3 }, (_, n) => ({ id: `${n}`, payload: n }))
      )
      const store = yield* Store.Store
      const isClaiming = yield* Deferred.make<void>()
      const strict = {
        ...store,
        turn: (turn: Store.Turn) => {
          if (turn.ends.some(({ claim }) => claim.id === "1"))
            return Effect.fail(new Store.StoreError({ message: "no" }))
          // The other ends come up while a turn is under way, and are left to the end of the worker.
          return turn.claim !== undefined && turn.ends.length > 0
            ? Effect.andThen(
                Deferred.succeed(isClaiming, undefined),
                Effect.andThen(Effect.sleep("3 seconds"), store.turn(turn))
              )
            : store.turn(turn)
        }
      }
      const handler = (n: number) => Effect.as(Effect.sleep(n === 0 ? "1 second" : "2 seconds"), n)
      const worker = yield* work(Layer.provide(Worker.layer(queue, handler), Layer.succeed(Store.Store, strict)))
      yield* Effect.forkChild(wait(10, 0.5))
      yield* Deferred.await(isClaiming)
      yield* Effect.sleep("2 seconds")
      yield* worker.stop
      assert.strictEqual(yield* Queue.result(queue, "0"), 0)
      assert.strictEqual(yield* Queue.result(queue, "2"), 2)
      assert.deepInclude(yield* get(queue, "1"), { state: "waiting" })
    })
  )

  test(
    "while its database is away ends all the same, and says what follows",
    Effect.gen(function* () {
      const queue = queueOf()
      yield* Queue.add(queue, 1, { id: "1" })
      const store = yield* Store.Store
      const away = new Store.StoreError({ message: "tasks could not be given back" })
      const gone = {
        ...store,
        release: () => Effect.fail(away),
        turn: (turn: Store.Turn) => (turn.ends.length === 0 ? store.turn(turn) : Effect.fail(away))
      }
      const said: Array<string> = []
      const logger = Logger.make(({ message }) => void said.push(String(message)))
      const worker = yield* work(
        Worker.layer(queue, () => Effect.never).pipe(
          Layer.provide(Layer.succeed(Store.Store, gone)),
          Layer.provide(Logger.layer([logger]))
        )
      )
      yield* wait(1)
      yield* worker.stop
      assert.include(said.join("\n"), "tasks that ran come back when their lease is over")
      yield* work(Worker.layer(queue, Effect.succeed))
      yield* wait(32)
      assert.deepInclude(yield* get(queue, "1"), { state: "done" })
    })
  )

  // A worker that is stopped after so many milliseconds, wherever it is: claiming, running or recording.
  live(
    "at any moment leaves no task behind, and counts no loss of its process",
    Effect.gen(function* () {
      const queue = queueOf(RetryPolicy.make({ operation: "create", retries: 0 }))
      const ran = new Map<number, number>()
      const handler = (n: number) =>
        Effect.andThen(
          Effect.sync(() => ran.set(n, (ran.get(n) ?? 0) + 1)),
          Effect.as(Effect.sleep("1 millis"), n)
        )
      yield* Queue.addAll(
        queue,
        Array.from({ length: 200 }, (_, n) => ({ id: `${n}`, payload: n }))
      )
      const options = { concurrency: 3, pollInterval: "1 millis" } as const
      for (let turn = 0; turn < 60; turn++) {
        const worker = yield* work(Worker.layer(queue, handler, options))
        for (let yields = 0; yields < turn % 20; yields++) yield* Effect.yieldNow
        yield* worker.stop
        const { health } = yield* Store.Store
        assert.strictEqual((yield* health("work", Date.now())).running, 0)
      }
      yield* work(Worker.layer(queue, handler, options))
      const { health } = yield* Store.Store
      for (;;) {
        const { done, failed } = yield* health("work", Date.now())
        assert.strictEqual(failed, 0)
        if (done === 200) break
        yield* Effect.sleep("10 millis")
      }
    })
  )
})

describe("a claim", () => {
  for (const operation of ["idempotent", "create"] as const)
    test(
      `whose answer is lost is given back, and does not count as a loss of its process: ${operation}`,
      Effect.gen(function* () {
        const queue = queueOf(RetryPolicy.make({ operation, retries: 0 }))
        yield* Queue.add(queue, 1, { id: "1" })
        const store = yield* Store.Store
        let lost = 0
        const lossy = {
          ...store,
          turn: (turn: Store.Turn) =>
            Effect.flatMap(store.turn(turn), (found) =>
              lost++ < 3 ? Effect.fail(new Store.StoreError({ message: "the answer is lost" })) : Effect.succeed(found)
            )
        }
        yield* work(Layer.provide(Worker.layer(queue, Effect.succeed), Layer.succeed(Store.Store, lossy)))
        yield* wait(3)
        assert.deepInclude(yield* get(queue, "1"), { state: "done", kills: 0 })
      })
    )

  test(
    "whose answer is lost with those of ends is given back as well",
    Effect.gen(function* () {
      const queue = queueOf(RetryPolicy.make({ operation: "create", retries: 0 }))
      yield* Queue.addAll(queue, [
        { id: "1", payload: 1 },
        { id: "2", payload: 2 }
      ])
      const store = yield* Store.Store
      let lost = 0
      const lossy = {
        ...store,
        turn: (turn: Store.Turn) =>
          Effect.flatMap(store.turn(turn), (found) =>
            turn.ends.length > 0 && turn.claim !== undefined && lost++ === 0
              ? Effect.fail(new Store.StoreError({ message: "the answer is lost" }))
              : Effect.succeed(found)
          )
      }
      const worker = Worker.layer(queue, Effect.succeed, { concurrency: 1 })
      yield* work(Layer.provide(worker, Layer.succeed(Store.Store, lossy)))
      yield* wait(5)
      assert.isAbove(lost, 0)
      for (const id of ["1", "2"]) assert.deepInclude(yield* get(queue, id), { state: "done", kills: 0 })
    })
  )

  test(
    "of thousands of tasks is held like that of one",
    Effect.gen(function* () {
      const queue = queueOf()
      yield* Queue.addAll(
        queue,
        Array.from({ length: 2500 }, (_, n) => ({ id: `${n}`, payload: n }))
      )
      let begun = 0
      const handler = () =>
        Effect.andThen(
          Effect.sync(() => begun++),
          Effect.never
        )
      const options = { concurrency: 5000, lease: "3 seconds" } as const
      yield* work(Worker.layer(queue, handler, options))
      yield* wait(2)
      yield* work(Worker.layer(queue, handler, options))
      yield* wait(20)
      assert.strictEqual(begun, 2500)
    })
  )

  live(
    "of a worker that stood still for longer than its lease goes on, if no other has taken it over",
    Effect.gen(function* () {
      const queue = queueOf(RetryPolicy.make({ operation: "create", retries: 0 }))
      yield* Queue.add(queue, 1, { id: "1" })
      const begun: Array<number> = []
      const handler = (n: number) =>
        Effect.andThen(
          Effect.sync(() => begun.push(n)),
          Effect.as(Effect.sleep("1 second"), n)
        )
      yield* work(Worker.layer(queue, handler, { lease: "200 millis", pollInterval: "10 millis" }))
      while (begun.length === 0) yield* Effect.sleep("10 millis")
      for (let turn = 0; turn < 3; turn++) {
        const until = performance.now() + 300
        while (performance.now() < until);
        yield* Effect.sleep("50 millis")
      }
      yield* Effect.sleep("1 second")
      assert.lengthOf(begun, 1)
      assert.deepInclude(yield* get(queue, "1"), { state: "done", kills: 0 })
    })
  )

  test(
    "that is lost counts against its task only in a row",
    Effect.gen(function* () {
      const queue = queueOf(RetryPolicy.make({ retries: 10 }))
      yield* Queue.add(queue, 1, { id: "1" })
      const store = yield* Store.Store
      let now = 0
      const claim = () => {
        now += 100_000
        return Effect.map(
          store.turn({ ends: [], now, claim: { queue: "work", token: `${now}`, until: now + 10, most: 1 } }),
          ({ claimed: [one] }) => one!
        )
      }
      yield* claim()
      assert.strictEqual((yield* claim()).kills, 1)
      const third = yield* claim()
      assert.strictEqual(third.kills, 2)
      const failed = { actor: "", code: "", message: "" }
      const again = { _tag: "Again", due: now, call: "{}", attempts: 1, parkedUntil: undefined, failed } as const
      assert.deepInclude(yield* store.turn({ ends: [{ claim: third, what: again }], now }), { held: [true] })
      assert.strictEqual((yield* claim()).kills, 0)
    })
  )
})

describe("a worker that ends while a handler holds a transaction of the same client", () => {
  live(
    "waits for nobody, and records what has ended",
    Effect.gen(function* () {
      const queue = queueOf(RetryPolicy.make({ retries: 0 }))
      const sql = yield* SqlClient.SqlClient
      const isHolding = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      const handler = (n: number) => {
        if (n === 0) return sql.withTransaction(Effect.andThen(Deferred.succeed(isHolding, undefined), Effect.never))
        // Its end cannot be recorded while the other one has the only connection.
        return n === 1 ? Effect.as(Deferred.await(goOn), n) : Effect.never
      }
      yield* Queue.addAll(
        queue,
        [0, 1, 2].map((n) => ({ id: `${n}`, payload: n }))
      )
      const worker = yield* work(Worker.layer(queue, handler))
      yield* Deferred.await(isHolding)
      yield* Deferred.succeed(goOn, undefined)
      yield* Effect.sleep("100 millis")
      const begun = performance.now()
      yield* worker.stop
      assert.isBelow(performance.now() - begun, 2000)
      const { health } = yield* Store.Store
      assert.deepInclude(yield* health("work", yield* Clock.currentTimeMillis), { done: 1, waiting: 2, running: 0 })
    })
  )
})

describe("a redrive", () => {
  test(
    "is carried out once for its id and its queue, however long the id is",
    Effect.gen(function* () {
      const id = "monday ".repeat(100)
      const queues = ["one", "two"].map((name) => queueOf(RetryPolicy.make({ retries: 0 }), name))
      for (const queue of queues) {
        yield* Queue.add(queue, 1, { id: "1" })
        yield* work(Worker.layer(queue, () => Effect.fail("no")))
      }
      yield* wait(2)
      for (const queue of queues) {
        assert.strictEqual(yield* Failed.redrive(queue, {}, { id, by: "ops" }), 1)
        assert.deepInclude(yield* get(queue, "1"), { redrive: id, generation: 1 })
        assert.strictEqual(yield* Failed.redrive(queue, {}, { id, by: "ops" }), 1)
        assert.deepInclude(yield* get(queue, "1"), { generation: 1 })
      }
    })
  )
})

describe("an end that the store refuses", () => {
  test(
    "holds up none of those that came with it",
    Effect.gen(function* () {
      const queue = queueOf(RetryPolicy.make({ retries: 0 }))
      const store = yield* Store.Store
      const sizes: Array<number> = []
      const isBad = ({ claim }: Store.End) => claim.id === "3"
      const strict = {
        ...store,
        turn: (turn: Store.Turn) => {
          if (turn.ends.length > 0) sizes.push(turn.ends.length)
          return turn.ends.some(isBad) ? Effect.fail(new Store.StoreError({ message: "no" })) : store.turn(turn)
        }
      }
      yield* Queue.addAll(
        queue,
        Array.from({ length: 8 }, (_, n) => ({ id: `${n}`, payload: n }))
      )
      yield* work(
        Layer.provide(Worker.layer(queue, Effect.succeed, { concurrency: 8 }), Layer.succeed(Store.Store, strict))
      )
      yield* wait(3)
      assert.deepInclude(yield* store.health("work", yield* Clock.currentTimeMillis), { done: 7, running: 1 })
      // All came at once; then each by itself, so that it is known which one is at fault.
      assert.strictEqual(sizes[0], 8)
      assert.deepStrictEqual(new Set(sizes.slice(1)), new Set([1]))
    })
  )
})

describe("results of megabytes", () => {
  test(
    "are recorded a few at a time, since a statement has little time",
    Effect.gen(function* () {
      const queue = Queue.make({ name: "work", payload: Schema.Int, success: Schema.String })
      const store = yield* Store.Store
      const sizes: Array<number> = []
      const watched = {
        ...store,
        turn: (turn: Store.Turn) => {
          const texts = turn.ends.map(({ what }) => (what._tag === "Done" ? what.result.length : 0))
          sizes.push(texts.reduce((sum, one) => sum + one, 0))
          // The others end while the first end is recorded.
          return Effect.andThen(Effect.sleep(turn.ends.length > 0 ? "2 seconds" : 0), store.turn(turn))
        }
      }
      yield* Queue.addAll(
        queue,
        Array.from({ length: 12 }, (_, n) => ({ id: `${n}`, payload: n === 0 ? 9_000_000 : 2_000_000 }))
      )
      const handler = (length: number, { id }: { readonly id: string }) =>
        Effect.as(Effect.sleep(id === "1" ? "1 second" : "2 seconds"), "x".repeat(length))
      yield* work(Layer.provide(Worker.layer(queue, handler, { concurrency: 12 }), Layer.succeed(Store.Store, watched)))
      yield* wait(20)
      assert.deepInclude(yield* store.health("work", yield* Clock.currentTimeMillis), { done: 12 })
      assert.isAtMost(Math.max(...sizes), 9_000_100)
    })
  )
})

describe("a clock", () => {
  /** A clock that is set by hand, beside the one that sleeps go by. */
  const shifted = Effect.map(Clock.Clock, (clock) => {
    const shift = { millis: 0 }
    const now = () => clock.currentTimeMillisUnsafe() + shift.millis
    const service: Clock.Clock = {
      ...clock,
      sleep: (duration) => clock.sleep(duration),
      currentTimeMillisUnsafe: now,
      currentTimeMillis: Effect.sync(now),
      currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
      currentTimeNanos: clock.currentTimeNanos
    }
    return { service, shift }
  })

  test(
    "that is set back by an hour makes nothing early, and stops neither what runs nor what is added",
    Effect.gen(function* () {
      const queue = queueOf()
      const { service, shift } = yield* shifted
      yield* TestClock.adjust("1 day")
      const program = Effect.gen(function* () {
        const ran: Array<readonly [n: number, at: number]> = []
        const handler = (n: number) =>
          Effect.gen(function* () {
            ran.push([n, yield* Clock.currentTimeMillis])
            if (n === 1) yield* Effect.sleep("10 minutes")
            return n
          })
        yield* work(Worker.layer(queue, handler))
        yield* work(Worker.layer(queue, handler))
        const due = (yield* Clock.currentTimeMillis) + 60_000
        yield* Queue.addAll(queue, [
          { id: "1", payload: 1 },
          { id: "2", payload: 2, due: DateTime.makeUnsafe(due) }
        ])
        yield* wait(5)
        shift.millis = -3_600_000
        yield* Queue.add(queue, 3, { id: "3" })
        yield* wait(900, 5)
        assert.deepStrictEqual(
          ran.map(([n]) => n),
          [1, 3]
        )
        assert.deepInclude(yield* get(queue, "1"), { state: "done", kills: 0 })
        yield* wait(3600, 10)
        assert.lengthOf(ran, 3)
        assert.isAtLeast(ran[2]?.[1] ?? 0, due)
      })
      yield* Effect.provideService(program, Clock.Clock, service)
    })
  )

  test(
    "that is set forward by an hour makes due what is due, and takes no task from its worker",
    Effect.gen(function* () {
      const queue = queueOf()
      const { service, shift } = yield* shifted
      const program = Effect.gen(function* () {
        const ran: Array<number> = []
        const handler = (n: number) =>
          Effect.andThen(
            Effect.sync(() => ran.push(n)),
            Effect.as(Effect.sleep("1 minute"), n)
          )
        yield* Queue.addAll(queue, [
          { id: "1", payload: 1 },
          { id: "2", payload: 2, due: DateTime.makeUnsafe(3_600_000) }
        ])
        yield* work(Worker.layer(queue, handler))
        yield* wait(5)
        shift.millis = 3_600_000
        yield* wait(120)
        assert.deepStrictEqual(ran, [1, 2])
        assert.deepInclude(yield* get(queue, "1"), { state: "done", kills: 0 })
      })
      yield* Effect.provideService(program, Clock.Clock, service)
    })
  )
})

describe("a wake-up", () => {
  /** Longer than any of these tests: who is not woken has not run. */
  const asleep = { pollInterval: "1 day", lease: "10 days" } as const

  test(
    "is not lost when a task is added at the instant in which its worker goes idle",
    Effect.gen(function* () {
      const queue = queueOf()
      const store = yield* Store.Store
      let added = 0
      // Each look but the last finds nothing, and a task is added before it is known that there was nothing.
      const busy = {
        ...store,
        turn: (turn: Store.Turn) =>
          Effect.tap(store.turn(turn), () =>
            added < 20 ? Effect.orDie(Queue.add(queue, added, { id: `${added++}` })) : Effect.void
          ).pipe(Effect.provideService(Store.Store, store))
      }
      yield* work(Layer.provide(Worker.layer(queue, Effect.succeed, asleep), Layer.succeed(Store.Store, busy)))
      yield* wait(2, 0.1)
      assert.deepInclude(yield* store.health("work", yield* Clock.currentTimeMillis), { done: 20, waiting: 0 })
    })
  )

  test(
    "reaches a worker that was full: it looks again as soon as one of its tasks has ended",
    Effect.gen(function* () {
      const queue = queueOf()
      yield* work(Worker.layer(queue, (n) => Effect.as(Effect.sleep("1 second"), n), { ...asleep, concurrency: 2 }))
      yield* TestClock.adjust("1 second")
      yield* Queue.addAll(
        queue,
        Array.from({ length: 9 }, (_, n) => ({ id: `${n}`, payload: n }))
      )
      yield* wait(6, 0.5)
      const { health } = yield* Store.Store
      assert.deepInclude(yield* health("work", yield* Clock.currentTimeMillis), { done: 9 })
    })
  )

  test(
    "comes at the next look for a due time that is nearer than the one slept for, and for a gate that opens",
    Effect.gen(function* () {
      const queue = queueOf()
      const ran: Array<number> = []
      const handler = (n: number) =>
        Effect.as(
          Effect.sync(() => ran.push(n)),
          n
        )
      for (let workers = 0; workers < 3; workers++) yield* work(Worker.layer(queue, handler))
      const other = queueOf()
      const at = (seconds: number) => ({ due: DateTime.makeUnsafe(seconds * 1000) })
      yield* Gates.shut("k3", { why: "closed", by: "ops" })
      // Of another process, as it were: the queue is not the workers' own.
      yield* Queue.add(other, 1, at(3600))
      yield* Queue.add(other, 3)
      yield* wait(10)
      yield* Queue.add(other, 2, at(20))
      yield* wait(9)
      assert.deepStrictEqual(ran, [])
      yield* wait(2)
      assert.deepStrictEqual(ran, [2])
      yield* Gates.open("k3")
      yield* wait(1)
      assert.deepStrictEqual(ran, [2, 3])
    })
  )

  test(
    "is that of a queue's own: many queues share a store, and no worker runs another's tasks",
    Effect.gen(function* () {
      const queues = Array.from({ length: 20 }, (_, n) => queueOf(RetryPolicy.make(), `queue ${n}`))
      const ran: Array<string> = []
      for (const queue of queues)
        yield* work(
          Worker.layer(
            queue,
            (n) =>
              Effect.as(
                Effect.sync(() => ran.push(`${queue.name}: ${n}`)),
                n
              ),
            asleep
          )
        )
      yield* wait(1)
      for (const [n, queue] of queues.entries()) yield* Queue.addAll(queue, [{ payload: n }, { payload: n }])
      yield* wait(1, 0.1)
      assert.sameMembers(
        ran,
        queues.flatMap(({ name }, n) => [`${name}: ${n}`, `${name}: ${n}`])
      )
    })
  )
})

describe("a full disk", () => {
  live(
    "refuses tasks, and delays the record of a result until there is room: the attempt is not made again",
    Effect.gen(function* () {
      const queue = Queue.make({ name: "work", payload: Schema.Int, success: Schema.String })
      const sql = yield* SqlClient.SqlClient
      let ran = 0
      const handler = () =>
        Effect.as(
          Effect.sync(() => ran++),
          "x".repeat(500_000)
        )
      yield* Queue.add(queue, 1, { id: "1" })
      yield* sql`PRAGMA max_page_count = 40`
      const refusals: Array<unknown> = []
      const logger = Logger.make(({ message }) => void refusals.push(message))
      const worker = Worker.layer(queue, handler, { pollInterval: "10 millis", lease: "500 millis" })
      yield* work(Layer.provide(worker, Logger.layer([logger])))
      // One is 10 milliseconds after the other at least: so many take longer than two leases.
      while (refusals.length < 110) yield* Effect.sleep("10 millis")
      const many = Array.from({ length: 2000 }, (_, n) => ({ id: `more ${n}`, payload: n }))
      const error = yield* Effect.flip(Queue.addAll(queue, many))
      assert.instanceOf(error, Store.StoreError)
      const { health } = yield* Store.Store
      assert.deepInclude(yield* health("work", Date.now()), { running: 1, waiting: 0 })
      yield* sql`PRAGMA max_page_count = 1000000`
      while ((yield* health("work", Date.now())).done === 0) yield* Effect.sleep("10 millis")
      assert.strictEqual(ran, 1)
      assert.lengthOf((yield* Queue.result(queue, "1")) ?? "", 500_000)
    })
  )
})

describe("together", () => {
  test(
    "a layer that is provided twice is one worker, and two layers are two",
    Effect.gen(function* () {
      const queue = queueOf()
      const ran: Array<number> = []
      const handler = (n: number) =>
        Effect.andThen(
          Effect.sync(() => ran.push(n)),
          Effect.never
        )
      const options = { concurrency: 1 } as const
      const one = Worker.layer(queue, handler, options)
      yield* Queue.addAll(
        queue,
        Array.from({ length: 9 }, (_, n) => ({ payload: n }))
      )
      const first = yield* work(Layer.mergeAll(one, one, Layer.provideMerge(one, one)))
      yield* wait(2)
      assert.lengthOf(ran, 1)
      yield* first.stop
      yield* work(Layer.mergeAll(one, Worker.layer(queue, handler, options)))
      yield* wait(2)
      assert.lengthOf(ran, 3)
    })
  )

  test(
    "a handler adds tasks to its own queue and to another, and only with what it commits",
    Effect.gen(function* () {
      const queue = queueOf()
      const next = queueOf(RetryPolicy.make(), "next")
      const ran: Array<string> = []
      const handler = (n: number) =>
        Effect.gen(function* () {
          ran.push(`work ${n}`)
          const sql = yield* SqlClient.SqlClient
          if (n < 3) yield* Queue.add(queue, n + 1)
          yield* sql.withTransaction(Queue.add(next, n, { id: `kept ${n}` }))
          yield* Effect.exit(
            sql.withTransaction(Effect.andThen(Queue.add(next, n, { id: `undone ${n}` }), Effect.fail("no")))
          )
          return n
        })
      yield* work(Worker.layer(queue, handler))
      yield* work(
        Worker.layer(next, (n, { id }) =>
          Effect.as(
            Effect.sync(() => ran.push(id)),
            n
          )
        )
      )
      yield* Queue.add(queue, 1)
      yield* wait(5)
      assert.sameMembers(ran, ["work 1", "work 2", "work 3", "kept 1", "kept 2", "kept 3"])
    })
  )

  test(
    "a worker that is built within a transaction is no part of it",
    Effect.gen(function* () {
      const queue = queueOf()
      const sql = yield* SqlClient.SqlClient
      const scope = yield* Scope.Scope
      const isInTransaction: Array<boolean> = []
      const handler = (n: number) =>
        Effect.as(
          Effect.map(Effect.serviceOption(sql.transactionService), ({ _tag }) => isInTransaction.push(_tag === "Some")),
          n
        )
      yield* Effect.exit(
        sql.withTransaction(
          Effect.andThen(Layer.buildWithScope(Worker.layer(queue, handler), scope), Effect.fail("rolled back"))
        )
      )
      yield* Queue.add(queue, 1, { id: "1" })
      yield* wait(2)
      assert.deepInclude(yield* get(queue, "1"), { state: "done" })
      assert.deepStrictEqual(isInTransaction, [false])
    })
  )

  test(
    "keys that are too long for an index are refused by name, and what a policy shuts is swept",
    Effect.gen(function* () {
      const queue = Queue.make({ name: "work", payload: Schema.String, key: (text) => text })
      const error = yield* Effect.flip(Queue.add(queue, "x".repeat(501), { id: "long" }))
      assert.include(error.message, "task long was not added: its key has 501 characters, and at most 500 are kept")
      yield* Queue.add(queue, "x".repeat(500), { id: "short" })
      yield* Gates.shut("x", { why: "w", by: "ops", until: DateTime.makeUnsafe(1000) })
      const store = yield* Store.Store
      yield* store.sweep({ queue: "work", done: 999, failed: 0 })
      const sql = yield* SqlClient.SqlClient
      assert.lengthOf(yield* sql`SELECT * FROM redrive_gates`, 1)
      yield* store.sweep({ queue: "work", done: 2000, failed: 0 })
      assert.lengthOf(yield* sql`SELECT * FROM redrive_gates`, 0)
    })
  )

  it("times between looks are at least a millisecond", () => {
    const queue = queueOf()
    for (const options of [{ lease: 0 }, { pollInterval: "0 millis" }, { lease: Infinity }] as const)
      assert.throws(() => Worker.layer(queue, Effect.succeed, options), "a duration of a millisecond or more")
    assert.throws(() => Workflows.layer({ pollInterval: 0 }), "a duration of a millisecond or more")
  })
})

describe("a bad deploy", () => {
  test(
    "whose payload does not fit fails the backlog aloud, and the rollback brings it back",
    Effect.gen(function* () {
      const queue = queueOf()
      const bad = Queue.make({ name: "work", payload: Schema.Struct({ n: Schema.Int }) })
      yield* Queue.addAll(
        queue,
        Array.from({ length: 50 }, (_, n) => ({ payload: n }))
      )
      const heard: Array<string> = []
      const observer = Observer.layer({
        event: (event) => void (event._tag === "GaveUp" && heard.push(event.because))
      })
      const deployed = yield* work(Worker.layer(bad, () => Effect.void).pipe(Layer.provide(observer)))
      yield* wait(3)
      yield* deployed.stop
      assert.deepStrictEqual(
        heard,
        Array.from({ length: 50 }, () => "unreadable")
      )
      yield* work(Worker.layer(queue, Effect.succeed))
      const because = "unreadable"
      assert.strictEqual(yield* Failed.redrive(queue, { because }, { id: "rollback", by: "ops" }), 50)
      yield* wait(3)
      const { health } = yield* Store.Store
      assert.deepInclude(yield* health("work", yield* Clock.currentTimeMillis), { done: 50, failed: 0 })
    })
  )
})

describe("an id", () => {
  test(
    "may be long, is taken once, and again in another generation",
    Effect.gen(function* () {
      const queue = queueOf()
      const id = "i".repeat(3000)
      yield* work(Worker.layer(queue, Effect.succeed))
      assert.deepStrictEqual(yield* Queue.addAll(queue, [{ id, payload: 1 }]), [id])
      yield* wait(1)
      assert.deepStrictEqual(
        yield* Queue.addAll(queue, [
          { id, payload: 2 },
          { id: `${id}/2`, payload: 3 }
        ]),
        [`${id}/2`]
      )
      yield* wait(1)
      assert.strictEqual(yield* Queue.result(queue, id), 1)
      assert.strictEqual(yield* Queue.result(queue, `${id}/2`), 3)
    })
  )
})

describe("a task that waits for somebody who does not come", () => {
  test(
    "is given up in time, once, and those who listen hear of it",
    Effect.gen(function* () {
      const queue = queueOf(RetryPolicy.make({ parking: { maximum: "1 hour" } }))
      const heard: Array<string> = []
      const observer = Observer.layer({
        event: (event) => void (event._tag === "GaveUp" && heard.push(`${event.because} ${event.key}`)),
        report: ({ code, message }) => void heard.push(`${code}: ${message}`)
      })
      yield* Queue.add(queue, 1, { id: "1" })
      const options = { pollInterval: "10 seconds" } as const
      const worker = Worker.layer(queue, () => Effect.fail(broke), options).pipe(Layer.provide(observer))
      yield* work(worker)
      yield* work(worker)
      yield* wait(3700, 20)
      assert.deepInclude(yield* get(queue, "1"), { state: "failed", because: "parked_too_long" })
      assert.lengthOf(heard, 2)
      assert.strictEqual(heard[0], "parked_too_long k1")
      assert.include(heard[1], "nobody acted in time; it failed with insufficient_balance")
    })
  )
})

describe("retention", () => {
  test(
    "is each queue's own",
    Effect.gen(function* () {
      const short = queueOf(RetryPolicy.make(), "short")
      const long = queueOf(RetryPolicy.make(), "long")
      const options = { pollInterval: "1 minute", lease: "1 day" } as const
      yield* Queue.add(short, 1, { id: "1" })
      yield* Queue.add(long, 1, { id: "1" })
      yield* work(Worker.layer(short, Effect.succeed, { ...options, keepDone: "1 hour" }))
      yield* work(Worker.layer(long, Effect.succeed, options))
      yield* wait(3 * 3600, 600)
      assert.isUndefined(yield* Queue.get(short, "1"))
      assert.deepInclude(yield* get(long, "1"), { state: "done" })
    })
  )
})

describe("two gates", () => {
  test(
    "hold a task back until both are open, and its time to wait for somebody ends all the same",
    Effect.gen(function* () {
      const queue = queueOf(RetryPolicy.make({ parking: { maximum: "1 hour" } }))
      yield* Queue.add(queue, 1, { id: "1" })
      yield* work(Worker.layer(queue, () => Effect.fail(broke), { pollInterval: "10 seconds" }))
      yield* wait(60, 10)
      yield* Gates.shut("k1", { why: "closed", by: "ops" })
      yield* Gates.open("k1")
      yield* wait(60, 10)
      assert.deepInclude(yield* get(queue, "1"), { state: "waiting" })
      yield* wait(3600, 60)
      assert.deepInclude(yield* get(queue, "1"), { state: "failed", because: "parked_too_long" })
    })
  )
})

describe("a handler that retries by itself", () => {
  test(
    "fails its task when it has given up, and the task's policy goes by the failure itself",
    Effect.gen(function* () {
      const queue = queueOf(RetryPolicy.make({ retries: 1 }))
      let calls = 0
      const handler = () =>
        Effect.fail(throttled("1 second")).pipe(
          Effect.tapError(() => Effect.sync(() => calls++)),
          Retry.retry(RetryPolicy.make({ retries: 2 }))
        )
      yield* Queue.add(queue, 1, { id: "1" })
      yield* work(Worker.layer(queue, handler))
      yield* wait(60)
      assert.strictEqual(calls, 6)
      assert.deepInclude(yield* get(queue, "1"), { because: "retries", code: "host_returned_error", attempts: 1 })
    })
  )
})
