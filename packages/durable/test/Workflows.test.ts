import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as Observer from "@redrive/core/Observer"
import * as Queue from "@redrive/durable/Queue"
import * as Step from "@redrive/durable/Step"
import * as Store from "@redrive/durable/Store"
import * as Worker from "@redrive/durable/Worker"
import * as Workflows from "@redrive/durable/Workflows"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as Workflow from "effect/workflow/Workflow"
import type { WorkflowEngine } from "effect/workflow/WorkflowEngine"

const filename = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "workflows-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  ),
  (folder) => join(folder, "flow.db")
)

const Order = Workflow.make("order", {
  payload: { id: Schema.String },
  idempotencyKey: ({ id }) => id,
  success: Schema.String,
  error: Step.TaskFailed
})

const pages = Queue.make({
  name: "pages",
  payload: Schema.Struct({ url: Schema.String }),
  success: Schema.Int,
  policy: RetryPolicy.make({ retries: 2, steady: { base: "10 millis", cap: "10 millis" } })
})

const busy = new ItemError.ItemError({
  jobId: "j",
  url: "https://a.example/",
  reason: new ItemError.HostReturnedError({ status: 503 })
})

const quick = { pollInterval: "20 millis" } as const

type Services = WorkflowEngine | Workflows.Records | Store.Store | SqlClient.SqlClient

/** Runs a program as one process would: its workers and its engine end with it. */
const processing = <A, E>(
  file: string,
  workflow: Layer.Layer<never, never, Services>,
  program: Effect.Effect<A, E, Services>,
  options: Workflows.Options = {},
  logged: Array<string> = []
) => {
  const log = Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])
  const base = Layer.provideMerge(
    Layer.merge(Workflows.layer({ ...quick, ...options }), Store.layer()),
    Sqlite.layer({ filename: file })
  )
  const all = Layer.provideMerge(workflow, base)
  return Effect.map(Effect.provide(program, Layer.provideMerge(all, log)) as Effect.Effect<A, E>, (value) => ({
    value,
    logged
  }))
}

const until = <E, R>(isSo: Effect.Effect<boolean, E, R>): Effect.Effect<void, E, R> =>
  Effect.flatMap(isSo, (done) => (done ? Effect.void : Effect.andThen(Effect.sleep("20 millis"), until(isSo))))

/** A process in which an execution becomes stuck: gives why, and what the log said. */
const stuckIn = Effect.fnUntraced(function* (
  file: string,
  handler: Effect.Effect<unknown, unknown, Step.Within | Store.Store>,
  worker: Layer.Layer<never, never, Store.Store> = Layer.empty
) {
  const logged: Array<string> = []
  const workflow = Workflows.run(Order, () => Effect.as(handler, "done") as Effect.Effect<string>)
  const program = Effect.gen(function* () {
    yield* Order.execute({ id: "a" }, { discard: true })
    // Before this process has said so, it is stuck as the one before left it.
    yield* until(Effect.map(Workflows.stuck, ({ length }) => length > 0 && logged.length > 0))
    return yield* Workflows.stuck
  })
  const { value } = yield* processing(file, Layer.merge(workflow, worker), program, {}, logged)
  assert.lengthOf(value, 1)
  assert.strictEqual(value[0]?.workflow, "order")
  assert.include(logged.join("\n"), value[0]?.why ?? "no reason")
  return value[0]?.why
})

const says = (text: string, seen: Array<string> = []) =>
  Step.run(
    text,
    Effect.sync(() => void seen.push(text))
  )

