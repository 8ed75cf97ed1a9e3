import type { Breadcrumb } from "@sentry/core"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import type * as Fiber from "effect/Fiber"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"

/** No failure has a longer history. */
const most = 30

/** Fingerprints whose last history is kept, for a failure that is reported by another fiber than the one that made the call. */
const mostKept = 100

/** What the retry engine did in each fiber, until a failure is reported. */
export interface Crumbs {
  readonly observer: Observer.Observer
  /** What led to a failure, oldest first. */
  readonly of: (fiber: Fiber.Fiber<unknown, unknown>, report: Report.Report) => ReadonlyArray<Breadcrumb>
}

export const make = (): Crumbs => {
  const byFiber = new WeakMap<Fiber.Fiber<unknown, unknown>, ReadonlyArray<Breadcrumb>>()
  const byFingerprint = new Map<string, ReadonlyArray<Breadcrumb>>()
  return {
    observer: (event, fiber) => {
      const now = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()
      const crumbs = [...(byFiber.get(fiber) ?? []), crumbOf(event, now)].slice(-most)
      byFiber.set(fiber, crumbs)
      if (event._tag !== "GaveUp") return
      const { fingerprint } = Report.make(event.error)
      byFingerprint.delete(fingerprint)
      byFingerprint.set(fingerprint, crumbs)
      const [oldest] = byFingerprint.keys()
      if (byFingerprint.size > mostKept && oldest !== undefined) byFingerprint.delete(oldest)
    },
    of: (fiber, { fingerprint }) => byFiber.get(fiber) ?? byFingerprint.get(fingerprint) ?? []
  }
}

const crumbOf = (event: Observer.Event, now: number): Breadcrumb => {
  const message = "error" in event ? Report.make(event.error).message : undefined
  return {
    category: "retry",
    type: "default",
    level: event._tag === "GaveUp" || event._tag === "BreakerOpened" ? "warning" : "info",
    timestamp: now / 1000,
    message: message === undefined ? event._tag : `${event._tag}: ${message}`,
    data: {
      call: event.name,
      ...("attempt" in event && { attempt: event.attempt }),
      ...("delay" in event && { delay_ms: Duration.toMillis(event.delay) }),
      ...("because" in event && { because: event.because }),
      ...("key" in event && { key: event.key })
    }
  }
}
