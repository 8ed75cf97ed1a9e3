import type * as LogLevel from "effect/LogLevel"
import * as Duration from "effect/Duration"
import type * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import type { Subject } from "./emit.ts"

/** The level of each event's line. A gate that shuts or opens affects all calls of its key, so people should know. */
export const levels = {
  AttemptFailed: "Trace",
  RetryScheduled: "Debug",
  Recovered: "Info",
  Succeeded: "Trace",
  GaveUp: "Debug",
  FellBack: "Warn",
  Redriven: "Info",
  BreakerOpened: "Warn",
  BreakerClosed: "Info",
  Parked: "Warn",
  Resumed: "Info"
} as const satisfies { readonly [Tag in Observer.Event["_tag"]]: LogLevel.Severity }

/** The log line of an event. */
interface Line {
  readonly message: string
  readonly fields: { readonly [name: string]: unknown }
  readonly subject?: Subject
}

export const ofEvent = (event: Observer.Event, options: Report.Options): Line => {
  switch (event._tag) {
    case "AttemptFailed":
    case "RetryScheduled":
    case "Recovered":
    case "Succeeded":
    case "GaveUp":
    case "FellBack":
    case "Redriven":
      return ofCall(event, options)
    case "BreakerOpened":
    case "BreakerClosed":
    case "Parked":
    case "Resumed":
      return ofGate(event, options)
  }
}

const ofCall = (event: Extract<Observer.Event, Observer.CallEvent>, options: Report.Options): Line => {
  const { attempt, key, name } = event
  const call = key === undefined ? { call: name } : { call: name, key }
  switch (event._tag) {
    case "AttemptFailed": {
      const { code, fingerprint, message } = Report.make(event.error, options)
      const fields = { ...call, attempt, code, verdict: Verdict.format(event.verdict), fingerprint }
      return {
        message: `attempt ${attempt} failed after ${wait(event.duration)}: ${message}`,
        fields: { ...fields, duration_ms: Duration.toMillis(event.duration) }
      }
    }
    case "RetryScheduled": {
      const { code, fingerprint, message } = Report.make(event.error, options)
      const fields = { ...call, attempt, code, verdict: Verdict.format(event.verdict), fingerprint }
      return {
        message: `attempt ${attempt} failed, again in ${wait(event.delay)}: ${message}`,
        fields: { ...fields, delay_ms: Duration.toMillis(event.delay) }
      }
    }
    case "Recovered":
      return { message: `${name} succeeded on attempt ${attempt}`, fields: { ...call, attempt } }
    case "Succeeded":
      return { message: `${name} succeeded`, fields: { ...call, attempt } }
    case "GaveUp": {
      const report = Report.make(event.error, options)
      const when = attempt === 0 ? "before the first attempt" : `after attempt ${attempt}`
      return {
        message: `gave up ${when} (${event.because}): ${report.message}`,
        fields: ofEnd(event, report)
      }
    }
    case "FellBack": {
      const report = Report.make(event.error, options)
      return {
        message: `${name} fell back (${event.because}): ${report.message}`,
        fields: ofEnd(event, report),
        subject: subjectOf(event, report)
      }
    }
    case "Redriven":
      return {
        message: `round ${attempt}: ${event.items} again in ${wait(event.delay)}`,
        fields: { ...call, round: attempt, items: event.items, delay_ms: Duration.toMillis(event.delay) }
      }
  }
}

/** The fields of a line about the end of a call. The engine's own failures know the key of the call, too. */
export const ofEnd = (
  { attempt, because, name }: Observer.GaveUp | Observer.FellBack,
  { attributes: { key }, code, engine, fingerprint }: Report.Report
): Line["fields"] => ({
  call: name,
  ...(engine === undefined || key === undefined ? {} : { key }),
  attempt,
  because,
  code,
  fingerprint
})

/** The subject of a line about the end of a call: lines of the same kind, call, reason and failure are one class. */
export const subjectOf = (
  { _tag, attempt, because, name }: Observer.GaveUp | Observer.FellBack,
  { engine, fingerprint }: Report.Report
): Subject => ({
  class: [_tag, name, because, fingerprint].join("\n"),
  mayStorm: attempt === 0 || engine === "refused"
})

const ofGate = (event: Exclude<Observer.Event, Observer.CallEvent>, options: Report.Options): Line => {
  const { key, name } = event
  const fields = { call: name, ...(key === "" ? {} : { key }) }
  // Calls without a key share the empty key.
  const [ofKey, one] = key === "" ? ["", name] : [` of ${key}`, `${name}: ${key}`]
  switch (event._tag) {
    case "BreakerOpened":
      return {
        message: `${name}: breaker${ofKey} opened for ${wait(event.delay)}`,
        fields: { ...fields, delay_ms: Duration.toMillis(event.delay) }
      }
    case "BreakerClosed":
      return { message: `${name}: breaker${ofKey} closed`, fields }
    case "Parked": {
      const { code, fingerprint, message } = Report.make(event.error, options)
      return {
        message: `${one} parked until ${event.until}: ${message}`,
        fields: { ...fields, until: event.until, code, fingerprint }
      }
    }
    case "Resumed":
      return { message: `${one} resumed`, fields }
  }
}

/** Jitter gives waits many decimals; a line needs whole milliseconds. */
const wait = (delay: Duration.Duration): string =>
  Duration.format(Duration.millis(Math.round(Duration.toMillis(delay))))
