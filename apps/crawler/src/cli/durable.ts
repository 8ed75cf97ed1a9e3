/**
 * `durable`: looks at the tasks of a database, opens gates, and redrives what failed.
 */
import * as Failed from "@redrive/durable/Failed"
import * as Gates from "@redrive/durable/Gates"
import * as Queue from "@redrive/durable/Queue"
import * as Store from "@redrive/durable/Store"
import * as Workflows from "@redrive/durable/Workflows"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { FailedFlags, GateFlags, RedriveFlags, TasksFlags } from "./commands.ts"
import * as Database from "./database.ts"
import { Problem } from "./Problem.ts"
import * as Table from "./Table.ts"

const on = <A>(database: string, command: Effect.Effect<A, Store.StoreError | Problem, Store.Store>) =>
  Database.on(database, Store.layer(), { ...advice, table: "redrive_tasks", what: "durable tasks" }, command)

const advice = {
  missing: "Give --database its file, or a connection string of PostgreSQL.",
  unusable: "Give --database the database that keeps the tasks."
}

/** Runs a command on a queue. One that has no tasks has a name that is wrong, as far as anybody can see. */
const onQueue = <A>(
  { database, queue }: TasksFlags,
  command: Effect.Effect<A, Store.StoreError | Problem, Store.Store>
) =>
  on(
    database,
    Effect.gen(function* () {
      const store = yield* Store.Store
      if (yield* store.hasTasks(queue)) return yield* command
      const queues = yield* store.queues
      const advice = queues.length === 0 ? "No queue has any." : `These queues have some: ${queues.join(", ")}.`
      return yield* new Problem({ wrong: `there are no tasks of a queue ${queue}.`, advice })
    })
  )

/** Whatever tasks are about, this looks at them from outside. */
const queueOf = (name: string) => Queue.make({ name, payload: Schema.Unknown })

/** To the second: with more, tables of times are wider than a terminal. */
const timeOf = (millis: number) => DateTime.formatIso(DateTime.makeUnsafe(millis)).replace(/\.\d+/, "")

export const status = (flags: TasksFlags) =>
  onQueue(
    flags,
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const { done, failed, oldestDue, running, waiting } = yield* Effect.flatMap(Store.Store, (store) =>
        store.health(flags.queue, now)
      )
      const late =
        oldestDue === undefined
          ? "nothing is due"
          : Duration.format(Duration.seconds(Math.round((now - oldestDue) / 1000)))
      yield* Console.log(
        Table.lines(
          ["WAITING", "RUNNING", "DONE", "FAILED", "OLDEST DUE SINCE"],
          [[waiting, running, done, failed, late]]
        ).join("\n")
      )
    })
  )

export const gates = ({ database }: Pick<TasksFlags, "database">) =>
  on(
    database,
    Effect.flatMap(Gates.list, (all) =>
      Console.log(
        all.length === 0
          ? "no gate is shut"
          : Table.lines(
              ["GATE", "SHUT UNTIL", "WHY", "BY", "SINCE"],
              all.map(({ at, by, gate, until, why }) => [
                gate,
                until === Infinity ? "somebody opens it" : timeOf(until),
                why,
                by,
                timeOf(at)
              ])
            ).join("\n")
      )
    )
  )

export const open = ({ database, gate }: GateFlags) =>
  on(
    database,
    Effect.flatMap(Gates.open(gate), (wasShut) =>
      wasShut
        ? Console.log(`${gate} is open: its tasks go on`)
        : new Problem({ wrong: `no gate ${gate} is shut.`, advice: "`durable gates` lists those that are." })
    )
  )

export const stuck = ({ database }: Pick<TasksFlags, "database">) =>
  Database.on(
    database,
    Workflows.layerRecords,
    { ...advice, table: "redrive_runs", what: "workflows", unusable: "Give --database the database that keeps them." },
    Effect.flatMap(Workflows.stuck, (all) =>
      Console.log(
        all.length === 0
          ? "no workflow is stuck"
          : Table.lines(
              ["WORKFLOW", "EXECUTION", "SINCE", "WHY"],
              all.map(({ at, execution, why, workflow }) => [workflow, execution, timeOf(at), why])
            ).join("\n")
      )
    )
  )

const filterOf = ({ code, key }: FailedFlags) => ({
  ...(Option.isSome(code) && { code: code.value }),
  ...(Option.isSome(key) && { key: key.value })
})

const countsOf = (counts: ReadonlyArray<Store.FailedCount>) =>
  Table.lines(
    ["CODE", "GIVEN UP", "WHO ACTS", "TASKS"],
    counts.map(({ actor, because, code, count }) => [code, because, actor, count])
  ).join("\n")

export const failed = (flags: FailedFlags) =>
  onQueue(
    flags,
    Effect.flatMap(Failed.counts(queueOf(flags.queue), filterOf(flags)), (counts) =>
      Console.log(counts.length === 0 ? "no task failed" : countsOf(counts))
    )
  )

export const redrive = (flags: RedriveFlags) =>
  onQueue(
    flags,
    Effect.gen(function* () {
      const queue = queueOf(flags.queue)
      const options = { ...(Option.isSome(flags.pace) && { pace: flags.pace.value }), cost: 1 }
      const { counts, tasks, time } = yield* Failed.plan(queue, filterOf(flags), options)
      if (tasks === 0) return yield* Console.log("no task failed")
      yield* Console.log(countsOf(counts))
      const when = Duration.isZero(time) ? "at once" : `the last of them after ${Duration.format(time)}`
      const what = `${tasks} ${tasks === 1 ? "task" : "tasks"}, ${when}`
      if (flags.dryRun) return yield* Console.log(`would go again: ${what}`)
      const { cost: _, ...own } = options
      yield* Failed.redrive(queue, filterOf(flags), { ...own, id: flags.id, by: "command line" })
      yield* Console.log(`go again: ${what}`)
    })
  )
