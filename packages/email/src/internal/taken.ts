import type { Alert } from "@redrive/alert/Alert"
import * as Arr from "effect/Array"

/** Alerts that go to the same recipients as one email. */
export interface Part {
  readonly recipients: ReadonlyArray<string>
  readonly alerts: Arr.NonEmptyReadonlyArray<Alert>
}

/**
 * Who has had which alert. A server takes an email for some recipients and refuses others, and an alerter that ends may not hear that it was taken:
 * without more, it would be sent to all again.
 */
export interface Taken {
  /** What is still to be sent, to whom. */
  readonly rest: (alerts: ReadonlyArray<Alert>, recipients: ReadonlyArray<string>) => ReadonlyArray<Part>
  /** These recipients are done with these alerts. */
  readonly done: (alerts: ReadonlyArray<Alert>, recipients: ReadonlyArray<string>, now: number) => void
  /** When the first recipient was done with one of these alerts. */
  readonly since: (alerts: ReadonlyArray<Alert>) => number
}

/** Beyond so many alerts, the oldest one is forgotten, and may be sent to all again. */
const most = 2000

export const make = (): Taken => {
  const entries = new Map<string, { readonly since: number; readonly recipients: Set<string> }>()
  return {
    rest: (alerts, recipients) => {
      const parts = new Map<string, { readonly recipients: Array<string>; readonly alerts: Part["alerts"] }>()
      for (const recipient of recipients) {
        const rest = alerts.filter(({ id }) => entries.get(id)?.recipients.has(recipient) !== true)
        if (!Arr.isReadonlyArrayNonEmpty(rest)) continue
        const key = rest.map(({ id }) => id).join("\n")
        const part = parts.get(key)
        if (part === undefined) parts.set(key, { recipients: [recipient], alerts: rest })
        else part.recipients.push(recipient)
      }
      return [...parts.values()]
    },
    done: (alerts, recipients, now) => {
      for (const { id } of alerts) {
        const entry = entries.get(id) ?? { since: now, recipients: new Set() }
        for (const recipient of recipients) entry.recipients.add(recipient)
        entries.set(id, entry)
      }
      for (const id of entries.keys()) {
        if (entries.size <= most) break
        entries.delete(id)
      }
    },
    since: (alerts) => Math.min(Infinity, ...alerts.map(({ id }) => entries.get(id)?.since ?? Infinity))
  }
}
