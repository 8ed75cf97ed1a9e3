import * as Observer from "@redrive/core/Observer"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Metric from "effect/Metric"
import type * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import { randomUUID } from "node:crypto"
import type { Queue } from "../Queue.ts"
import { type Claimed, type Settled, Store, type StoreError } from "../Store.ts"
import * as Judgement from "./judgement.ts"

/**
 * An attempt at a task.
 *
 * @category models
 * @since 0.1.0
 */
export interface Attempt {
  /** The id of the task. */
  readonly id: string
  /** The number of the attempt, from 1, in this generation. */
  readonly number: number
  /** How often the task was redriven. */
  readonly generation: number
  /** The same when this attempt is made again because its process was lost: for side effects that must not happen twice. */
  readonly idempotencyKey: string
}

/**
 * What a task does. It gets what the task is about, and which attempt this is.
 *
 * @category models
 * @since 0.1.0
 */
export type Handler<in P, out A, out E, out R> = (payload: P, attempt: Attempt) => Effect.Effect<A, E, R>

export interface Settings {
  readonly concurrency: number
  readonly kills: number
  readonly lease: number
  readonly pollInterval: number
  readonly keepDone: number
  readonly keepFailed: number
}

const decodePolicy = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.toCodecJson(RetryPolicy.RetryPolicy)))

/** A worker meets few policies, and reading one takes longer than a short task. */
const policies = () => {
  const known = new Map<string, Option.Option<RetryPolicy.RetryPolicy>>()
  return (text: string): Option.Option<RetryPolicy.RetryPolicy> => {
    const before = known.get(text)
    if (before !== undefined) return before
    if (known.size >= 1000) known.clear()
    const policy = decodePolicy(text)
    known.set(text, policy)
    return policy
  }
}

/** A store that is away for a while stops nothing: what could not be done is done again. */
const warn = ({ cause, message }: StoreError) => Effect.logWarning(message, cause)

/** A task that runs. */
interface Running {
  readonly claim: Claimed
  readonly fiber: Fiber.Fiber<void>
}

const attemptOf = ({ attempts, generation, id, row }: Claimed): Attempt => ({
  id,
  number: attempts + 1,
  generation,
  idempotencyKey: `${row}-${generation}-${attempts + 1}`
})

