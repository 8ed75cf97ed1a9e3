/**
 * A queue of tasks that outlive the process: what they are about, and the policy that they go by.
 *
 * A task keeps its policy as data: one that was added before a deploy goes on as it was meant.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { randomUUID } from "node:crypto"
import { Store, type StoreError, type Task } from "./Store.ts"

/**
 * What a queue is for.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<P, A> {
  /** Its name, at most 255 characters: workers of one name share its tasks. Required. */
  readonly name: string
  /** What a task is about; it must be JSON. Fields that a later version adds must be optional. Required. */
  readonly payload: Schema.Codec<P, unknown>
  /** What a task comes to. Default: nothing is kept. */
  readonly success?: Schema.Codec<A, unknown> | undefined
  /** How failures of a task are retried. Default: three retries. */
  readonly policy?: RetryPolicy.RetryPolicy | undefined
  /** What a task shares with others, such as a host: a gate of this name holds them all back. At most 500 characters. Default: nothing. */
  readonly key?: ((payload: P) => string) | undefined
  /** What a task shares with even more, such as an account. At most 500 characters. Default: nothing. */
  readonly group?: ((payload: P) => string) | undefined
}

const rules: Check.Rules<Options<unknown, unknown>> = {
  name: Check.required(
    Check.where(
      "a text of at most 255 characters",
      (name) => typeof name === "string" && name !== "" && name.length <= 255
    )
  ),
  payload: Check.required(Check.where("a Schema", Schema.isSchema)),
  success: Check.where("a Schema", Schema.isSchema),
  policy: Check.where("a policy as RetryPolicy.make makes it", Schema.is(RetryPolicy.RetryPolicy)),
  key: Check.callback,
  group: Check.callback
}

/**
 * A queue.
 *
 * @category models
 * @since 0.1.0
 */
export interface Queue<P, A> {
  /** Its name. */
  readonly name: string
  /** What a task is about. */
  readonly payload: Schema.Codec<P, unknown>
  /** What a task comes to. */
  readonly success: Schema.Codec<A, unknown> | undefined
  /** How failures of a task are retried. */
  readonly policy: RetryPolicy.RetryPolicy
  /** What a task shares with others; empty for nothing. */
  readonly key: (payload: P) => string
  /** What a task shares with even more; empty for nothing. */
  readonly group: (payload: P) => string
}

/**
 * Makes a queue. Throws if an option is wrong.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <P, A = void>(options: Options<P, A>): Queue<P, A> => {
  Check.options("Queue.make", rules, options as Options<unknown, unknown>)
  return {
    name: options.name,
    payload: options.payload,
    success: options.success,
    policy: options.policy ?? RetryPolicy.make(),
    key: options.key ?? (() => ""),
    group: options.group ?? (() => "")
  }
}

/**
 * When a task is to run, and under which id.
 *
 * @category options
 * @since 0.1.0
 */
export interface AddOptions {
  /** Its id, such as that of the request that it comes from: a second task of the same id is not added. Default: a new one. */
  readonly id?: string | undefined
  /** When it is due. Default: now. */
  readonly due?: DateTime.DateTime | undefined
}

/**
 * A task to be added, with its options.
 *
 * @category models
 * @since 0.1.0
 */
export interface Addition<P> extends AddOptions {
  /** What it is about. */
  readonly payload: P
}

const textOfPolicy = Schema.encodeSync(Schema.fromJsonString(Schema.toCodecJson(RetryPolicy.RetryPolicy)))

/**
 * Adds tasks, all or none; gives the ids of those that were not there. Within a transaction of the same `SqlClient` they are added with it.
 *
 * @category running
 * @since 0.1.0
 */
export const addAll = <P, A>(
  queue: Queue<P, A>,
  additions: ReadonlyArray<Addition<P>>
): Effect.Effect<ReadonlyArray<string>, StoreError | Schema.SchemaError, Store> =>
  Effect.gen(function* () {
    const store = yield* Store
    const now = yield* Clock.currentTimeMillis
    const encode = Schema.encodeEffect(Schema.fromJsonString(Schema.toCodecJson(queue.payload)))
    const policy = textOfPolicy(queue.policy)
    const tasks = yield* Effect.forEach(additions, ({ due, id, payload }) =>
      Effect.map(encode(payload), (text) => ({
        id: id ?? randomUUID(),
        payload: text,
        key: queue.key(payload),
        group: queue.group(payload),
        due: due === undefined ? now : DateTime.toEpochMillis(due),
        policy
      }))
    )
    return yield* store.add(queue.name, tasks, now)
  })

/**
 * Adds a task; gives its id. One of the same id that is there already stays as it is.
 *
 * @category running
 * @since 0.1.0
 */
export const add = <P, A>(
  queue: Queue<P, A>,
  payload: P,
  options: AddOptions = {}
): Effect.Effect<string, StoreError | Schema.SchemaError, Store> => {
  const { id = randomUUID() } = options
  return Effect.as(addAll(queue, [{ ...options, id, payload }]), id)
}

/**
 * Reads a task.
 *
 * @category getters
 * @since 0.1.0
 */
export const get = <P, A>(queue: Queue<P, A>, id: string): Effect.Effect<Task | undefined, StoreError, Store> =>
  Effect.flatMap(Store, (store) => store.get(queue.name, id))

/**
 * What a task came to, from what is kept of it; nothing if the queue keeps nothing.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decoded = <P, A>(
  { success }: Queue<P, A>,
  text: string
): Effect.Effect<A | undefined, Schema.SchemaError> =>
  success === undefined
    ? Effect.succeed(undefined)
    : Schema.decodeEffect(Schema.fromJsonString(Schema.toCodecJson(success)))(text)

/**
 * What a task came to, if it is done, and the queue keeps that.
 *
 * @category getters
 * @since 0.1.0
 */
export const result = <P, A>(
  queue: Queue<P, A>,
  id: string
): Effect.Effect<A | undefined, StoreError | Schema.SchemaError, Store> =>
  Effect.flatMap(get(queue, id), (task) =>
    task?.result === undefined ? Effect.succeed(undefined) : decoded(queue, task.result)
  )
