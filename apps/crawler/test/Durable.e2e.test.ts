import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as Gates from "@redrive/durable/Gates"
import * as Queue from "@redrive/durable/Queue"
import * as Step from "@redrive/durable/Step"
import * as Store from "@redrive/durable/Store"
import * as Worker from "@redrive/durable/Worker"
import * as Workflows from "@redrive/durable/Workflows"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Workflow from "effect/workflow/Workflow"
import { run } from "./cli.ts"
import { folder } from "./files.ts"
import { closedPort } from "./origin.ts"

const pages = Queue.make({ name: "pages", payload: Schema.String, key: (host) => host })

const denied = new ItemError.ItemError({
  jobId: "j",
  url: "https://a.example/",
  reason: new ItemError.WebsiteAccessDenied({ status: 403 })
})

describe("durable", () => {
  it.live("shows tasks and gates, opens a gate while workers wait, and plans before it redrives", () =>
    Effect.gen(function* () {
      const database = join(yield* folder, "tasks.db")
      const store = Store.layer().pipe(Layer.provide(Sqlite.layer({ filename: database })))
      const done: Array<string> = []
      let isBad = true
      const worker = Worker.layer(
        pages,
        (host) =>
          Effect.suspend(() =>
            isBad && host === "a.example" ? Effect.fail(denied) : Effect.sync(() => void done.push(host))
          ),
        { pollInterval: "50 millis" }
      )
      const cli = (...args: ReadonlyArray<string>) => run(["durable", ...args, "--database", database])
      const program = Effect.gen(function* () {
        yield* Gates.shut("b.example", { why: "they asked us to stop", by: "ops" })
        yield* Queue.addAll(pages, [
          { id: "1", payload: "a.example" },
          { id: "2", payload: "a.example" },
          { id: "3", payload: "b.example" }
        ])
        // Three runners of one database.
        yield* Effect.forEach([1, 2, 3], () => Layer.build(Layer.fresh(worker)))
        yield* Effect.sleep("300 millis")
        assert.match((yield* cli("status", "--queue", "pages")).stdout, /\n +1 +0 +0 +2 +nothing is due/)
        assert.match((yield* cli("gates")).stdout, /b\.example +somebody opens it +they asked us to stop +ops/)
        const failed = yield* cli("failed", "--queue", "pages")
        assert.match(failed.stdout, /website_access_denied +permanent +caller +2/)
        assert.match((yield* cli("open", "b.example")).stdout, /b\.example is open/)
        yield* Effect.sleep("300 millis")
        assert.deepStrictEqual(done, ["b.example"])
        const again = yield* cli("open", "b.example")
        assert.deepStrictEqual([again.code, again.stderr.includes("no gate b.example is shut")], [1, true])
        isBad = false
        const redrive = ["redrive", "--queue", "pages", "--id", "r1", "--pace", "100 millis"]
        assert.include(
          (yield* cli(...redrive, "--dry-run")).stdout,
          "would go again: 2 tasks, the last of them after 100ms"
        )
        assert.include((yield* cli(...redrive)).stdout, "go again: 2 tasks")
        yield* Effect.sleep("500 millis")
        assert.lengthOf(done, 3)
        assert.include((yield* cli("failed", "--queue", "pages")).stdout, "no task failed")
      })
      yield* Effect.provide(Effect.scoped(program), store)
    })
  )

  it.live("shows which workflows do not fit", () =>
    Effect.gen(function* () {
      const database = join(yield* folder, "flows.db")
      const flow = Workflow.make("shop", { payload: {}, idempotencyKey: () => "1" })
      const twice = Workflows.run(flow, () => Effect.forEach([1, 2], () => Step.sleep("wait", 1), { discard: true }))
      const engine = Workflows.layer({ pollInterval: "20 millis" }).pipe(
        Layer.provide(Sqlite.layer({ filename: database })),
        Layer.provideMerge(Logger.layer([]))
      )
      const program = Effect.gen(function* () {
        yield* flow.execute({}, { discard: true })
        while ((yield* Workflows.stuck).length === 0) yield* Effect.sleep("20 millis")
      })
      yield* Effect.provide(program, Layer.provideMerge(twice, engine))
      const { stdout } = yield* run(["durable", "stuck", "--database", database])
      assert.match(stdout, /shop +\S+ +\S+ +the step "wait" was asked for twice/)
    })
  )

  it.live("makes no database by a wrong name", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* run(["durable", "gates", "--database", join(yield* folder, "none.db")])
      assert.strictEqual(code, 1)
      assert.include(stderr, "there is no database")
    })
  )

  const commands: ReadonlyArray<ReadonlyArray<string>> = [
    ["durable", "status", "--queue", "pages"],
    ["durable", "gates"],
    ["durable", "open", "a.example"],
    ["durable", "failed", "--queue", "pages"],
    ["durable", "redrive", "--queue", "pages", "--id", "1"],
    ["durable", "stuck"],
    ["accounts", "list"],
    ["accounts", "open", "shop"],
    ["accounts", "top-up", "shop", "--amount", "1", "--id", "1"],
    ["accounts", "entries", "shop"]
  ]

  for (const command of commands)
    it.live(`${command.slice(0, 2).join(" ")} leaves a database of another program, and other files, as they are`, () =>
      Effect.gen(function* () {
        const dir = yield* folder
        const other = new DatabaseSync(join(dir, "other.db"))
        other.exec("CREATE TABLE notes (text TEXT)")
        other.close()
        writeFileSync(join(dir, "empty.db"), "")
        writeFileSync(join(dir, "text.db"), "no database. ".repeat(100))
        const files = () => readdirSync(dir).map((name) => [name, readFileSync(join(dir, name)).toString("base64")])
        const before = files()
        const what = command[0] === "accounts" ? "accounts" : command[1] === "stuck" ? "workflows" : "durable tasks"
        for (const name of ["other.db", "empty.db"]) {
          const { code, stderr, stdout } = yield* run([...command, "--database", join(dir, name)])
          assert.deepStrictEqual([code, stdout], [1, ""])
          assert.include(stderr, `error: the database ${join(dir, name)} has no ${what}. Give --database`)
        }
        const text = yield* run([...command, "--database", join(dir, "text.db")])
        assert.deepStrictEqual([text.code, text.stdout], [1, ""])
        assert.match(text.stderr, /^error: .*text\.db.*file is not a database.*Give --database/)
        const none = yield* run([...command, "--database", join(dir, "none.db")])
        assert.match(none.stderr, /^error: there is no database .*none\.db\. /)
        assert.deepStrictEqual(files(), before)
      })
    )

  it.live("names the queues that there are, where the one that is asked for has no tasks", () =>
    Effect.gen(function* () {
      const database = join(yield* folder, "tasks.db")
      const store = Store.layer().pipe(Layer.provide(Sqlite.layer({ filename: database })))
      const cli = (...args: ReadonlyArray<string>) => run(["durable", ...args, "--database", database])
      const asked = [["status"], ["failed"], ["redrive", "--id", "1"]]
      yield* Effect.provide(Effect.void, store)
      for (const [command = "", ...more] of asked) {
        const { code, stderr } = yield* cli(command, "--queue", "page", ...more)
        assert.deepStrictEqual([code, stderr], [1, "error: there are no tasks of a queue page. No queue has any.\n"])
      }
      const mails = Queue.make({ name: "mails", payload: Schema.String })
      yield* Effect.provide(Effect.andThen(Queue.add(pages, "a.example"), Queue.add(mails, "b")), store)
      for (const [command = "", ...more] of asked) {
        const { code, stderr } = yield* cli(command, "--queue", "page", ...more)
        assert.strictEqual(code, 1)
        assert.include(stderr, "error: there are no tasks of a queue page. These queues have some: mails, pages.")
      }
      assert.include((yield* cli("failed", "--queue", "pages")).stdout, "no task failed")
      // What looks at tasks makes no tables of workflows.
      assert.include((yield* cli("stuck")).stderr, `the database ${database} has no workflows.`)
    })
  )

  it.live("says why a PostgreSQL cannot be used, and not with which password", () =>
    Effect.gen(function* () {
      const database = `postgres://ops:hunter2@127.0.0.1:${yield* closedPort}/tasks`
      const { code, stderr } = yield* run(["durable", "gates", "--database", database])
      assert.strictEqual(code, 1)
      assert.match(stderr, /^error: cannot use the database 127\.0\.0\.1:\d+\/tasks: .*ECONNREFUSED/)
      assert.notInclude(stderr, "hunter2")
    })
  )
})