export const run = Effect.fnUntraced(function* <P, A, E, R>(
  queue: Queue<P, A>,
  handler: Handler<P, A, E, R>,
  settings: Settings
): Effect.fn.Return<void, never, Store | R | Scope.Scope> {
  const store = yield* Store
  const self = randomUUID()
  const running = new Map<string, Running>()
  const payloadIn = Schema.decodeEffect(Schema.fromJsonString(Schema.toCodecJson(queue.payload)))
  const textOf =
    queue.success === undefined
      ? () => Effect.succeed("null")
      : Schema.encodeEffect(Schema.fromJsonString(Schema.toCodecJson(queue.success)))
  const policyIn = policies()
  const late = Metric.gauge("redrive_task_oldest_due_seconds", {
    description: "For how long the first task has been due that is not run, by queue",
    attributes: { queue: queue.name }
  })
  /** Opened when there may be something to claim. */
  const news = Latch.makeUnsafe(false)
  yield* store.listen(queue.name, () => news.openUnsafe())
  let claims = 0

  /** What a store does not take is tried again as long as the claim lasts: the work is done. */
  const settle = (claim: Claimed, what: Settled): Effect.Effect<boolean> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => store.settle(claim, what, now)).pipe(
      Effect.catch((error) =>
        running.has(claim.row)
          ? Effect.andThen(
              Effect.andThen(warn(error), Effect.sleep(settings.pollInterval)),
              Effect.suspend(() => settle(claim, what))
            )
          : Effect.succeed(false)
      )
    )

  /** One attempt. Whatever the handler does, the claim is settled, unless it is lost. */
  const attempt = Effect.fnUntraced(function* (claim: Claimed): Effect.fn.Return<void, never, R> {
    const number = claim.attempts + 1
    const about = { name: queue.name, ...(claim.key !== "" && { key: claim.key }) }
    if (claim.kills >= settings.kills) return yield* giveUp(claim, "killed", Judgement.killed)
    const policy = policyIn(claim.policy)
    const payload = yield* Effect.exit(payloadIn(claim.payload))
    if (policy._tag === "None" || Exit.isFailure(payload)) {
      const error = Exit.isFailure(payload) ? Cause.squash(payload.cause) : new Error("its policy cannot be read")
      return yield* giveUp(claim, "unreadable", error)
    }
    // Nobody knows what the lost process has done.
    if (claim.kills > 0 && policy.value.operation === "create")
      return yield* giveUp(claim, "ambiguous", Judgement.killed)
    const begun = yield* Clock.currentTimeMillis
    const exit = yield* Effect.exit(
      Judgement.bounded(
        policy.value,
        Effect.suspend(() => handler(payload.value, attemptOf(claim)))
      )
    )
    if (Exit.isSuccess(exit)) {
      const result = yield* Effect.exit(textOf(exit.value))
      if (Exit.isFailure(result)) return yield* giveUp(claim, "unreadable", Cause.squash(result.cause))
      if (yield* settle(claim, { _tag: "Done", result: result.value })) {
        if (claim.attempts > 0) yield* Observer.tell(() => ({ _tag: "Recovered", ...about, attempt: number }))
        else if (Observer.isSuccessExpected(queue.name, claim.key))
          yield* Observer.tell(() => ({ _tag: "Succeeded", ...about, attempt: number }))
      }
      return
    }
    // The worker ends, or the claim is lost: the attempt does not count.
    if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt
    const error = Cause.squash(exit.cause)
    const now = yield* Clock.currentTimeMillis
    const judged = yield* Judgement.judge(policy.value, claim, error, now, yield* Random.next)
    yield* Observer.tell(() => ({
      _tag: "AttemptFailed",
      ...about,
      attempt: number,
      error,
      verdict: judged.verdict,
      duration: Judgement.time(now - begun)
    }))
    if (judged._tag === "GiveUp") return yield* giveUp(claim, judged.because, error, exit.cause)
    if (judged.gate !== undefined) {
      const { gate, until, why } = judged.gate
      yield* Effect.catch(store.shut({ gate, until, why, by: "policy", at: now }), warn)
    }
    if (!(yield* settle(claim, judged.again))) return
    if (judged.parked !== undefined) {
      const until = judged.parked
      yield* Observer.tell(() => ({ _tag: "Parked", name: queue.name, key: claim.key, until, error }))
    } else
      yield* Observer.tell(() => ({
        _tag: "RetryScheduled",
        ...about,
        attempt: number,
        error,
        verdict: judged.verdict,
        delay: Judgement.time(judged.again.due - now)
      }))
  })

  const giveUp = Effect.fnUntraced(function* (
    claim: Claimed,
    because: string,
    error: unknown,
    cause: Cause.Cause<unknown> = Cause.fail(error)
  ) {
    const failed = yield* Judgement.failedOf(error)
    if (!(yield* settle(claim, { _tag: "Failed", because, failed }))) return
    const about = { name: queue.name, key: claim.key, because, attempts: claim.attempts + 1 }
    yield* Observer.tell(() => ({ _tag: "GaveUp", ...about, attempt: about.attempts, error, call: about }))
    yield* ErrorReporter.report(cause)
  })

  /** Runs a claimed task. An interruption gives it back, unless another worker has it. */
  const start = Effect.fnUntraced(function* (claim: Claimed) {
    const gate = Latch.makeUnsafe(false)
    const fiber = yield* Effect.forkScoped(
      Latch.await(gate).pipe(
        Effect.andThen(attempt(claim)),
        Effect.onInterrupt(() => {
          const isHeld = running.has(claim.row)
          return isHeld ? Effect.asVoid(settle(claim, { _tag: "Released", due: claim.due })) : Effect.void
        }),
        Effect.ensuring(
          Effect.sync(() => {
            running.delete(claim.row)
            news.openUnsafe()
          })
        )
      )
    )
    running.set(claim.row, { claim, fiber })
    gate.openUnsafe()
  })

  const claim = Effect.gen(function* () {
    const most = settings.concurrency - running.size
    if (most <= 0) return 0
    const now = yield* Clock.currentTimeMillis
    const token = `${self} ${claims++}`
    const found = yield* store.claim({ queue: queue.name, token, now, until: now + settings.lease, most })
    for (const one of found) yield* start(one)
    return found.length
  })

  const looking = Effect.gen(function* () {
    news.closeUnsafe()
    const found = yield* Effect.catch(claim, (error) => Effect.as(warn(error), 0))
    if (found > 0) return
    yield* Effect.race(Latch.await(news), Effect.sleep(settings.pollInterval))
  })

  /** Says that this worker lives. Whose claim is lost is stopped: another worker makes the same attempt. */
  const holding = Effect.gen(function* () {
    yield* Effect.sleep(settings.lease / 3)
    const all = [...running.values()]
    const now = yield* Clock.currentTimeMillis
    const held = new Set(
      yield* store.hold(
        all.map((one) => one.claim),
        now + settings.lease
      )
    )
    for (const { claim: one, fiber } of all) {
      if (held.has(one.id) || running.get(one.row)?.claim !== one) continue
      running.delete(one.row)
      yield* Effect.forkScoped(Fiber.interrupt(fiber))
    }
  }).pipe(Effect.catch(warn))

  /** The one number that says whether a queue is well: whatever else is wrong, something that is due is not run. */
  const measuring = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const oldest = yield* store.oldestDue(queue.name, now)
    yield* Metric.update(late, oldest === undefined ? 0 : (now - oldest) / 1000)
  }).pipe(Effect.catch(warn), Effect.andThen(Effect.sleep("15 seconds")))

  const sweeping = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    yield* store.sweep({ done: now - settings.keepDone, failed: now - settings.keepFailed })
  }).pipe(Effect.catch(warn), Effect.andThen(Effect.sleep("1 hour")))

  for (const loop of [looking, holding, measuring, sweeping]) yield* Effect.forkScoped(Effect.forever(loop))
})
