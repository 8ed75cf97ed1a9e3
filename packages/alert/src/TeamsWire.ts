/**
 * The JSON of a message to a Microsoft Teams workflow: an Adaptive Card.
 *
 * @since 0.1.0
 */
import * as Alert from "./Alert.ts"
import { cut, factsOf } from "./internal/texts.ts"

/** A message may have 28 kB; texts are cut so that it has less, whatever its characters. */
const most = { title: 300, message: 2000, fact: 500 }

const colors = {
  Fatal: "Attention",
  Error: "Attention",
  Warn: "Warning",
  Info: "Default",
  Debug: "Default",
  Trace: "Default"
} as const satisfies { readonly [Severity in Alert.Alert["severity"]]: string }

/**
 * The message about an alert.
 *
 * @category encoding
 * @since 0.1.0
 */
export const body = (alert: Alert.Alert) => ({
  type: "message",
  attachments: [
    {
      contentType: "application/vnd.microsoft.card.adaptive",
      contentUrl: null,
      content: {
        $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
        type: "AdaptiveCard",
        version: "1.2",
        msteams: { width: "full" },
        body: [
          {
            type: "TextBlock",
            text: cut(plain(Alert.title(alert)), most.title),
            weight: "Bolder",
            size: "Medium",
            wrap: true,
            style: "heading",
            color: Alert.isOver(alert) ? "Good" : colors[alert.severity]
          },
          { type: "TextBlock", text: cut(plain(alert.message), most.message), wrap: true },
          {
            type: "FactSet",
            facts: factsOf(alert).map(([title, value]) => ({ title, value: cut(plain(value), most.fact) }))
          }
        ]
      }
    }
  ]
})

/** Cards read some Markdown, and mentions: with a backslash before them the signs are text. */
const plain = (text: string): string => text.replace(/[\\*_[\]()#<>`~]/g, String.raw`\$&`)
