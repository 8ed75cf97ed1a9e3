import * as DateTime from "effect/DateTime"
import type { Alert } from "../Alert.ts"
import type { State } from "./delivery.ts"
import { nameOf, type Notice } from "./engine.ts"

/** Tells of sinks that take no alerts by the others. */
export interface Watchdog {
  /** What people are told, given how all sinks are now. */
  readonly look: (states: ReadonlyArray<State>, now: number) => ReadonlyArray<Notice>
}

/** The route of alerts about the alerter itself. */
const route = "watchdog"

/** `fallbacks` names the sink that is told of another one; without one all others are. An alert that waits for `mostWait` is late. */
export const make = (fallbacks: { readonly [sink: string]: string }, mostWait: number): Watchdog => {
  /** By sink: what people were told of it, and who was. */
  const told = new Map<string, { readonly alert: Alert; readonly sinks: ReadonlyArray<string> }>()

  const look = (state: State, up: ReadonlyArray<string>, now: number): Notice | undefined => {
    const { isDown, lastError, name, since, waiting } = state
    const before = told.get(name)
    const isLate = since !== undefined && now - since >= mostWait
    if (before === undefined) {
      const standIn = fallbacks[name]
      const sinks = standIn === undefined ? up.filter((other) => other !== name) : [standIn]
      if (!(isDown || isLate) || sinks.length === 0) return undefined
      const message = isDown ? (lastError?.message ?? "no delivery succeeds") : `${waiting} alerts wait for it`
      const notice = { alert: alertOf(name, isDown ? "alert_sink_down" : "alert_sink_late", message, now), sinks }
      told.set(name, notice)
      return notice
    }
    if (isDown || isLate) return undefined
    told.delete(name)
    const { alert, sinks } = before
    const at = DateTime.makeUnsafe(now)
    return { alert: { ...alert, id: `${route}/${alert.incident}/resolved/${now}`, status: "resolved", at }, sinks }
  }

  return {
    look: (states, now) => {
      const up = states.filter(({ isDown }) => !isDown).map(({ name }) => name)
      return states.flatMap((state) => look(state, up, now) ?? [])
    }
  }
}

const alertOf = (sink: string, code: string, message: string, now: number): Alert => {
  const key = `${code}/${sink}`
  const incident = nameOf(key, now)
  const at = DateTime.makeUnsafe(now)
  return {
    id: `${route}/${incident}/opened/${now}`,
    route,
    key,
    incident,
    status: "opened",
    severity: "Error",
    level: "program",
    code,
    detail: sink,
    actor: "operator",
    message,
    urls: [],
    jobIds: [],
    // It is about no failure that anybody reported.
    count: 0,
    total: 0,
    at,
    firstAt: at,
    lastAt: at
  }
}
