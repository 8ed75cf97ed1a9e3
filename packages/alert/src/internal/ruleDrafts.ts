import type * as Duration from "effect/Duration"
import type { Name } from "../PrometheusRules.ts"
import type { Expressions } from "./promql.ts"

/** A rule before an option changes it. */
export interface Draft {
  readonly name: Name
  /** What is compared with the threshold. */
  readonly value: string
  /** Undefined for a rule that compares with nothing. */
  readonly above: number | undefined
  readonly for: Duration.Input
  readonly severity: string
  readonly labels?: { readonly [label: string]: string }
  readonly annotations: { readonly [name: string]: string }
}

/** The number of events that a rule found. */
export const count = `{{ $value | printf "%.0f" }}`

/** Whether Prometheus reads metrics at all. That a target is missing can be said of a `job` only. */
export const targets = ({ series }: Expressions, job: string | undefined): ReadonlyArray<Draft> => [
  {
    name: "RedriveTargetDown",
    value: `${series("up")} == 0`,
    above: undefined,
    for: "5 minutes",
    severity: "critical",
    annotations: {
      summary: "{{ $labels.job }} at {{ $labels.instance }} does not answer",
      description:
        "Prometheus cannot read its metrics, so no other rule can fire for it. Look whether the process runs."
    }
  },
  ...(job === undefined
    ? []
    : [
        {
          name: "RedriveTargetMissing" as const,
          value: `absent(${series("up")})`,
          above: undefined,
          for: "5 minutes" as const,
          severity: "critical",
          annotations: {
            summary: "{{ $labels.job }} is not scraped",
            description: "Prometheus knows no such target. Look at its scrape configuration and service discovery."
          }
        }
      ])
]

/** What becomes of calls. */
export const calls = ({ events, within }: Expressions): ReadonlyArray<Draft> => [
  {
    name: "RedriveCallsGivenUp",
    value: events(["call", "because"], "redrive_calls_given_up_total"),
    above: 10,
    for: 0,
    severity: "warning",
    annotations: {
      summary: `{{ $labels.call }} gave up ${count} calls ({{ $labels.because }})`,
      description: `Within ${within} more calls were given up than the rule allows. The table "Why it ended" of the policies' documentation says what to do about {{ $labels.because }}.`
    }
  },
  {
    name: "RedriveBudgetSpent",
    value: events(["call"], "redrive_calls_given_up_total", { because: "budget" }),
    above: 0,
    for: 0,
    severity: "warning",
    annotations: {
      summary: "{{ $labels.call }} has spent its retry budget",
      description: `Too many calls fail: ${count} were not retried within ${within}. Look at the other side. The budget refills by itself.`
    }
  },
  {
    name: "RedriveBreakerOpened",
    value: events(["call"], "redrive_breakers_opened_total"),
    above: 0,
    for: 0,
    severity: "warning",
    annotations: {
      summary: "{{ $labels.call }} opened a breaker",
      description: `A breaker opened ${count} times within ${within}. Look at the other side. A probe closes the breaker when it works again.`
    }
  },
  {
    name: "RedriveGateShut",
    value: events(["call"], "redrive_gates_shut_total"),
    above: 0,
    for: 0,
    severity: "critical",
    annotations: {
      summary: "{{ $labels.call }} waits for somebody to act",
      description: "A gate is shut: its calls wait. Do what their failure names, such as a top-up, then resume the key."
    }
  }
]

/** Whether people are told of failures. */
export const alerts = ({ events, series, within }: Expressions): ReadonlyArray<Draft> => [
  {
    name: "RedriveSinkDown",
    value: `max by (job, sink) (${series("redrive_alert_sink_down")})`,
    above: 0,
    for: "5 minutes",
    severity: "critical",
    annotations: {
      summary: "{{ $labels.sink }} takes no alerts",
      description:
        "The sink is down, so its alerts wait or go to its fallback. Check its URL and its credentials; the log says what it answered."
    }
  },
  {
    name: "RedriveAlertsLate",
    value: `max by (job, sink) (${series("redrive_alert_outbox_age_seconds")})`,
    above: 300,
    for: 0,
    severity: "critical",
    annotations: {
      summary: `An alert has waited for {{ $labels.sink }} for {{ $value | humanizeDuration }}`,
      description: "People are told late. The sink is slow, busy or down; the log says what it answered."
    }
  },
  {
    name: "RedriveAlertsRefused",
    value: events(["sink"], "redrive_alerts_refused_total"),
    above: 0,
    for: 0,
    severity: "critical",
    annotations: {
      summary: `{{ $labels.sink }} refused ${count} alerts for good`,
      description: "Nobody was told of these through this sink. The log names the incidents and what the sink answered."
    }
  },
  {
    name: "RedriveAlertAttemptsFailed",
    value: events(["sink"], "redrive_alert_attempts_failed_total"),
    above: 10,
    for: 0,
    severity: "warning",
    annotations: {
      summary: `${count} attempts to send alerts to {{ $labels.sink }} failed`,
      description: `That is within ${within}. They are made again. The log says what the sink answered.`
    }
  },
  {
    name: "RedriveAlertsUnsure",
    value: events(["sink"], "redrive_alerts_unsure_total"),
    above: 0,
    for: 0,
    severity: "warning",
    annotations: {
      summary: `${count} alerts may not have reached {{ $labels.sink }}`,
      description: "Their answers were lost, and the sink prefers a loss to a repeat. Look at what it shows."
    }
  },
  {
    name: "RedriveFailuresSuppressed",
    value: events(["reason"], "redrive_alerts_suppressed_total"),
    above: 1000,
    for: 0,
    severity: "info",
    annotations: {
      summary: `Nobody was told of ${count} failures ({{ $labels.reason }})`,
      description: `That is within ${within}. Look whether the routes, silences and inhibitions mean it. A journal explains each.`
    }
  }
]