describe("a workflow", () => {
  it.live("does its steps once each, over waits and tasks that are retried", () =>
    Effect.gen(function* () {
      const file = yield* filename
      const seen: Array<string> = []
      let attempts = 0
      const worker = Worker.layer(
        pages,
        ({ url }) =>
          Effect.suspend(() => {
            seen.push(`attempt at ${url}`)
            return ++attempts < 3 ? Effect.fail(busy) : Effect.succeed(42)
          }),
        quick
      )
      const workflow = Workflows.run(Order, ({ id }) =>
        Effect.gen(function* () {
          const first = yield* Step.run(
            "begin",
            Effect.sync(() => {
              seen.push(`begin ${id}`)
              return 1
            }),
            { success: Schema.Int }
          )
          yield* Step.sleep("a moment", "100 millis")
          const size = yield* Step.task("fetch", pages, { url: `https://${id}.example` })
          return `${first} ${size}`
        })
      )
      const { value } = yield* processing(file, Layer.merge(workflow, worker), Order.execute({ id: "a" }))
      assert.strictEqual(value, "1 42")
      assert.deepStrictEqual(seen, ["begin a", ...Array.from({ length: 3 }, () => "attempt at https://a.example")])
    })
  )

  it.live("hears what a task failed of, and all that it knows of it", () =>
    Effect.gen(function* () {
      const file = yield* filename
      const worker = Worker.layer(pages, () => Effect.die(new TypeError("no page")), quick)
      const workflow = Workflows.run(Order, () => Effect.as(Step.task("fetch", pages, { url: "u" }), ""))
      const { value } = yield* processing(file, Layer.merge(workflow, worker), Effect.exit(Order.execute({ id: "a" })))
      const error = Exit.isFailure(value) ? Cause.squash(value.cause) : undefined
      assert.instanceOf(error, Step.TaskFailed)
      assert.strictEqual(error.step, "fetch")
      assert.strictEqual(error.queue, "pages")
      assert.match(error.task, /\/fetch$/)
      assert.deepStrictEqual([error.because, error.message], ["retries", "no page"])
    })
  )

  it.live("that fails is reported once, however often it was run", () =>
    Effect.gen(function* () {
      const file = yield* filename
      const reported: Array<string> = []
      const observer = Observer.layer({ report: ({ message }) => void reported.push(message) })
      const workflow = Workflows.run(Order, () =>
        Effect.andThen(Step.sleep("wait", "50 millis"), Effect.die(new Error("no such order")))
      ).pipe(Layer.provide(observer))
      const asked = Effect.exit(Order.execute({ id: "a" }))
      const { value } = yield* processing(file, workflow, Effect.all([asked, Effect.sleep("100 millis"), asked]))
      assert.isTrue(value.every((exit) => exit === undefined || Exit.isFailure(exit)))
      yield* processing(file, workflow, asked)
      assert.deepStrictEqual(reported, ["no such order"])
    })
  )

  it.live("goes on in the next process where the last one was", () =>
    Effect.gen(function* () {
      const file = yield* filename
      const seen: Array<string> = []
      const workflow = Workflows.run(Order, () =>
        Effect.gen(function* () {
          yield* Step.run(
            "one",
            Effect.sync(() => void seen.push("one"))
          )
          yield* Step.sleep("wait", "500 millis")
          yield* Step.run(
            "two",
            Effect.sync(() => void seen.push("two"))
          )
          return "done"
        })
      )
      yield* processing(
        file,
        workflow,
        Effect.andThen(Order.execute({ id: "a" }, { discard: true }), until(Effect.sync(() => seen.length > 0)))
      )
      assert.deepStrictEqual(seen, ["one"])
      const { value } = yield* processing(file, workflow, Order.execute({ id: "a" }))
      assert.strictEqual(value, "done")
      assert.deepStrictEqual(seen, ["one", "two"])
    })
  )

  it.live("of which a version does not fit is kept, and goes on with one that does", () =>
    Effect.gen(function* () {
      const file = yield* filename
      const seen: Array<string> = []
      const first = Effect.all([says("fetch", seen), Step.sleep("wait", "2 seconds")], { discard: true })
      const workflow = Workflows.run(Order, () => Effect.as(first, ""))
      const begin = Effect.andThen(
        Order.execute({ id: "a" }, { discard: true }),
        until(Effect.sync(() => seen.length > 0))
      )
      yield* processing(file, workflow, Effect.andThen(begin, Effect.sleep("200 millis")))
      const renamed = Effect.andThen(says("download", seen), Step.sleep("wait", "2 seconds"))
      assert.strictEqual(yield* stuckIn(file, renamed), 'the step "download" is new where "fetch" was')
      const another = Effect.andThen(Step.sleep("fetch", "1 second"), Step.sleep("wait", "2 seconds"))
      assert.strictEqual(yield* stuckIn(file, another), 'the step "fetch" was an effect, and is a wait now')
      const typed = Step.run("fetch", Effect.succeed("x"), { success: Schema.String })
      assert.include(yield* stuckIn(file, typed), 'how the step "fetch" ended cannot be read: ')
      assert.deepStrictEqual(seen, ["fetch"])
      // The one before is brought back, with a step more at its end.
      const back = Workflows.run(Order, () => Effect.as(Effect.andThen(first, says("store", seen)), "stored"))
      const { value } = yield* processing(file, back, Order.execute({ id: "a" }))
      assert.strictEqual(value, "stored")
      assert.deepStrictEqual(seen, ["fetch", "store"])
      const { value: stuck } = yield* processing(file, back, Workflows.stuck)
      assert.deepStrictEqual(stuck, [])
    })
  )

  const twice: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown, Step.Within | Store.Store>]> = [
    ["a wait in a loop", Effect.forEach([1, 2], () => Step.sleep("step", "10 millis"))],
    [
      "an effect in a loop",
      Effect.forEach(["a", "b"], (text) => Step.run("step", Effect.succeed(text), { success: Schema.String }))
    ],
    ["a task in a loop", Effect.forEach(["a", "b"], (url) => Step.task("step", pages, { url }), { concurrency: 2 })],
    [
      "Effect.retry around a step",
      Effect.retry(Step.run("step", Effect.fail("no"), { error: Schema.String }), { times: 3 })
    ]
  ]
  for (const [what, handler] of twice) {
    it.live(`refuses ${what} by its name`, () =>
      Effect.gen(function* () {
        const worker = Worker.layer(pages, () => Effect.succeed(1), quick)
        const why = yield* stuckIn(yield* filename, handler, worker)
        assert.strictEqual(why, 'the step "step" was asked for twice: give each a name of its own')
      })
    )
  }

  it.live("keeps what a later version of a queue cannot read, as it keeps all else", () =>
    Effect.gen(function* () {
      const file = yield* filename
      const worker = Worker.layer(pages, () => Effect.succeed(42), quick)
      const texts = Queue.make({ name: pages.name, payload: pages.payload, success: Schema.String })
      const why = yield* stuckIn(file, Step.task("fetch", texts, { url: "u" }), worker)
      assert.include(why, 'what the step "fetch" came to cannot be read: ')
      const wrong = yield* stuckIn(yield* filename, Step.task("fetch", pages, { url: 7 } as never))
      assert.include(wrong, 'the payload of the step "fetch" is wrong: ')
    })
  )

  it.live("goes on in one branch while another one waits for long", () =>
    Effect.gen(function* () {
      const file = yield* filename
      const seen: Array<string> = []
      const branch = Effect.andThen(
        says("one", seen),
        Effect.andThen(Step.sleep("short", "50 millis"), says("two", seen))
      )
      const workflow = Workflows.run(Order, () =>
        Effect.as(Effect.all([Step.sleep("long", "1 hour"), branch], { concurrency: 2 }), "")
      )
      const begin = Order.execute({ id: "a" }, { discard: true })
      yield* processing(file, workflow, Effect.andThen(begin, until(Effect.sync(() => seen.length === 2))))
      assert.deepStrictEqual(seen, ["one", "two"])
    })
  )

  it.live("gives up waiting for a task when a wait beside it is over", () =>
    Effect.gen(function* () {
      const file = yield* filename
      const workflow = Workflows.run(Order, () =>
        Effect.race(
          Effect.map(Step.task("fetch", pages, { url: "u" }), String),
          Effect.as(Step.sleep("limit", "100 millis"), "too late")
        )
      )
      // No worker runs the task.
      const { value } = yield* processing(file, workflow, Order.execute({ id: "a" }))
      assert.strictEqual(value, "too late")
    })
  )

  it.live("that is interrupted ends, undoes what it did, and is no longer there", () =>
    Effect.gen(function* () {
      const file = yield* filename
      const seen: Array<string> = []
      const workflow = Workflows.run(Order, () =>
        Effect.gen(function* () {
          yield* says("one", seen).pipe(Order.withCompensation(() => Effect.sync(() => void seen.push("undone"))))
          yield* Step.sleep("wait", "1 hour")
          return ""
        })
      )
      const program = Effect.gen(function* () {
        const id = yield* Order.execute({ id: "a" }, { discard: true })
        yield* until(Effect.sync(() => seen.length === 1))
        yield* Effect.sleep("100 millis")
        yield* Order.interrupt(id)
        yield* until(Effect.sync(() => seen.length === 2))
        const sql = yield* SqlClient.SqlClient
        yield* until(
          Effect.map(sql`SELECT 1 AS one FROM redrive_runs WHERE state = 'failed'`, ({ length }) => length > 0)
        )
      })
      yield* processing(file, workflow, program)
      assert.deepStrictEqual(seen, ["one", "undone"])
    })
  )

  it.live("has workflows within, and may be within a task", () =>
    Effect.gen(function* () {
      const file = yield* filename
      const Part = Workflow.make("part", {
        payload: { id: Schema.String },
        idempotencyKey: ({ id }) => id,
        success: Schema.String
      })
      const part = Workflows.run(Part, ({ id }) => Effect.as(Step.sleep("wait", "20 millis"), `part ${id}`))
      const outer = Workflows.run(Order, ({ id }) =>
        Effect.gen(function* () {
          const parts = yield* Effect.forEach(["x", "y"], (one) => Part.execute({ id: `${id}${one}` }), {
            concurrency: 2
          })
          yield* Step.sleep("wait", "20 millis")
          return parts.join(", ")
        })
      )
      const orders = Queue.make({ name: "orders", payload: Schema.String, success: Schema.String })
      const worker = Worker.layer(orders, (id) => Order.execute({ id }), quick)
      const program = Effect.gen(function* () {
        yield* Queue.add(orders, "a", { id: "a" })
        yield* until(Effect.map(Queue.get(orders, "a"), (task) => task?.state === "done"))
        return yield* Queue.result(orders, "a")
      })
      const { value } = yield* processing(file, Layer.mergeAll(part, outer, worker), program)
      assert.strictEqual(value, "part ax, part ay")
    })
  )

  it.live("has hundreds of steps at once, each with a name", () =>
    Effect.gen(function* () {
      const file = yield* filename
      const worker = Worker.layer(pages, ({ url }) => Effect.succeed(Number(url)), { ...quick, concurrency: 100 })
      const workflow = Workflows.run(Order, () =>
        Effect.map(
          Effect.forEach(
            Array.from({ length: 300 }, (_, n) => String(n)),
            (url) => Step.task(`fetch ${url}`, pages, { url }),
            { concurrency: "unbounded" }
          ),
          (all) => String(all.reduce((sum, one) => sum + one, 0))
        )
      )
      const { value } = yield* processing(file, Layer.merge(workflow, worker), Order.execute({ id: "a" }))
      assert.strictEqual(value, String((299 * 300) / 2))
    })
  )

  it.live("is woken for what was answered while two processes woke it at once", () =>
    Effect.gen(function* () {
      const file = yield* filename
      const of = { workflow: "order", execution: "e" }
      const names = Effect.gen(function* () {
        const records = yield* Workflows.Records
        yield* records.begin(of)
        const answer = Effect.fnUntraced(function* (step: string) {
          yield* records.wait(of, step, "pages", step)
          const [ended] = yield* records.ended
          yield* records.answer([[ended?.waiter ?? "", "{}"]])
        })
        yield* answer("one")
        const seen = yield* records.unaware
        yield* records.woken(seen)
        yield* answer("two")
        // The other process comes later with what it had seen.
        yield* records.woken(seen)
        return (yield* records.unaware).map(({ wakes }) => wakes)
      })
      const layer = Layer.merge(Workflows.layerRecords, Store.layer()).pipe(
        Layer.provide(Sqlite.layer({ filename: file }))
      )
      assert.deepStrictEqual(yield* Effect.provide(names, layer), [1])
    })
  )

  it.live("is forgotten a while after its end, with all that the engine keeps of it", () =>
    Effect.gen(function* () {
      const file = yield* filename
      const workflow = Workflows.run(Order, ({ id }) =>
        Effect.andThen(says("one"), Effect.as(Step.sleep("wait", id === "b" ? "1 hour" : "10 millis"), "done"))
      )
      const rows = Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const counts: Array<number> = []
        for (const table of ["cluster_messages", "cluster_replies", "redrive_runs", "redrive_steps"])
          counts.push(Number((yield* sql`SELECT count(*) AS n FROM ${sql(table)}`)[0]?.["n"]))
        return counts
      })
      yield* processing(
        file,
        workflow,
        Effect.all([
          Order.execute({ id: "a" }),
          Order.execute({ id: "b" }, { discard: true }),
          Effect.sleep("300 millis")
        ])
      )
      const { value: before } = yield* processing(file, workflow, rows)
      const { value: after } = yield* processing(file, workflow, Effect.andThen(Effect.sleep("200 millis"), rows), {
        keepDone: 0
      })
      assert.deepStrictEqual(before.slice(2), [2, 4])
      assert.deepStrictEqual(after.slice(2), [1, 2])
      // What waits for an hour is still there.
      assert.isAbove(after[0] ?? 0, 0)
      assert.isBelow(after[0] ?? 0, before[0] ?? 0)
      assert.isBelow(after[1] ?? 0, before[1] ?? 0)
    })
  )
})
