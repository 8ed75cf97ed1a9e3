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

/** Opens a desk, which calls back when another process has taken the outbox. */
type Open<R> = (onTakenOver: () => void) => Effect.Effect<Desk.Desk<R>, never, R>

/** The part of a ledger that is needed. */
interface Ledger {
  readonly notKept: (cause: Cause.Cause<unknown>) => void
}

export const make = Effect.fnUntraced(function* <R>(
  share: Outbox.Share,
  open: Open<R>,
  keysOf: Parameters<typeof Heard.pile>[0],
  ledger: Ledger
): Effect.fn.Return<Shared<R>, never, R | Scope.Scope> {
  const pile = Heard.pile(keysOf)
  const tenure = tenureOf(open, pile, yield* Clock.Clock)
  const expect = expecting()
  /** How many failures nobody hears of. */
  let lost = 0

  const begin = Effect.fnUntraced(function* (passedOn: Effect.Effect<ReadonlyArray<Outbox.PassedOn>>) {
    yield* tenure.begin(passedOn)
    expect([])
  })

  const end = Effect.map(tenure.end, (count) => {
    lost += count
  })

  const passOn = Effect.suspend(() => {
    const heard = pile.take()
    lost += pile.dropped()
    if (heard.length === 0) return Effect.void
    return Effect.onError(share.passOn(Heard.encode(heard)), () => Effect.sync(() => pile.back(heard)))
  })

  /** How many turns in a row had no answer of the outbox. */
  let silent = 0
  const turn = Effect.gen(function* () {
    const held = yield* share.hold(tenure.desk()?.calls() ?? [])
    silent = 0
    if (!held.isHeld || tenure.isTakenOver()) yield* end
    // What cannot be read now is read at the next turn.
    if (held.isHeld && tenure.desk() === undefined)
      yield* begin(Effect.catchCause(share.passedOn, () => Effect.succeed([])))
    if (tenure.desk() !== undefined) {
      for (const one of yield* share.passedOn) tenure.desk()?.hear(one)
      return
    }
    expect(held.calls)
    yield* passOn
  }).pipe(
    Effect.catchCause((cause) =>
      Effect.suspend(() => {
        ledger.notKept(cause)
        return tenure.desk() === undefined && ++silent >= patience ? begin(Effect.succeed([])) : Effect.void
      })
    ),
    Effect.uninterruptible
  )

  yield* turn
  const turning = yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(share.interval), turn)))

  const ear = (): Engine.Ear => tenure.desk() ?? pile
  return {
    failed: (report, at) => ear().failed(report, at),
    worked: (call, at) => ear().worked(call, at),
    retrying: (report, when, call, at) => ear().retrying(report, when, call, at),
    ended: (call, at) => ear().ended(call, at),
    desk: tenure.desk,
    close: Effect.gen(function* () {
      yield* Fiber.interrupt(turning)
      expect([])
      const desk = tenure.desk()
      const left = yield* desk?.close ?? Effect.succeed(0)
      lost += left
      if (desk !== undefined && !tenure.isTakenOver()) {
        yield* Effect.ignoreCause(share.letGo)
        return lost + pile.dropped()
      }
      yield* end
      yield* Effect.ignoreCause(passOn)
      return lost + pile.dropped() + pile.failures()
    })
  }
})

/** The time in which this process holds the outbox: it has a desk then, and its pile before and after. */
interface Tenure<R> {
  readonly desk: () => Desk.Desk<R> | undefined
  /** Whether another process has taken the outbox since it began. */
  readonly isTakenOver: () => boolean
  /** Takes the desk. What was passed on before is older than what this process has heard since. */
  readonly begin: (passedOn: Effect.Effect<ReadonlyArray<Outbox.PassedOn>>) => Effect.Effect<void, never, R>
  /**
   * Gives up the desk, if there is one: the process that holds the outbox goes on with what people were told of. Gives
   * how many failures are lost.
   */
  readonly end: Effect.Effect<number>
}

const tenureOf = <R>(open: Open<R>, pile: Heard.Pile, clock: Clock.Clock): Tenure<R> => {
  let desk: Desk.Desk<R> | undefined
  let isTakenOver = false

  return {
    desk: () => desk,
    isTakenOver: () => isTakenOver,
    begin: Effect.fnUntraced(function* (passedOn: Effect.Effect<ReadonlyArray<Outbox.PassedOn>>) {
      isTakenOver = false
      const opened = yield* open(() => {
        isTakenOver = true
      })
      for (const one of yield* passedOn) opened.hear(one)
      for (const heard of pile.take()) Heard.tell(heard, opened, clock.currentTimeMillisUnsafe())
      desk = opened
    }),
    end: Effect.suspend(() => {
      const before = desk
      if (before === undefined) return Effect.succeed(0)
      desk = undefined
      return Effect.map(before.giveUp, ({ incidents, lost }) => {
        for (const { incident, isTold, route } of incidents) {
          if (isTold) pile.told(route, incident)
          else pile.again(incident)
        }
        return lost
      })
    })
  }
}

/** Expects the success of these calls only. Success is told only where it is expected: wherever it may happen. */
const expecting = () => {
  const expected = new Map<string, () => void>()
  return (calls: ReadonlyArray<Incident.CallOf>): void => {
    const wanted = new Map(calls.map((call) => [`${call.name}\n${call.key}`, call]))
    for (const [id, stop] of expected) {
      if (wanted.has(id)) continue
      stop()
      expected.delete(id)
    }
    for (const [id, { key, name }] of wanted) if (!expected.has(id)) expected.set(id, Observer.expectSuccess(name, key))
  }
}
