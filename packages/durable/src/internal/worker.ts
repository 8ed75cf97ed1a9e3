import * as Observer from "@redrive/core/Observer"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Metric from "effect/Metric"
import type * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import { randomUUID } from "node:crypto"
import type { Queue } from "../Queue.ts"
import { type Claim, type Claimed, type End, Store, StoreError, type Settled } from "../Store.ts"
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
  /**
   * For side effects that must not happen twice: the same when this attempt is made again because its process was lost, and another one after each
   * failure, also after one that only parked the task.
   */
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

/** The most characters of results that a turn records: a statement has little time. One result may have more. */
const mostText = 8_000_000

/** How many of these ends, from the first one on, are recorded together. */
const together = (ends: ReadonlyArray<End>): number => {
  let text = 0
  const isTooMuch = ({ what }: End, at: number) => {
    text += what._tag === "Done" ? what.result.length : 0
    return at > 0 && text > mostText
  }
  const first = ends.findIndex(isTooMuch)
  return first === -1 ? ends.length : first
}

/** A store that is away for a while stops nothing: what could not be done is done again. */
const warn = ({ cause, message }: StoreError) => Effect.logWarning(message, cause)

/** A defect is a bug, and no reason to leave tasks alone. */
const surviving = <E extends StoreError, R>(effect: Effect.Effect<unknown, E, R>): Effect.Effect<void, never, R> =>
  Effect.catchCause(Effect.asVoid(effect), (cause) => {
    const error = Cause.squash(cause)
    return error instanceof StoreError ? warn(error) : Effect.logError("a worker met a defect, and goes on", cause)
  })

/** A task that runs. */
interface Running {
  readonly claim: Claimed
  readonly fiber: Fiber.Fiber<void>
}

/** An end that is to be recorded. */
interface Ending extends End {
  /** Whether the claim was still held. */
  readonly held: Deferred.Deferred<boolean, StoreError>
}

const attemptOf = ({ attempts, calls, generation, id, row }: Claimed): Attempt => ({
  id,
  number: attempts + 1,
  generation,
  idempotencyKey: `${row}-${generation}-${calls + 1}`
})

/** A worker that is built within a transaction must not go on in it: its end would be the worker's. */
export const run = <P, A, E, R>(
  queue: Queue<P, A>,
  handler: Handler<P, A, E, R>,
  settings: Settings
): Effect.Effect<void, never, Store | R | Scope.Scope> =>
  Effect.flatMap(Store, (store) => store.outside(work(store, queue, handler, settings)))

