/**
 * Alerting rules for Prometheus, from a catalogue and the metrics that the packages emit.
 *
 * A rule's annotations are its runbook: what happened, who acts, and whether a retry helps. The text is JSON, which is YAML too, so that
 * Prometheus reads it as a rule file.
 *
 * @since 0.1.0
 */
import * as Catalogue from "@redrive/core/Catalogue"
import * as Check from "@redrive/core/Check"
import * as Verdict from "@redrive/core/Verdict"
import * as Duration from "effect/Duration"
import type * as LogLevel from "effect/LogLevel"
import * as Predicate from "effect/Predicate"

/**
 * The names of the rules.
 *
 * @category models
 * @since 0.1.0
 */
export type Name =
  | "RedriveTargetDown"
  | "RedriveTargetMissing"
  | "RedriveCallsGivenUp"
  | "RedriveBudgetSpent"
  | "RedriveBreakerOpened"
  | "RedriveGateShut"
  | "RedriveSinkDown"
  | "RedriveAlertsLate"
  | "RedriveAlertsRefused"
  | "RedriveAlertAttemptsFailed"
  | "RedriveAlertsUnsure"
  | "RedriveFailuresSuppressed"
  | "RedriveFailures"

/**
 * How much is too much for a rule, for how long, and how bad that is.
 *
 * @category options
 * @since 0.1.0
 */
export interface Tuning {
  /** The rule fires above this number, of events within `window` or of seconds. Default: that of the rule. */
  readonly above?: number | undefined
  /** How long this must last before the rule fires. Default: that of the rule. */
  readonly for?: Duration.Input | undefined
  /** The label `severity`. Default: that of the rule. */
  readonly severity?: string | undefined
}

/**
 * Which rules to make, and for what.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The codes that get a rule each; needs `FailureMetrics.layer` in the program. Default: none. */
  readonly catalogue?: Catalogue.Catalogue | undefined
  /** Labels that a series must have, such as `{ job: "crawler" }`. Default: none. */
  readonly selector?: { readonly [label: string]: string } | undefined
  /** Labels that every alert gets, such as `{ team: "data" }`. Default: none. */
  readonly labels?: { readonly [label: string]: string } | undefined
  /** The page that `CatalogueDocs.markdown` writes: a rule about a code links to its heading. Default: no `runbook_url`. */
  readonly runbooks?: string | undefined
  /** The time over which events are counted, in whole seconds. Default: 10 minutes. */
  readonly window?: Duration.Input | undefined
  /** Changes of single rules. Default: none. */
  readonly rules?: { readonly [N in Name]?: Tuning | undefined } | undefined
  /** Rules that are not made. Default: none. */
  readonly without?: ReadonlyArray<Name> | undefined
}

/**
 * A rule as Prometheus reads it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  /** The name of the alert. */
  readonly alert: string
  /** The expression, in PromQL. */
  readonly expr: string
  /** How long the expression must hold, as Prometheus writes durations. */
  readonly for: string
  /** Labels that are added to those of the series. */
  readonly labels: { readonly [label: string]: string }
  /** Texts for people; `{{ $labels.call }}` stands for a label. */
  readonly annotations: { readonly [name: string]: string }
}

/**
 * A rule file.
 *
 * @category models
 * @since 0.1.0
 */
export interface Document {
  /** Groups of rules, evaluated together. */
  readonly groups: ReadonlyArray<{
    /** The name of the group. */
    readonly name: string
    /** Its rules. */
    readonly rules: ReadonlyArray<Rule>
  }>
}

const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/
const labelsRule = Check.where(
  "an object of label names and texts",
  (value) =>
    Predicate.isObject(value) &&
    Object.entries(value).every(([name, text]) => labelName.test(name) && typeof text === "string")
)

const tuning = Check.struct<Tuning>({
  above: Check.where("a number from 0", (value) => typeof value === "number" && value >= 0 && value < Infinity),
  for: Check.duration(),
  severity: Check.text
})

const tunings: Check.Rules<{ readonly [N in Name]?: Tuning }> = {
  RedriveTargetDown: tuning,
  RedriveTargetMissing: tuning,
  RedriveCallsGivenUp: tuning,
  RedriveBudgetSpent: tuning,
  RedriveBreakerOpened: tuning,
  RedriveGateShut: tuning,
  RedriveSinkDown: tuning,
  RedriveAlertsLate: tuning,
  RedriveAlertsRefused: tuning,
  RedriveAlertAttemptsFailed: tuning,
  RedriveAlertsUnsure: tuning,
  RedriveFailuresSuppressed: tuning,
  RedriveFailures: tuning
}

const options: Check.Rules<Options> = {
  catalogue: Check.where(
    "a catalogue",
    (value) => Predicate.hasProperty(value, "job") && Predicate.hasProperty(value, "item")
  ),
  selector: labelsRule,
  labels: labelsRule,
  runbooks: Check.where("an http or https URL", (value) => typeof value === "string" && Check.isHttpUrl(value)),
  window: Check.where(
    "a duration of at least a second",
    (value) => Check.duration().isRight(value) && Duration.toSeconds(value as Duration.Input) >= 1
  ),
  rules: Check.struct(tunings),
  without: Check.where(
    "a list of names of rules",
    (value) => Array.isArray(value) && value.every((name) => typeof name === "string" && Object.hasOwn(tunings, name))
  )
}

