/**
 * The email about alerts: its subject, its text and HTML, and the headers that keep the emails of an incident together.
 *
 * Functions here are pure: the same alerts give the same email, with the same Message-ID.
 *
 * @since 0.1.0
 */
import * as Alert from "@redrive/alert/Alert"
import type * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import type * as LogLevel from "effect/LogLevel"
import { createHash } from "node:crypto"
import * as Html from "./internal/html.ts"
import { cut, line, lines } from "./internal/texts.ts"

/**
 * What an email needs besides its alerts.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The domain of Message-IDs, which is that of the sender. No default. */
  readonly domain: string
  /** A name in square brackets before each subject, such as that of the service. Default: none. */
  readonly prefix?: string | undefined
}

/**
 * An email about alerts, without sender and recipients. The names are those of nodemailer's messages.
 *
 * @category models
 * @since 0.1.0
 */
export interface Message {
  /** The Message-ID, the same for the same alerts. */
  readonly messageId: string
  /** When the last of the alerts was made. */
  readonly date: Date
  /** One line of at most 200 characters. */
  readonly subject: string
  /** All there is to say, as plain text. */
  readonly text: string
  /** The same as HTML. */
  readonly html: string
  /** `high` for what is fatal and not over. */
  readonly priority: "high" | "normal" | "low"
  /** The thread of the incident; a digest of several incidents has none. */
  readonly inReplyTo?: string
  /** The same. */
  readonly references?: string
  /** Headers for autoresponders and filters. */
  readonly headers: { readonly [name: string]: string }
}

/** Texts are cut so that an email of 100 alerts stays below the 10 MB that servers take. */
const most = { subject: 200, summary: 120, message: 4000, value: 500, list: 20 }

/**
 * The email about alerts. Alerts of one incident belong to its thread; alerts of several incidents are a digest, which begins with a line for each.
 *
 * @category encoding
 * @since 0.1.0
 */
export const message = (alerts: Arr.NonEmptyReadonlyArray<Alert.Alert>, { domain, prefix }: Options): Message => {
  const [first] = alerts
  const isDigest = alerts.some(({ incident }) => incident !== first.incident)
  const last = alerts.reduce((one, other) => (DateTime.isGreaterThan(other.at, one.at) ? other : one))
  const severity = highest(alerts)
  const words = new Set(alerts.map(wordOf))
  const title = isDigest ? digestTitle(alerts) : summary(last)
  const about = isDigest && words.size > 1 ? severity : wordOf(last)
  const sections = alerts.map(sectionOf)
  const thread = `<incident.${hash(first.incident)}@${domain}>`
  return {
    messageId: `<alert.${hash(alerts.map(({ id }) => id).join("\n"))}@${domain}>`,
    date: DateTime.toDateUtc(last.at),
    subject: cut([...(prefix === undefined ? [] : [`[${line(prefix)}]`]), `[${about}]`, title].join(" "), most.subject),
    text: textOf(isDigest ? title : undefined, sections),
    html: Html.page(isDigest ? title : undefined, sections),
    priority: priorityOf(alerts.filter((alert) => !Alert.isOver(alert))),
    ...(isDigest ? {} : { inReplyTo: thread, references: thread }),
    headers: {
      // Nobody is away from an alert, and no list sends it on.
      "Auto-Submitted": "auto-generated",
      "X-Auto-Response-Suppress": "All",
      "X-Alert-Severity": severity,
      "X-Alert-Status": isDigest ? "digest" : last.status,
      "X-Alert-Route": cut(line(last.route), most.summary)
    }
  }
}

const hash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 32)

/** What is in brackets may change within a thread: Gmail compares the rest of the subject only. */
const wordOf = (alert: Alert.Alert): string => {
  switch (alert.status) {
    case "resolved":
      return "Resolved"
    case "expired":
      return "Expired"
    case "retrying":
      return "Still retrying"
    default:
      return alert.severity
  }
}

