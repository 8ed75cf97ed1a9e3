/**
 * The JSON of Slack's messages.
 *
 * @since 0.1.0
 */
import * as Alert from "./Alert.ts"
import { cut, factsOf } from "./internal/texts.ts"

/** Slack's limits, in characters. */
const most = { header: 150, section: 3000, field: 2000, text: 3000 }

const signs = { Fatal: "🔴", Error: "🔴", Warn: "🟠", Info: "🔵", Debug: "🔵", Trace: "🔵" } as const satisfies {
  readonly [Severity in Alert.Alert["severity"]]: string
}

/**
 * A message about an alert: its title as a header, what the first failure said, and its facts. `text` is for notifications. Nothing in it mentions anybody.
 *
 * @category encoding
 * @since 0.1.0
 */
export const message = (alert: Alert.Alert) => {
  const title = `${Alert.isOver(alert) ? "🟢" : signs[alert.severity]} ${Alert.title(alert)}`
  const fields = factsOf(alert).map(([name, value]) => ({
    type: "mrkdwn" as const,
    text: cut(`*${name}*\n${escaped(value)}`, most.field)
  }))
  return {
    text: cut(escaped(title), most.text),
    blocks: [
      { type: "header" as const, text: { type: "plain_text" as const, text: cut(title, most.header) } },
      { type: "section" as const, text: { type: "plain_text" as const, text: cut(alert.message, most.section) } },
      { type: "section" as const, fields }
    ],
    unfurl_links: false,
    unfurl_media: false
  }
}

/** Slack reads `<!channel>`, `<@U1>` and links; as entities they are text. */
const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
