import type { Breadcrumb } from "@sentry/core"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import type * as Fiber from "effect/Fiber"
import * as Observer from "@redrive/core/Observer"
import * as Plain from "@redrive/core/Plain"
import * as Report from "@redrive/core/Report"

/** No failure has a longer history, and no fiber more calls that are under way. */
const most = { crumbs: 30, calls: 20 }

type AnyFiber = Fiber.Fiber<unknown, unknown>
type History = ReadonlyArray<Breadcrumb>

/** What the retry engine did for each call that is under way, and for each failure that one ended with. */
export interface Crumbs {
  readonly observer: Observer.Observer
  /** What led to a failure, oldest first; it is told once. */
  readonly take: (failure: unknown, fiber: AnyFiber) => History
}

export const make = (): Crumbs => {
  const calls = new WeakMap<AnyFiber, Map<string, History>>()
  const ended = endedCalls()

  const callsOf = (fiber: AnyFiber): Map<string, History> => {
    const known = calls.get(fiber)
    if (known !== undefined) return known
    const made = new Map<string, History>()
    calls.set(fiber, made)
    return made
  }

  /** A call that begins anew has no history, but the one of its failure, if a call within it ended with that. */
  const before = (event: Observer.Event, own: History, fiber: AnyFiber): History => {
    const past = event._tag === "AttemptFailed" && event.attempt === 1 ? [] : own
    return "error" in event ? [...ended.take(event.error, fiber), ...past] : past
  }

  return {
    observer: (event, fiber) => {
      const under = callsOf(fiber)
      const own = under.get(event.name) ?? []
      under.delete(event.name)
      if (event._tag === "Recovered") return
      if (event._tag === "FellBack") return void ended.take(event.error, fiber)
      const history = [...before(event, own, fiber), crumbOf(event, fiber)].slice(-most.crumbs)
      if (event._tag === "GaveUp") return ended.add(event.error, fiber, history)
      under.set(event.name, history)
      const [oldest] = under.keys()
      if (under.size > most.calls && oldest !== undefined) under.delete(oldest)
    },
    take: ended.take
  }
}

/** Histories by the failure that they ended with, for as long as it lives; one that is no object is its fiber's last. */
const endedCalls = () => {
  const ended = new WeakMap<object, { readonly error: unknown; readonly history: History }>()
  return {
    add: (error: unknown, fiber: AnyFiber, history: History) => {
      ended.set(isObject(error) ? error : fiber, { error, history })
    },
    take: (failure: unknown, fiber: AnyFiber): History => {
      for (const value of within(failure)) {
        const key = isObject(value) ? value : fiber
        const found = ended.get(key)
        if (found === undefined || !Object.is(found.error, value)) continue
        ended.delete(key)
        return found.history
      }
      return []
    }
  }
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

/** Where wrappers keep what they wrap. */
const wraps = ["failure", "cause", "reason", "error"]

/** A failure and what it wraps, outermost first, to a few levels. */
const within = (failure: unknown): ReadonlyArray<unknown> => {
  const found: Array<unknown> = [failure]
  for (let index = 0; index < found.length && found.length < 32; index++) {
    const value = found[index]
    if (isObject(value)) found.push(...wraps.map((name) => read(value, name)).filter((inner) => inner !== undefined))
  }
  return found
}

/** A property of a foreign value, whose getters may throw. */
const read = (value: object, name: string): unknown => {
  try {
    return Reflect.get(value, name)
  } catch {
    return undefined
  }
}

const crumbOf = (event: Observer.Event, fiber: AnyFiber): Breadcrumb => {
  const options = { secrets: fiber.getRef(Report.Secrets) }
  const message = "error" in event ? Report.make(event.error, options).message : undefined
  return {
    category: "retry",
    type: "default",
    level: event._tag === "GaveUp" || event._tag === "BreakerOpened" ? "warning" : "info",
    timestamp: fiber.getRef(Clock.Clock).currentTimeMillisUnsafe() / 1000,
    message: message === undefined ? event._tag : `${event._tag}: ${message}`,
    data: {
      call: Plain.text(event.name, options),
      ...("attempt" in event && { attempt: event.attempt }),
      ...("delay" in event && { delay_ms: Duration.toMillis(event.delay) }),
      ...("because" in event && { because: event.because }),
      ...("key" in event && { key: Plain.text(event.key, options) })
    }
  }
}
