/**
 * The libraries that are compared: each adds tasks and works on them in its documented way, with one commit for each end.
 *
 * A handler rejects when its attempt fails. Each library then tries again by a policy of its own.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as DurableQueue from "@redrive/durable/Queue"
import * as Store from "@redrive/durable/Store"
import * as DurableWorker from "@redrive/durable/Worker"
import * as Backoff from "@redrive/retry/Backoff"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import { Queue as BullQueue, Worker as BullWorker } from "bullmq"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { Logger as GraphileLogger, makeWorkerUtils, run } from "graphile-worker"
import { Redis } from "ioredis"
import { PgBoss } from "pg-boss"
import process from "node:process"
import { setTimeout } from "node:timers/promises"

/** Runs an attempt, from 1, at a task. */
export type Handler = (task: number, attempt: number) => Promise<void>

/** A library that is connected to its database. */
export interface Opened {
  readonly add: (tasks: ReadonlyArray<number>) => Promise<unknown>
  /** Starts to work with so many tasks at once, and goes on until `close`. */
  readonly work: (concurrency: number, handler: Handler) => Promise<unknown>
  readonly close: () => Promise<unknown>
}

/** Connects to an empty database by its URL, which for SQLite is a file. */
export type Open = (url: string) => Promise<Opened>

const name = "work"
const connections = 10

const steady = Backoff.make({ kind: "constant", base: "1 second", cap: "1 second" })
const queue = DurableQueue.make({
  name,
  payload: Schema.Int,
  policy: RetryPolicy.make({ retries: 3, operation: "idempotent", quick: steady, steady, slow: steady })
})

const durable =
  (client: (url: string) => Layer.Layer<SqlClient.SqlClient, unknown>): Open =>
  async (url) => {
    const store = Store.layer({ timeout: "1 minute" }).pipe(Layer.provide(client(url)))
    const runtime = ManagedRuntime.make(Layer.merge(store, Logger.layer([])))
    let worker: ManagedRuntime.ManagedRuntime<never, unknown> | undefined
    await runtime.context()
    return {
      add: (tasks) =>
        runtime.runPromise(
          DurableQueue.addAll(
            queue,
            tasks.map((task) => ({ id: `${task}`, payload: task }))
          )
        ),
      work: async (concurrency, handler) => {
        const layer = DurableWorker.layer(
          queue,
          (task, { number }) => Effect.tryPromise({ try: () => handler(task, number), catch: (error) => error }),
          { concurrency }
        )
        worker = ManagedRuntime.make(Layer.provide(layer, Layer.succeedContext(await runtime.context())))
        await worker.context()
      },
      close: async () => {
        await worker?.dispose()
        await runtime.dispose()
      }
    }
  }

const pgClient = (url: string) => PgClient.layer({ url: Redacted.make(url), maxConnections: connections })

const sqliteClient = (filename: string) =>
  Layer.effectDiscard(Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe("PRAGMA synchronous = FULL"))).pipe(
    Layer.provideMerge(Sqlite.layer({ filename }))
  )

const bossed = async (url: string) => {
  const boss = new PgBoss({ connectionString: url, max: connections, useListenNotify: true })
  boss.on("error", (error) => process.stderr.write(`${error}\n`))
  await boss.start()
  await boss.createQueue(name, { notify: true, retryLimit: 3, retryDelay: 1 })
  return {
    boss,
    add: (tasks: ReadonlyArray<number>) =>
      boss.insert(
        name,
        tasks.map((task) => ({ data: { task } }))
      ),
    close: () => boss.stop({ graceful: false })
  }
}

interface BossTask {
  readonly task: number
}

/** Its `work` waits half a second after each job, or records a batch in one commit. So each of so many loops fetches a job and records its end. */
const bossLoops: Open = async (url) => {
  const { boss, ...opened } = await bossed(url)
  const closing = new AbortController()
  const loop = async (handler: Handler) => {
    while (!closing.signal.aborted) {
      const [job] = await boss.fetch<BossTask>(name, { batchSize: 1, includeMetadata: true })
      if (job === undefined) await setTimeout(500)
      else
        await handler(job.data.task, job.retryCount + 1).then(
          () => boss.complete(name, job.id),
          (error: Error) => boss.fail(name, job.id, error)
        )
    }
  }
  return {
    ...opened,
    work: async (concurrency, handler) => {
      for (let n = 0; n < concurrency; n++)
        loop(handler).catch((error) => closing.signal.aborted || process.stderr.write(`${error}\n`))
    },
    close: async () => {
      closing.abort()
      await opened.close()
    }
  }
}

