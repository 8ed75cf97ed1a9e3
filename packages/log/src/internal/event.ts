import type * as LogLevel from "effect/LogLevel"
import * as Duration from "effect/Duration"
import type * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"

/** What an event is logged as. */
interface Line {
  readonly level: LogLevel.Severity
  readonly message: string
  readonly fields: { readonly [name: string]: unknown }
}

export const ofEvent = (event: Observer.Event, options: Report.Options): Line => {
  switch (event._tag) {
    case "AttemptFailed":
    case "RetryScheduled":
    case "Recovered":
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

const ofCall = (event: Extract<Observer.Event, Observer.Attempt>, options: Report.Options): Line => {
  const { attempt, name } = event
  switch (event._tag) {
    case "AttemptFailed": {
      const { code, fingerprint, message } = Report.make(event.error, options)
      const fields = { call: name, attempt, code, verdict: Verdict.format(event.verdict), fingerprint }
      return {
        level: "Trace",
        message: `attempt ${attempt} failed after ${wait(event.duration)}: ${message}`,
        fields: { ...fields, duration_ms: Duration.toMillis(event.duration) }
      }
    }
    case "RetryScheduled": {
      const { code, fingerprint, message } = Report.make(event.error, options)
      const fields = { call: name, attempt, code, verdict: Verdict.format(event.verdict), fingerprint }
      return {
        level: "Debug",
        message: `attempt ${attempt} failed, again in ${wait(event.delay)}: ${message}`,
        fields: { ...fields, delay_ms: Duration.toMillis(event.delay) }
      }
    }
    case "Recovered":
      return { level: "Info", message: `${name} succeeded on attempt ${attempt}`, fields: { call: name, attempt } }
    case "GaveUp": {
      const { code, fingerprint, message } = Report.make(event.error, options)
      return {
        level: "Debug",
        message: `gave up after attempt ${attempt} (${event.because}): ${message}`,
        fields: { call: name, attempt, because: event.because, code, fingerprint }
      }
    }
    case "FellBack": {
      const { code, fingerprint, message } = Report.make(event.error, options)
      return {
        level: "Warn",
        message: `${name} fell back (${event.because}): ${message}`,
        fields: { call: name, attempt, because: event.because, code, fingerprint }
      }
    }
    case "Redriven":
      return {
        level: "Info",
        message: `round ${attempt}: ${event.items} again in ${wait(event.delay)}`,
        fields: { call: name, round: attempt, items: event.items, delay_ms: Duration.toMillis(event.delay) }
      }
  }
}

/** A gate shuts or opens for everybody who calls the same thing: people want to know. */
const ofGate = (event: Exclude<Observer.Event, Observer.Attempt>, options: Report.Options): Line => {
  const { key, name } = event
  const fields = { call: name, key }
  switch (event._tag) {
    case "BreakerOpened":
      return {
        level: "Warn",
        message: `${name}: breaker of ${key} opened for ${wait(event.delay)}`,
        fields: { ...fields, delay_ms: Duration.toMillis(event.delay) }
      }
    case "BreakerClosed":
      return { level: "Info", message: `${name}: breaker of ${key} closed`, fields }
    case "Parked": {
      const { code, fingerprint, message } = Report.make(event.error, options)
      return {
        level: "Warn",
        message: `${name}: ${key} parked until ${event.until}: ${message}`,
        fields: { ...fields, until: event.until, code, fingerprint }
      }
    }
    case "Resumed":
      return { level: "Info", message: `${name}: ${key} resumed`, fields }
  }
}

/** Jitter makes waits of many digits; a line needs milliseconds. */
const wait = (delay: Duration.Duration): string =>
  Duration.format(Duration.millis(Math.round(Duration.toMillis(delay))))
