/**
 * Workflows of several steps, by Effect's own `Workflow` and its cluster, in the database that one has: SQLite or PostgreSQL.
 *
 * Any number of processes share the executions: each takes some, and takes over those of a process that is lost. Nothing listens on a port: what they have
 * to tell each other is in the database. A workflow whose recorded steps no longer fit the code is stuck: it is kept, the log says why, and it goes
 * on with a version that fits.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as ClusterWorkflowEngine from "effect/cluster/ClusterWorkflowEngine"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import * as Runners from "effect/cluster/Runners"
import * as Sharding from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as SqlMessageStorage from "effect/cluster/SqlMessageStorage"
import * as SqlRunnerStorage from "effect/cluster/SqlRunnerStorage"
import * as Digest from "effect/crypto/Digest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as Workflow from "effect/workflow/Workflow"
import { WorkflowEngine } from "effect/workflow/WorkflowEngine"
import { randomUUID } from "node:crypto"
import * as Answers from "./internal/answers.ts"
import { millis, pause } from "./internal/durations.ts"
import * as Execution from "./internal/execution.ts"
import * as internal from "./internal/records.ts"
import { StoreError } from "./Store.ts"

/**
 * How processes share executions, and how long these are kept.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** How often a process looks for what others left it, and for waits that are over. Default: 250 milliseconds. */
  readonly pollInterval?: Duration.Input | undefined
  /** How long executions belong to a process without a sign of life, at least 2 seconds; then others take them over. Default: 10 seconds. */
  readonly lease?: Duration.Input | undefined
  /** How long executions that are done are kept. Default: 7 days. */
  readonly keepDone?: Duration.Input | undefined
  /** How long executions that failed are kept. Default: 30 days. */
  readonly keepFailed?: Duration.Input | undefined
}

const rules: Check.Rules<Options> = {
  pollInterval: pause,
  lease: Check.where(
    "a duration of at least 2 seconds",
    (value) => Check.duration().isRight(value) && millis(value as Duration.Input) >= 2000
  ),
  keepDone: Check.duration(),
  keepFailed: Check.duration()
}

/**
 * What is kept of executions beside what Effect's engine keeps. `layer` provides it.
 *
 * @category services
 * @since 0.1.0
 */
export class Records extends Context.Service<Records, internal.Records>()("@redrive/durable/Workflows/Records") {}

/**
 * An execution that cannot go on with this version of the program.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stuck {
  /** The name of its workflow. */
  readonly workflow: string
  /** Its id, as `execute` gives it. */
  readonly execution: string
  /** What does not fit. */
  readonly why: string
  /** Since when, in epoch milliseconds. */
  readonly at: number
}

/**
 * Effect's workflow engine over its cluster, in the database of the `SqlClient` in context. Its tables are made if they are not there.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<WorkflowEngine | Records, StoreError, SqlClient.SqlClient> => {
  const {
    keepDone = "7 days",
    keepFailed = "30 days",
    lease = "10 seconds",
    pollInterval = "250 millis"
  } = Check.options("Workflows.layer", rules, options)
  const heartbeat = Duration.millis(millis(lease) / 5)
  const config = ShardingConfig.layer({
    // Processes of one address would take each other for themselves, and run the same executions.
    runnerAddress: Option.some(RunnerAddress.make(`process-${randomUUID()}`, 1)),
    entityMessagePollInterval: pollInterval,
    shardLockExpiration: lease,
    shardLockRefreshInterval: heartbeat,
    refreshAssignmentsInterval: heartbeat,
    runnerHealthCheckInterval: heartbeat,
    shardsPerGroup
  })
  const engine = ClusterWorkflowEngine.layer.pipe(
    Layer.provide(Sharding.layer),
    Layer.provide(Runners.layerNoop),
    Layer.provide([SqlMessageStorage.layer, SqlRunnerStorage.layer, RunnerHealth.layerNoop]),
    Layer.provide([config, Digest.layerWebCrypto]),
    // What its tables need is all that can fail here.
    Layer.catchCause((cause) =>
      Layer.effect(WorkflowEngine, Effect.fail(new StoreError({ message: "no engine", cause })))
    )
  )
  const records = Layer.effect(
    Records,
    Effect.gen(function* () {
      yield* internal.prepare
      const records = yield* internal.make
      yield* Effect.forkScoped(Answers.run(records, millis(pollInterval)))
      yield* Effect.forkScoped(sweeping(records, millis(keepDone), millis(keepFailed)))
      return records
    })
  )
  return Layer.provideMerge(records, engine)
}

/**
 * The records alone, to look at executions (`stuck`) without taking part in them.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRecords: Layer.Layer<Records, StoreError, SqlClient.SqlClient> = Layer.effect(Records, internal.make)

/** How many parts the executions are in, of which each process has some. It must not change as long as there are executions. */
const shardsPerGroup = 60

const sweeping = (records: internal.Records, done: number, failed: number) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => records.sweep({ done: now - done, failed: now - failed })).pipe(
    Effect.catchCause((cause) => Effect.logWarning("executions that have ended could not be deleted", cause)),
    Effect.andThen(Effect.sleep("1 hour")),
    Effect.forever
  )

/** How often an execution that is stuck is tried with this version: it may have been another one that did not fit. */
const stuckInterval = "5 minutes"

/**
 * Runs the executions of a workflow, as long as the layer's scope. The steps are those of `Step`.
 *
 * @category layers
 * @since 0.1.0
 */
export const run = <
  Tag extends string,
  Payload extends Workflow.AnyStructSchema,
  Success extends Schema.Top,
  Error extends Schema.Top,
  R
>(
  workflow: Workflow.Workflow<Tag, Payload, Success, Error>,
  handler: (payload: Payload["Type"], execution: string) => Effect.Effect<Success["Type"], Error["Type"], R>
) => {
  const registered = workflow.toLayer((payload, execution) =>
    Effect.flatMap(Records, (records) =>
      Execution.run(records, { workflow: workflow._tag, execution }, handler(payload, execution))
    )
  )
  const retried = Layer.effectDiscard(Effect.forkScoped(trying(workflow)))
  return Layer.provideMerge(retried, registered)
}

const trying = (
  workflow: Pick<Workflow.Workflow<string, Workflow.AnyStructSchema, Schema.Top, Schema.Top>, "_tag" | "resume">
) =>
  Effect.gen(function* () {
    const records = yield* Records
    const all = yield* records.stuck
    const own = all.filter((one) => one.workflow === workflow._tag)
    yield* Effect.forEach(own, ({ execution }) => workflow.resume(execution), { discard: true })
  }).pipe(
    Effect.catchCause((cause) => Effect.logWarning("executions that are stuck could not be tried again", cause)),
    Effect.andThen(Effect.sleep(stuckInterval)),
    Effect.forever
  )

/**
 * The executions that are stuck, the first 1000.
 *
 * @category getters
 * @since 0.1.0
 */
export const stuck: Effect.Effect<ReadonlyArray<Stuck>, StoreError, Records> = Effect.flatMap(
  Records,
  (records) => records.stuck
)
