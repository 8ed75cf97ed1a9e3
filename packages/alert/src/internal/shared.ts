import * as Observer from "@redrive/core/Observer"
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type * as Incident from "../Incident.ts"
import type * as Outbox from "../Outbox.ts"
import type * as Desk from "./desk.ts"
import type * as Engine from "./engine.ts"
import * as Heard from "./heard.ts"

/** One alerter of several: it has a desk while it holds the outbox, and otherwise passes on what it hears. */
export interface Shared<R> extends Engine.Ear {
  readonly desk: () => Desk.Desk<R> | undefined
  readonly close: Effect.Effect<number, never, R>
}

/** After so many intervals without an answer of the outbox people are told all the same. */
const patience = 10

/** The part of a ledger that is needed. */
interface Ledger {
  readonly notKept: (cause: Cause.Cause<unknown>) => void
}

export const make = Effect.fnUntraced(function* <R>(
  share: Outbox.Share,
  open: (onTakenOver: () => void) => Effect.Effect<Desk.Desk<R>, never, R>,
  keysOf: Parameters<typeof Heard.pile>[0],
  ledger: Ledger
): Effect.fn.Return<Shared<R>, never, R | Scope.Scope> {
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  const pile = Heard.pile(keysOf)
  const expected = new Map<string, () => void>()
  let desk: Desk.Desk<R> | undefined
  let isTakenOver = false
  let silent = 0
  let lost = 0

  /** The success of calls is told only where it is expected, so it is expected wherever it may happen. */
  const expect = (calls: ReadonlyArray<Incident.CallOf>) => {
    const wanted = new Map(calls.map((call) => [`${call.name}\n${call.key}`, call]))
    for (const [id, stop] of expected) {
      if (wanted.has(id)) continue
      stop()
      expected.delete(id)
    }
    for (const [id, { key, name }] of wanted) if (!expected.has(id)) expected.set(id, Observer.expectSuccess(name, key))
  }

  /** Takes the desk. What was passed on before is older than what this process has heard since. */
  const begin = Effect.fnUntraced(function* (passedOn: Effect.Effect<ReadonlyArray<Outbox.PassedOn>>) {
    isTakenOver = false
    const opened = yield* open(() => {
      isTakenOver = true
    })
    const before = yield* passedOn
    expect([])
    for (const one of before) opened.hear(one)
    for (const heard of pile.take()) Heard.tell(heard, opened, now())
    desk = opened
  })

  /** Gives up the desk. What people were told of goes on at the process that holds the outbox. */
  const end = Effect.suspend(() => {
    const before = desk
    if (before === undefined) return Effect.void
    desk = undefined
    return Effect.map(before.giveUp, (left) => {
      lost += left.lost
      for (const { incident, isTold, route } of left.incidents) {
        if (isTold) pile.told(route, incident)
        else pile.again(incident)
      }
    })
  })

  const passOn = Effect.suspend(() => {
    const heard = pile.take()
    lost += pile.dropped()
    if (heard.length === 0) return Effect.void
    return Effect.onError(share.passOn(Heard.encode(heard)), () => Effect.sync(() => pile.back(heard)))
  })

  const turn = Effect.gen(function* () {
    const held = yield* share.hold(desk?.calls() ?? [])
    silent = 0
    if (desk !== undefined && (!held.isHeld || isTakenOver)) yield* end
    // What cannot be read now is read at the next turn.
    if (held.isHeld && desk === undefined) yield* begin(Effect.catchCause(share.passedOn, () => Effect.succeed([])))
    if (desk !== undefined) {
      for (const one of yield* share.passedOn) desk?.hear(one)
      return
    }
    expect(held.calls)
    yield* passOn
  }).pipe(
    Effect.catchCause((cause) =>
      Effect.suspend(() => {
        ledger.notKept(cause)
        return desk === undefined && ++silent >= patience ? begin(Effect.succeed([])) : Effect.void
      })
    ),
    Effect.uninterruptible
  )

  yield* turn
  const turning = yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(share.interval), turn)))

  const ear = (): Engine.Ear => desk ?? pile
  return {
    failed: (report, at) => ear().failed(report, at),
    worked: (call, at) => ear().worked(call, at),
    retrying: (report, when, call, at) => ear().retrying(report, when, call, at),
    ended: (call, at) => ear().ended(call, at),
    desk: () => desk,
    close: Effect.gen(function* () {
      yield* Fiber.interrupt(turning)
      expect([])
      if (desk !== undefined) {
        const left = yield* desk.close
        lost += left
        if (!isTakenOver) {
          yield* Effect.ignoreCause(share.letGo)
          return lost + pile.dropped()
        }
        yield* end
      }
      yield* Effect.ignoreCause(passOn)
      return lost + pile.dropped() + pile.failures()
    })
  }
})