const work = Effect.fnUntraced(function* <P, A, E, R>(
  store: Store["Service"],
  queue: Queue<P, A>,
  handler: Handler<P, A, E, R>,
  settings: Settings
): Effect.fn.Return<void, never, R | Scope.Scope> {
  const self = randomUUID()
  const tasks = new Map<string, Running>()
  const isHeld = (claim: Claimed) => tasks.get(claim.row)?.claim === claim
  let isEnding = false
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
  /** The claims whose answer has not come, and when their lease is over: the database may have carried them out. */
  const unanswered = new Map<string, number>()
  /** All claims are held at least until then. */
  let heldUntil = (yield* Clock.currentTimeMillis) + settings.lease

  /** What a store does not take is tried again as long as the claim lasts: the work is done. */
  const persist = <X>(claim: Claimed, statement: Effect.Effect<X, StoreError>, lost: X): Effect.Effect<X> =>
    Effect.catch(statement, (error) =>
      isHeld(claim) && !isEnding
        ? Effect.andThen(
            Effect.andThen(warn(error), Effect.exit(Effect.interruptible(Effect.sleep(settings.pollInterval)))),
            Effect.suspend(() => persist(claim, statement, lost))
          )
        : Effect.as(warn(error), lost)
    )

  /** The ends that the next turn takes along. */
  const ends: Array<Ending> = []

  const settle = (claim: Claimed, what: Settled): Effect.Effect<boolean> => {
    let isFirst = true
    const once: Effect.Effect<boolean, StoreError> = Effect.suspend(() => {
      const ending: Ending = { claim, what, held: Deferred.makeUnsafe() }
      // What fails among others is tried again alone, since only one of them may be at fault.
      const isAlone = isEnding || !isFirst
      isFirst = false
      if (isAlone) return Effect.andThen(turn([ending]), Deferred.await(ending.held))
      ends.push(ending)
      news.openUnsafe()
      // A worker that ends has no later for it.
      return Effect.catch(Deferred.await(ending.held), (error) => (isEnding ? once : Effect.fail(error)))
    })
    return persist(claim, once, false)
  }

  /** Asks the store for a turn, and tells those who wait for their ends. Gives nothing if it failed, and they know. */
  const turn = Effect.fnUntraced(function* (
    ending: ReadonlyArray<Ending>,
    claim?: Claim
  ): Effect.fn.Return<ReadonlyArray<Claimed> | undefined, StoreError> {
    const now = yield* Clock.currentTimeMillis
    const exit = yield* Effect.exit(store.turn({ ends: ending, claim, now }))
    if (Exit.isFailure(exit)) {
      // The worker ends, and says so again by itself.
      if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.failCause(exit.cause)
      for (const { held } of ending) Deferred.doneUnsafe(held, Exit.failCause(exit.cause))
      return ending.length > 0 ? undefined : yield* Effect.failCause(exit.cause)
    }
    ending.forEach(({ claim, held }, at) => {
      const isDone = exit.value.held[at] ?? false
      if (isDone && isHeld(claim)) tasks.delete(claim.row)
      Deferred.doneUnsafe(held, Effect.succeed(isDone))
    })
    return exit.value.claimed
  })

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
      Effect.interruptible(
        Judgement.bounded(
          policy.value,
          Effect.suspend(() => handler(payload.value, attemptOf(claim)))
        )
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
    const isInterrupted = Cause.hasInterruptsOnly(exit.cause)
    // The worker ends, or the claim is lost: the attempt does not count.
    if (isInterrupted && (isEnding || !isHeld(claim))) return
    // Whatever else interrupts a handler is its failure: without a wait and a count, it would be called again without an end.
    const error = isInterrupted ? Judgement.interrupted : Cause.squash(exit.cause)
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
    if (judged._tag === "GiveUp")
      return yield* giveUp(claim, judged.because, error, isInterrupted ? Cause.fail(error) : exit.cause)
    if (judged.gate !== undefined) {
      const { gate, until, why } = judged.gate
      // Before the task waits again: a task that is parked is due at once, once its gate is open.
      yield* persist(claim, store.shut({ gate, until, why, by: "policy", at: now }), undefined)
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

  const scope = yield* Effect.scope
  yield* store.register(self)
  // At the end, in this order: nothing more is claimed, tasks are interrupted, and only then are claims no longer held, and given back.
  yield* Effect.addFinalizer(() => {
    const left = new Set([...unanswered.keys(), ...[...tasks.values()].map(({ claim }) => claim.claim)])
    return Effect.catch(release([...left]), (error) =>
      Effect.logWarning(`${error.message}: tasks that ran come back when their lease is over`, error.cause)
    )
  })

  const release = (tokens: ReadonlyArray<string>) =>
    tokens.length === 0
      ? Effect.void
      : Effect.flatMap(Clock.currentTimeMillis, (now) => store.release(queue.name, tokens, now))

  /** Says that this worker lives. Whose claim is lost is stopped: another worker makes the same attempt. */
  const hold = Effect.gen(function* () {
    const all = [...tasks.values()]
    const now = yield* Clock.currentTimeMillis
    const held = new Set(
      yield* store.hold(
        all.map((one) => one.claim),
        now + settings.lease
      )
    )
    heldUntil = now + settings.lease
    for (const { claim, fiber } of all) {
      if (held.has(claim.id) || !isHeld(claim)) continue
      tasks.delete(claim.row)
      yield* Effect.forkIn(Fiber.interrupt(fiber), scope)
    }
  })
  const takeOver = Effect.flatMap(Clock.currentTimeMillis, store.takeOver)
  yield* surviving(takeOver)
  yield* Effect.forkScoped(
    Effect.forever(Effect.andThen(Effect.sleep(settings.lease / 3), surviving(Effect.andThen(hold, takeOver))))
  )

  const attempts = yield* Scope.fork(scope, "parallel")
  // Nobody takes turns any more: what has just ended is recorded now, and what ends from now on by itself. This may wait for a handler's own
  // transaction, and the handlers are interrupted next.
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      isEnding = true
      return ends.length === 0 ? Effect.void : Effect.forkDetach(Effect.ignore(turn(ends)))
    })
  )

  /** Runs a claimed task. Only its handler can be interrupted. */
  const start = Effect.fnUntraced(function* (claim: Claimed) {
    const ended = Effect.sync(() => {
      if (isEnding) return
      if (isHeld(claim)) tasks.delete(claim.row)
      news.openUnsafe()
    })
    const fiber = yield* Effect.forkIn(Effect.ensuring(surviving(attempt(claim)), ended), attempts, {
      uninterruptible: true
    })
    tasks.set(claim.row, { claim, fiber })
  })

  /** What a worker wants next, if it has room; ends that come with it make room. */
  const wanted = Effect.fnUntraced(function* () {
    const ending = ends.slice(0, together(ends))
    const most = settings.concurrency - tasks.size + ending.filter(({ claim }) => isHeld(claim)).length
    if (most <= 0) return undefined
    const now = yield* Clock.currentTimeMillis
    // After the process stood still for longer than its lease, it would take its own tasks over.
    if (tasks.size > 0 && now >= heldUntil) yield* hold
    yield* release([...unanswered.keys()])
    for (const [token, until] of unanswered) if (until <= now) unanswered.delete(token)
    const token = `${self} ${claims++}`
    const until = now + settings.lease
    return { queue: queue.name, token, until, most }
  })

  /** One turn: what has ended since the last one, and what there is room for. Gives how many tasks it took. */
  const working = Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const claim = yield* Effect.catch(restore(wanted()), (error) =>
        // What has ended is recorded all the same, if it can be.
        ends.length === 0 ? Effect.fail(error) : Effect.as(warn(error), undefined)
      )
      const ending = ends.splice(0, together(ends))
      if (ends.length > 0) news.openUnsafe()
      if (claim === undefined && ending.length === 0) return 0
      if (claim !== undefined) unanswered.set(claim.token, claim.until)
      const found = yield* restore(turn(ending, claim)).pipe(
        Effect.onInterrupt(() => Effect.sync(() => ends.unshift(...ending)))
      )
      // The database may have carried it out all the same: the claim is given back at the next look.
      if (found === undefined) return 0
      for (const one of found) yield* start(one)
      if (claim !== undefined) unanswered.delete(claim.token)
      return found.length
    })
  )

  const looking = Effect.gen(function* () {
    news.closeUnsafe()
    let found = 0
    yield* surviving(Effect.tap(working, (count) => Effect.sync(() => (found = count))))
    if (found > 0) return
    yield* Effect.race(Latch.await(news), Effect.sleep(settings.pollInterval))
  })

  const seldom = Math.max(settings.pollInterval, 15_000)

  /** Nobody acted for a task in time. The failure itself is gone with its process; its code and its text are not. */
  const expiring = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    for (const { attempts, code, key, message } of yield* store.endParked(queue.name, now)) {
      const error = new Judgement.ParkedTooLong({ message: `nobody acted in time; it failed with ${code}: ${message}` })
      const about = { name: queue.name, key, because: "parked_too_long", attempts: attempts + 1 }
      yield* Observer.tell(() => ({ _tag: "GaveUp", ...about, attempt: about.attempts, error, call: about }))
      yield* ErrorReporter.report(Cause.fail(error))
    }
  }).pipe(surviving, Effect.andThen(Effect.sleep(seldom)))

  /** The one number that says whether a queue is well: whatever else is wrong, something that is due is not run. */
  const measuring = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const oldest = yield* store.oldestDue(queue.name, now)
    yield* Metric.update(late, oldest === undefined ? 0 : (now - oldest) / 1000)
  }).pipe(surviving, Effect.andThen(Effect.sleep(seldom)))

  const sweeping = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    yield* store.sweep({ queue: queue.name, done: now - settings.keepDone, failed: now - settings.keepFailed })
  }).pipe(surviving, Effect.andThen(Effect.sleep("1 hour")))

  for (const loop of [looking, expiring, measuring, sweeping]) yield* Effect.forkScoped(Effect.forever(loop))
})