/**
 * What an incident is called in all its emails. The host belongs to it only if it is one of the fields that group failures, since otherwise the next
 * alert may be without it.
 */
const summary = ({ code, host, key, level, message: said }: Alert.Alert): string => {
  if (level === "program") return cut(line(said === "" || said === code ? code : `${code}: ${said}`), most.summary)
  const isGrouped = host !== undefined && key.split("/").includes(host)
  return cut(line(isGrouped ? `${code} at ${host}` : code), most.summary)
}

const digestTitle = (alerts: ReadonlyArray<Alert.Alert>): string => {
  const counts = new Map<string, number>()
  for (const { status } of alerts) counts.set(status, (counts.get(status) ?? 0) + 1)
  return `${alerts.length} alerts: ${[...counts].map(([status, count]) => `${count} ${status}`).join(", ")}`
}

const ranks: ReadonlyArray<LogLevel.Severity> = ["Trace", "Debug", "Info", "Warn", "Error", "Fatal"]

/** Of the alerts that are not over, if there are any. */
const highest = (alerts: ReadonlyArray<Alert.Alert>): LogLevel.Severity => {
  const open = alerts.filter((alert) => !Alert.isOver(alert))
  const severities = (open.length > 0 ? open : alerts).map(({ severity }) => severity)
  return ranks.findLast((rank) => severities.includes(rank)) ?? "Error"
}

/** Of alerts that are not over. */
const priorityOf = (alerts: ReadonlyArray<Alert.Alert>): Message["priority"] => {
  if (alerts.some(({ severity }) => severity === "Fatal")) return "high"
  const isLow = alerts.length > 0 && alerts.every(({ severity }) => ranks.indexOf(severity) < ranks.indexOf("Warn"))
  return isLow ? "low" : "normal"
}

const sectionOf = (alert: Alert.Alert): Html.Section => ({
  title: line(Alert.title(alert)),
  message: cut(lines(alert.message), most.message),
  tone: Alert.isOver(alert) ? "over" : ranks.indexOf(alert.severity) < ranks.indexOf("Error") ? "mild" : "severe",
  facts: factsOf(alert).map(([name, values]) => [name, listed(values)])
})

/** A list of bounded length, which says what it leaves out. */
const listed = (values: ReadonlyArray<string>): ReadonlyArray<string> => {
  const shown = values.slice(0, most.list).map((value) => cut(line(value), most.value))
  return values.length > shown.length ? [...shown, `and ${values.length - shown.length} more`] : shown
}

/** The facts of an alert besides its title, in the order in which people read them. */
const factsOf = (alert: Alert.Alert): ReadonlyArray<readonly [name: string, values: ReadonlyArray<string>]> => {
  const { actor, at, count, firstAt, incident, jobIds, lastAt, nextAt, route, total, urls } = alert
  const all: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
    ["Failures", [count === total ? String(total) : `${count} more, ${total} in all`]],
    ["First", [DateTime.formatIso(firstAt)]],
    ["Last", [DateTime.formatIso(lastAt)]],
    ["Next attempt", nextAt === undefined ? [] : [DateTime.formatIso(nextAt)]],
    ["Who acts", [actor]],
    ["Pages", urls],
    ["Jobs", jobIds],
    ["Route", [route]],
    ["Incident", [incident]],
    ["Told", [DateTime.formatIso(at)]]
  ]
  return all.filter(([, values]) => values.length > 0)
}

/** Plain text has a line for each alert of a digest first, then all of them in full. */
const textOf = (heading: string | undefined, sections: ReadonlyArray<Html.Section>): string => {
  const overview = heading === undefined ? [] : [[heading, "", ...sections.map(({ title }) => `- ${title}`)].join("\n")]
  const full = sections.map(({ facts, message: said, title }) =>
    [title, "", said, "", ...facts.map(([name, values]) => `${name}: ${values.join("\n  ")}`)].join("\n")
  )
  return `${[...overview, ...full].join("\n\n---\n\n")}\n`
}