/** Its `work`, woken by notifications. */
const bossWork: Open = async (url) => {
  const { boss, ...opened } = await bossed(url)
  return {
    ...opened,
    work: (localConcurrency, handler) =>
      boss.work<BossTask>(
        name,
        { localConcurrency, includeMetadata: true, pollingIntervalSeconds: 0.5 },
        async ([job]) => {
          if (job !== undefined) await handler(job.data.task, job.retryCount + 1)
        }
      )
  }
}

/** Its local queue and its batches of ends are off, as they are by default. Its delay after the first failure is fixed: 2.7 seconds. */
const graphile: Open = async (connectionString) => {
  const logger = new GraphileLogger(() => () => undefined)
  const utils = await makeWorkerUtils({ connectionString, logger })
  await utils.migrate()
  let runner: Awaited<ReturnType<typeof run>> | undefined
  return {
    add: (tasks) => utils.addJobs(tasks.map((task) => ({ identifier: name, payload: { task }, maxAttempts: 4 }))),
    work: async (concurrentJobs, handler) => {
      runner = await run({
        preset: { worker: { connectionString, concurrentJobs, maxPoolSize: connections, pollInterval: 500 } },
        logger,
        noHandleSignals: true,
        taskList: {
          [name]: (payload, { job }) => handler(Number(Object(payload).task), job.attempts)
        }
      })
    },
    close: async () => {
      await runner?.stop()
      await utils.release()
    }
  }
}

const bull: Open = async (url) => {
  const connection = new Redis(url, { maxRetriesPerRequest: null })
  const one = new BullQueue(name, {
    connection,
    defaultJobOptions: { attempts: 4, backoff: { type: "fixed", delay: 1000 } }
  })
  let worker: BullWorker | undefined
  return {
    add: (tasks) => one.addBulk(tasks.map((task) => ({ name, data: { task } }))),
    work: async (concurrency, handler) => {
      worker = new BullWorker(name, ({ attemptsMade, data }) => handler(data.task, attemptsMade + 1), {
        connection,
        concurrency
      })
      await worker.waitUntilReady()
    },
    close: async () => {
      await worker?.close()
      await one.close()
      connection.disconnect()
    }
  }
}

/** No library at all: inserts a row and commits. */
const bare: Open = async (url) => {
  const runtime = ManagedRuntime.make(pgClient(url))
  await runtime.runPromise(
    Effect.flatMap(SqlClient.SqlClient, (sql) => sql`CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT NOT NULL)`)
  )
  let added: ReadonlyArray<number> = []
  const body = "x".repeat(100)
  return {
    add: async (tasks) => (added = [...added, ...tasks]),
    work: async (concurrency, handler) => {
      const row = (task: number) =>
        Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          yield* sql`INSERT INTO rows (id, body) VALUES (${task}, ${body})`
          yield* Effect.promise(() => handler(task, 2))
        })
      runtime.runFork(Effect.forEach(added, row, { concurrency, discard: true }))
    },
    close: () => runtime.dispose()
  }
}

/** Where a contestant keeps its tasks. */
export type Place = "PostgreSQL" | "Redis" | "SQLite"

/** What of a contestant is measured. */
export interface Contestant {
  readonly place: Place
  /** How it works through a backlog. */
  readonly throughput?: Open
  /** How it waits for single tasks. */
  readonly latency?: Open
}

const both = (place: Place, open: Open): Contestant => ({ place, throughput: open, latency: open })

export const contestants: Readonly<Record<string, Contestant>> = {
  "@redrive/durable": both("PostgreSQL", durable(pgClient)),
  "pg-boss": { place: "PostgreSQL", throughput: bossLoops, latency: bossWork },
  "graphile-worker": both("PostgreSQL", graphile),
  BullMQ: both("Redis", bull),
  "@redrive/durable on SQLite": both("SQLite", durable(sqliteClient)),
  "a bare loop of rows": { place: "PostgreSQL", throughput: bare }
}
