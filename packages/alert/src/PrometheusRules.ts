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
import * as PromQL from "./internal/promql.ts"
import * as Drafts from "./internal/ruleDrafts.ts"

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
  const checked = Check.options("PrometheusRules.make", options, given)
  const { catalogue, runbooks, selector = {}, window = "10 minutes" } = checked
  const expressions = PromQL.expressions(selector, window)
  const groups: ReadonlyArray<readonly [string, ReadonlyArray<Drafts.Draft>]> = [
    ["redrive targets", Drafts.targets(expressions, selector.job)],
    ["redrive calls", Drafts.calls(expressions)],
    ["redrive alerts", Drafts.alerts(expressions)],
    ["redrive failures", catalogue === undefined ? [] : failuresOf(catalogue, expressions, runbooks)]
  ]
  return {
    groups: groups
      .map(([name, drafts]) => ({ name, rules: drafts.flatMap((draft) => ruleOf(draft, checked)) }))
      .filter(({ rules }) => rules.length > 0)
  }
}

/** A rule as the options change it, unless they leave it out. */
const ruleOf = (draft: Drafts.Draft, { labels = {}, rules = {}, without = [] }: Options): ReadonlyArray<Rule> => {
  if (without.includes(draft.name)) return []
  const change = rules[draft.name]
  const above = change?.above ?? draft.above
  return [
    {
      alert: draft.name,
      expr: draft.above === undefined ? draft.value : `${draft.value} > ${above}`,
      for: PromQL.durationOf(change?.for ?? draft.for),
      labels: PromQL.literals({ ...labels, ...draft.labels, severity: change?.severity ?? draft.severity }),
      annotations: draft.annotations
    }
  ]
}

/** A rule for each code of a catalogue. */
const failuresOf = (
  catalogue: Catalogue.Catalogue,
  { events }: PromQL.Expressions,
  runbooks: string | undefined
): ReadonlyArray<Drafts.Draft> =>
  (["job", "item"] as const).flatMap((level) =>
    Object.entries(catalogue[level]).map(([code, entry]) => ({
      name: "RedriveFailures" as const,
      value: events([], "redrive_failures_total", { level, code }),
      above: entry.severity === "Fatal" ? 0 : 10,
      for: 0 as const,
      severity: severityOf(entry.severity),
      labels: { level, code },
      annotations: {
        summary: `${Drafts.count} failures of ${level === "job" ? "jobs" : "items"}: ${code}`,
        description: PromQL.literal(runbook(entry)),
        ...(runbooks !== undefined && {
          runbook_url: PromQL.literal(anchored(runbooks, Catalogue.anchor(level, code)))
        })
      }
    }))
  )

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
