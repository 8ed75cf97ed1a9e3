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

export const ofEvent = (event: Observer.Event): Line => {
  const { attempt, name } = event
  switch (event._tag) {
    case "RetryScheduled": {
      const { code, fingerprint, message } = Report.make(event.error)
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
      const { code, fingerprint, message } = Report.make(event.error)
      return {
        level: "Debug",
        message: `gave up after attempt ${attempt} (${event.because}): ${message}`,
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

/** Jitter makes waits of many digits; a line needs milliseconds. */
const wait = (delay: Duration.Duration): string =>
  Duration.format(Duration.millis(Math.round(Duration.toMillis(delay))))