/** A rule before an option changes it. */
interface Draft {
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

/**
 * Makes the rules. Throws an error that lists every wrong option.
 *
 * `RedriveFailures` is one rule for each code of the catalogue. `RedriveTargetMissing` needs a `job` in `selector`, and is left out without it.
 * A counter has no series before its first event; the rules count that event, too. So after Prometheus itself had no data for more than five
 * minutes, they may count all events of a counter once more.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (given: Options = {}): Document => {
  const {
    catalogue,
    labels = {},
    rules = {},
    runbooks,
    selector = {},
    window = "10 minutes",
    without = []
  } = Check.options("PrometheusRules.make", options, given)
  const within = promDuration(window)

  const series = (metric: string, matchers: { readonly [label: string]: string } = {}) => {
    const all = Object.entries({ ...selector, ...matchers }).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    return all.length === 0 ? metric : `${metric}{${all.join(", ")}}`
  }
  // `increase` sees no event in a series that begins with it: its first value counts whole.
  const events = (by: ReadonlyArray<string>, metric: string, matchers?: { readonly [label: string]: string }) => {
    const one = series(metric, matchers)
    return `sum by (${["job", ...by].join(", ")}) ((${one} unless ${one} offset ${within}) or increase(${one}[${within}]))`
  }

  const ruleOf = (draft: Draft): ReadonlyArray<Rule> => {
    const change = rules[draft.name]
    if (without.includes(draft.name)) return []
    const above = change?.above ?? draft.above
    return [
      {
        alert: draft.name,
        expr: draft.above === undefined ? draft.value : `${draft.value} > ${above}`,
        for: promDuration(change?.for ?? draft.for),
        labels: literals({ ...labels, ...draft.labels, severity: change?.severity ?? draft.severity }),
        annotations: draft.annotations
      }
    ]
  }

  const count = `{{ $value | printf "%.0f" }}`
  const targets: ReadonlyArray<Draft> = [
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
    ...(selector.job === undefined
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
  const calls: ReadonlyArray<Draft> = [
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
        description:
          "A gate is shut: its calls wait. Do what their failure names, such as a top-up, then resume the key."
      }
    }
  ]
  const alerts: ReadonlyArray<Draft> = [
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
        description:
          "Nobody was told of these through this sink. The log names the incidents and what the sink answered."
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
  const failures: ReadonlyArray<Draft> =
    catalogue === undefined
      ? []
      : (["job", "item"] as const).flatMap((level) =>
          Object.entries(catalogue[level]).map(([code, entry]) => ({
            name: "RedriveFailures" as const,
            value: events([], "redrive_failures_total", { level, code }),
            above: entry.severity === "Fatal" ? 0 : 10,
            for: 0 as const,
            severity: severityOf(entry.severity),
            labels: { level, code },
            annotations: {
              summary: `${count} failures of ${level === "job" ? "jobs" : "items"}: ${code}`,
              description: literal(runbook(entry)),
              ...(runbooks !== undefined && { runbook_url: literal(anchored(runbooks, Catalogue.anchor(level, code))) })
            }
          }))
        )

  const groups = [
    { name: "redrive targets", rules: targets.flatMap(ruleOf) },
    { name: "redrive calls", rules: calls.flatMap(ruleOf) },
    { name: "redrive alerts", rules: alerts.flatMap(ruleOf) },
    { name: "redrive failures", rules: failures.flatMap(ruleOf) }
  ]
  return { groups: groups.filter(({ rules }) => rules.length > 0) }
}

/**
 * The text of a rule file: JSON, which Prometheus reads as YAML.
 *
 * @category encoding
 * @since 0.1.0
 */
export const format = (document: Document): string => `${JSON.stringify(document, undefined, 2)}\n`

/**
 * What to know of a code when it fails: its meaning, who acts, and whether a retry helps, with the details that differ.
 *
 * @category formatting
 * @since 0.1.0
 */
export const runbook = (entry: Catalogue.Entry): string => {
  const whole = adviceOf(entry)
  const others = Object.entries(entry.details)
    .map(([detail, row]) => [detail, adviceOf(row)] as const)
    .filter(([, advice]) => advice !== whole)
    .map(([detail, advice]) => `${detail}: ${advice}`)
  return [entry.meaning, whole, ...others].join("\n")
}

const adviceOf = ({ actor, verdict }: Catalogue.Row): string =>
  `${actor === "nobody" ? "nobody needs to act" : `the ${actor} acts`}; ${Verdict.format(verdict)}`

const severityOf = (severity: LogLevel.Severity): string => {
  switch (severity) {
    case "Fatal":
      return "critical"
    case "Error":
    case "Warn":
      return "warning"
    default:
      return "info"
  }
}

const anchored = (page: string, anchor: string): string => {
  const url = new URL(page)
  url.hash = anchor
  return url.href
}

const literals = (labels: { readonly [label: string]: string }) =>
  Object.fromEntries(Object.entries(labels).map(([name, text]) => [name, literal(text)]))

/** A text that Prometheus must not read as a template. */
const literal = (text: string): string => text.replaceAll("{{", '{{ "{{" }}')

/** Prometheus writes a duration in whole units. */
const promDuration = (input: Duration.Input): string => {
  const seconds = Math.ceil(Duration.toSeconds(input))
  if (seconds % 3600 === 0 && seconds > 0) return `${seconds / 3600}h`
  return seconds % 60 === 0 && seconds > 0 ? `${seconds / 60}m` : `${seconds}s`
}
