import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as JobError from "@redrive/core/JobError"
import * as Gates from "@redrive/durable/Gates"
import * as Queue from "@redrive/durable/Queue"
import * as Store from "@redrive/durable/Store"
import * as Worker from "@redrive/durable/Worker"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as Clock from "effect/Clock"
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
      yield* work(Worker.layer(queue, () => Effect.fail(throttled("2 minutes"))))
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
        settle: (...args: Parameters<typeof store.settle>) =>
          Deferred.succeed(isSettling, undefined).pipe(
            Effect.andThen(Effect.sleep("1 second")),
            Effect.andThen(store.settle(...args))
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
    "while its database is away ends all the same, and says what follows",
    Effect.gen(function* () {
      const queue = queueOf()
      yield* Queue.add(queue, 1, { id: "1" })
      const store = yield* Store.Store
      const away = new Store.StoreError({ message: "tasks could not be given back" })
      const gone = { ...store, release: () => Effect.fail(away), settle: () => Effect.fail(away) }
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
          claim: (...args: Parameters<typeof store.claim>) =>
            Effect.flatMap(store.claim(...args), (found) =>
              lost++ < 3 ? Effect.fail(new Store.StoreError({ message: "the answer is lost" })) : Effect.succeed(found)
            )
        }
        yield* work(Layer.provide(Worker.layer(queue, Effect.succeed), Layer.succeed(Store.Store, lossy)))
        yield* wait(3)
        assert.deepInclude(yield* get(queue, "1"), { state: "done", kills: 0 })
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
          store.claim({ queue: "work", token: `${now}`, now, until: now + 10, most: 1 }),
          ([one]) => one!
        )
      }
      yield* claim()
      assert.strictEqual((yield* claim()).kills, 1)
      const third = yield* claim()
      assert.strictEqual(third.kills, 2)
      const failed = { actor: "", code: "", message: "" }
      const again = { _tag: "Again", due: now, call: "{}", attempts: 1, parkedUntil: undefined, failed } as const
      assert.isTrue(yield* store.settle(third, again, now))
      assert.strictEqual((yield* claim()).kills, 0)
    })
  )
})
