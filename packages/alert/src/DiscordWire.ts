/**
 * The JSON of Discord's webhooks.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Alert from "./Alert.ts"
import { cut, factsOf } from "./internal/texts.ts"

/** Discord's limits, in characters: of one embed's parts, and of all embeds of a message together. */
const most = { title: 256, description: 2000, name: 256, value: 1024, all: 6000 }

const colors = {
  Fatal: 0xd32f2f,
  Error: 0xd32f2f,
  Warn: 0xf57c00,
  Info: 0x1976d2,
  Debug: 0x1976d2,
  Trace: 0x1976d2
} as const satisfies { readonly [Severity in Alert.Alert["severity"]]: number }

/**
 * A message about alerts: an embed for each. It mentions nobody, whatever the texts say. If all would be too long, the descriptions and facts of the last
 * ones are left out.
 *
 * @category encoding
 * @since 0.1.0
 */
export const body = (alerts: ReadonlyArray<Alert.Alert>) => {
  let left = most.all
  const embeds = alerts.map((alert, index) => {
    const whole = embedOf(alert)
    const length = lengthOf(whole)
    // Those that follow need room for their titles.
    const reserved = (alerts.length - index - 1) * most.title
    const one: Embed = length <= left - reserved ? whole : { ...whole, description: "…", fields: [] }
    left -= lengthOf(one)
    return one
  })
  return { embeds, allowed_mentions: { parse: [] } }
}

const embedOf = (alert: Alert.Alert) => ({
  title: cut(Alert.title(alert), most.title),
  description: cut(alert.message, most.description),
  color: Alert.isOver(alert) ? 0x388e3c : colors[alert.severity],
  timestamp: DateTime.formatIso(alert.at),
  fields: factsOf(alert).map(([name, value]) => ({
    name: cut(name, most.name),
    value: cut(value, most.value),
    inline: value.length < 40
  }))
})

type Embed = ReturnType<typeof embedOf>

const lengthOf = (embed: Embed): number =>
  embed.fields.reduce((sum, { name, value }) => sum + name.length + value.length, 0) +
  embed.title.length +
  embed.description.length
