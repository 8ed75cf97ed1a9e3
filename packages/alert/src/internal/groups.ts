import type * as Report from "@redrive/core/Report"
import { identity } from "effect/Function"
import * as DateTime from "effect/DateTime"
import * as Alert from "../Alert.ts"

/** How long groups wait, in milliseconds, and how many there may be. */
export interface Timing {
  readonly groupWait: number
  readonly repeatInterval: number
  readonly maxKeys: number
}

/** Reports of one kind: what is to be sent and when, and when the kind was last sent. Times are epoch milliseconds. */
interface Group {
  readonly pending?: { readonly alert: Alert.Alert; readonly due: number }
  readonly sentAt: number
}

/** Where reports go whose own key finds no room. */
const overflow = "overflow"

/** Groups by their key. It is changed in place and synchronously, since it is fed from where no effect can be run. */
export const make = ({ groupWait, maxKeys, repeatInterval }: Timing) => {
  const groups = new Map<string, Group>()

  /** A kind that is not pending and may be sent at once need not be remembered. */
  const forget = (now: number) => {
    for (const [key, { pending, sentAt }] of groups) {
      if (pending === undefined && sentAt + repeatInterval <= now) groups.delete(key)
    }
  }

  const keyFor = (report: Report.Report, now: number): string => {
    const key = Alert.keyOf(report)
    if (groups.has(key)) return key
    if (groups.size >= maxKeys) forget(now)
    return groups.size >= maxKeys ? overflow : key
  }

  const add = (report: Report.Report, now: number) => {
    const at = DateTime.makeUnsafe(now)
    const key = keyFor(report, now)
    const { pending, sentAt = -Infinity } = groups.get(key) ?? {}
    const first = (key === overflow ? crowd : identity)(Alert.make(report, at))
    const alert = pending === undefined ? first : Alert.merge(pending.alert, first)
    const due = pending?.due ?? Math.max(now + groupWait, sentAt + repeatInterval)
    groups.set(key, { pending: { alert, due }, sentAt })
  }

  /** Takes what is due; what cannot be delivered is brought back with `restore`. */
  const take = (now: number): ReadonlyArray<Alert.Alert> => {
    const taken: Array<Alert.Alert> = []
    for (const [key, { pending }] of groups) {
      if (pending === undefined || pending.due > now) continue
      taken.push(pending.alert)
      groups.set(key, { sentAt: now })
    }
    return taken
  }

  const restore = (alerts: ReadonlyArray<Alert.Alert>, now: number) => {
    for (const alert of alerts) {
      const meanwhile = groups.get(alert.key)?.pending?.alert
      const whole = meanwhile === undefined ? alert : Alert.merge(alert, meanwhile)
      groups.set(alert.key, { pending: { alert: whole, due: now + groupWait }, sentAt: -Infinity })
    }
  }

  const nextDue = (): number => Math.min(...[...groups.values()].map(({ pending }) => pending?.due ?? Infinity))

  return { add, take, restore, nextDue }
}

/** An alert for whatever found no room. */
const crowd = ({ actor, count, firstAt, lastAt, message, severity }: Alert.Alert): Alert.Alert => ({
  key: overflow,
  level: "program",
  code: overflow,
  severity,
  actor,
  message,
  count,
  firstAt,
  lastAt,
  urls: [],
  jobIds: []
})
