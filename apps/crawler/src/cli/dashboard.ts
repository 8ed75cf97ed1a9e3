/**
 * `dashboard`: the metrics of the service as panels of Grafana.
 */
import * as Console from "effect/Console"
import type { DashboardFlags } from "./commands.ts"

/** A metric of the service alone, by the job under which Prometheus has it. */
type Of = (metric: string) => string

/** A panel: what it shows, and what to do about it. */
interface Panel {
  readonly title: string
  /** What it means when it is high, and what to do then. */
  readonly description: string
  /** A unit of Grafana, such as `s`. */
  readonly unit: string
  /** An expression for each group of lines, with the text of their legend. */
  readonly queries: (of: Of) => ReadonlyArray<readonly [expr: string, legend: string]>
}

/** How often something happens, in a second, by labels. */
const rate = (metric: string, ...by: ReadonlyArray<string>) =>
  `sum by (${by.join(", ")}) (rate(${metric}[$__rate_interval]))`

/** Whether the service runs, and what its crawls come to. */
const outcomes: ReadonlyArray<Panel> = [
  {
    title: "Processes that answer",
    description: "How many processes Prometheus can read. If there are fewer than you started, look why one has ended.",
    unit: "none",
    queries: (of) => [[`sum(${of("up")})`, "processes"]]
  },
  {
    title: "Pages",
    description:
      "Finished pages by outcome. If failed ones are many, the panel of failures says which code, and docs/errors.md what to do about it.",
    unit: "ops",
    queries: (of) => [[rate(of("redrive_pages_total"), "outcome"), "{{outcome}}"]]
  },
  {
    title: "Failures",
    description:
      "Reported failures by level and code. Failures of jobs come first: look each code up in docs/errors.md, which says who must act.",
    unit: "ops",
    queries: (of) => [[rate(of("redrive_failures_total"), "level", "code"), "{{level}} {{code}}"]]
  }
]

/** Calls and their attempts. */
const calls: ReadonlyArray<Panel> = [
  {
    title: "Failed attempts",
    description:
      "Attempts that failed, by call and verdict. Many throttled ones mean that hosts ask for fewer requests: nobody needs to act. Many transient ones at once point to our own network.",
    unit: "ops",
    queries: (of) => [[rate(of("redrive_attempts_failed_total"), "call", "verdict"), "{{call}} {{verdict}}"]]
  },
  {
    title: "Retries",
    description:
      "Attempts that are made again. If they are many and few calls recover, the other side is down: fewer jobs, or patience, help more than retries.",
    unit: "ops",
    queries: (of) => [
      [rate(of("redrive_retries_total"), "call"), "{{call}} retries"],
      [rate(of("redrive_calls_recovered_total"), "call"), "{{call}} recovered"]
    ]
  },
  {
    title: "Calls given up",
    description:
      "Calls that failed in the end, by reason. A redrive sends failed pages again that may succeed; docs/policies.md explains each reason.",
    unit: "ops",
    queries: (of) => [[rate(of("redrive_calls_given_up_total"), "call", "because"), "{{call}} {{because}}"]]
  }
]

/** Webhooks that wait. */
const deliveries: ReadonlyArray<Panel> = [
  {
    title: "Oldest task that is due",
    description:
      "For how long the first delivery of a webhook has been due. If it grows, workers are too few or the database is slow: look at `durable status`, and start another process.",
    unit: "s",
    queries: (of) => [[`max by (queue) (${of("redrive_task_oldest_due_seconds")})`, "{{queue}}"]]
  }
]

/** Whether people are told of failures. */
const alerts: ReadonlyArray<Panel> = [
  {
    title: "Alerts that were taken",
    description:
      "Alerts that receivers took. Many at once are one incident more often than many: look at the panel of failures.",
    unit: "ops",
    queries: (of) => [[rate(of("redrive_alerts_delivered_total"), "sink"), "{{sink}}"]]
  },
  {
    title: "Alerts in trouble",
    description:
      "Attempts to deliver alerts that failed, and alerts that were refused for good. Check the address and the credentials of the receiver; the log says what it answered.",
    unit: "ops",
    queries: (of) => [
      [rate(of("redrive_alert_attempts_failed_total"), "sink"), "{{sink}} failed"],
      [rate(of("redrive_alerts_refused_total"), "sink"), "{{sink}} refused"]
    ]
  },
  {
    title: "Receivers of alerts that are down",
    description:
      "1 while a receiver takes no alerts. Nobody is told through it: mend it, and look at this dashboard meanwhile.",
    unit: "none",
    queries: (of) => [[`max by (sink) (${of("redrive_alert_sink_down")})`, "{{sink}}"]]
  },
  {
    title: "Oldest alert that waits",
    description:
      "How long an alert has waited for its receiver. If it grows, people are told late: the receiver is slow, busy or down.",
    unit: "s",
    queries: (of) => [[`max by (sink) (${of("redrive_alert_outbox_age_seconds")})`, "{{sink}}"]]
  },
  {
    title: "Failures that nobody was told of",
    description:
      "Failures that were kept quiet, by reason. Most are pages whose failure needs nobody. If the rest grows, look whether the routes and silences mean it.",
    unit: "ops",
    queries: (of) => [[rate(of("redrive_alerts_suppressed_total"), "reason"), "{{reason}}"]]
  }
]

const panels = [...outcomes, ...calls, ...deliveries, ...alerts]

/** Grafana's grid is 24 wide. */
const [width, height, columns] = [8, 8, 3]

const panelOf = ({ description, queries, title, unit }: Panel, index: number, of: Of) => ({
  id: index + 1,
  type: "timeseries",
  title,
  description,
  datasource,
  gridPos: { x: (index % columns) * width, y: Math.floor(index / columns) * height, w: width, h: height },
  fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
  targets: queries(of).map(([expr, legendFormat], number) => ({
    refId: String.fromCharCode("A".charCodeAt(0) + number),
    datasource,
    expr,
    legendFormat
  }))
})

const datasource = { type: "prometheus", uid: "${datasource}" }

export const dashboard = ({ job }: DashboardFlags) => {
  const of = (metric: string) => `${metric}{job=${JSON.stringify(job)}}`
  return Console.log(
    JSON.stringify(
      {
        title: `Redrive: ${job}`,
        uid: "redrive-crawler",
        description: "The crawl service. docs/operations.md says what to do about each alert.",
        tags: ["redrive"],
        schemaVersion: 39,
        editable: true,
        refresh: "30s",
        time: { from: "now-6h", to: "now" },
        templating: { list: [{ name: "datasource", label: "Data source", type: "datasource", query: "prometheus" }] },
        panels: panels.map((panel, index) => panelOf(panel, index, of))
      },
      undefined,
      2
    )
  )
}
