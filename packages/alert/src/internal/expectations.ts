import * as Observer from "@redrive/core/Observer"
import type * as Incident from "../Incident.ts"
import type * as Route from "../Route.ts"

/** A call that an incident is about. `stop` ends the expectation of its success, and is `undefined` without one. */
interface Expected {
  readonly call: Incident.CallOf
  stop: (() => void) | undefined
}

/** An incident on its route, and the calls that it is about. Only the expectations change these. */
export interface Subject {
  readonly route: Route.Route
  readonly incident: Incident.Incident
  calls: Map<string, Expected> | undefined
}

/**
 * The calls that incidents are about. The retry engine tells of plain success only where somebody expects it, so it is
 * expected as long as an incident counts it.
 */
export interface Expectations<S extends Subject> {
  /** Notes a call of an incident, which names it. Gives whether that is new. */
  readonly add: (subject: S, call: Incident.CallOf) => boolean
  /** Expects the success of an incident's calls, or no longer, after it has opened or closed. */
  readonly update: (subject: S) => void
  /** Expects nothing more for an incident that is forgotten. */
  readonly remove: (subject: S) => void
  /** The incidents that are about a call. */
  readonly of: (call: Incident.CallOf) => Iterable<S>
  /** The calls whose success is expected. */
  readonly calls: () => ReadonlyArray<Incident.CallOf>
  /** Expects nothing any more. */
  readonly stop: () => void
}

const idOf = ({ key, name }: Incident.CallOf): string => `${name}\n${key}`

const nobody: Iterable<never> = []

export const make = <S extends Subject>(): Expectations<S> => {
  const byCall = new Map<string, Set<S>>()

  const update = ({ calls, incident, route }: S) => {
    const isCounted = incident.isOpen || route.opens._tag !== "First"
    for (const expected of calls?.values() ?? nobody) {
      if (isCounted) expected.stop ??= Observer.expectSuccess(expected.call.name, expected.call.key)
      else end(expected)
    }
  }

  return {
    add: (subject, call) => {
      const id = idOf(call)
      if (subject.calls?.has(id) === true || !subject.incident.calls.some((one) => idOf(one) === id)) return false
      subject.calls ??= new Map()
      subject.calls.set(id, { call, stop: undefined })
      update(subject)
      const known = byCall.get(id)
      if (known === undefined) byCall.set(id, new Set([subject]))
      else known.add(subject)
      return true
    },
    update,
    remove: (subject) => {
      for (const [id, expected] of subject.calls ?? nobody) {
        end(expected)
        const others = byCall.get(id)
        others?.delete(subject)
        if (others?.size === 0) byCall.delete(id)
      }
    },
    of: (call) => byCall.get(idOf(call)) ?? nobody,
    calls: () =>
      [...byCall].flatMap(([id, subjects]) => {
        for (const { calls } of subjects) {
          const expected = calls?.get(id)
          if (expected?.stop !== undefined) return [expected.call]
        }
        return []
      }),
    stop: () => {
      for (const [id, subjects] of byCall)
        for (const { calls } of subjects) {
          const expected = calls?.get(id)
          if (expected !== undefined) end(expected)
        }
    }
  }
}

const end = (expected: Expected): void => {
  expected.stop?.()
  expected.stop = undefined
}
