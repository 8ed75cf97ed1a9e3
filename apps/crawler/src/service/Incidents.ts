/**
 * The service's alerts, and what became of each incident: kept in its database, over restarts and for all processes, of which one tells people.
 */
import * as Alerter from "@redrive/alert/Alerter"
import * as Journal from "@redrive/alert/Journal"
import type * as Outbox from "@redrive/alert/Outbox"
import type * as Sink from "@redrive/alert/Sink"
import type * as Route from "@redrive/alert/Route"
import * as SqlJournal from "@redrive/alert/SqlJournal"
import * as SqlOutbox from "@redrive/alert/SqlOutbox"
import * as Timeline from "@redrive/alert/Timeline"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

/** An incident, open or over. */
export interface IncidentLine {
  readonly key: string
  /** Its name in alerts; empty if people do not know of it. */
  readonly name: string
  readonly route: string
  readonly code: string
  readonly severity: string
  readonly isOpen: boolean
  readonly since: number
  readonly until?: number
  readonly count: number
  /** The last decision about it, in words. */
  readonly last: string
}

/** Why somebody was told of a key: what was decided, a line for each, and the picture. */
export interface Explained {
  readonly key: string
  readonly lines: ReadonlyArray<string>
  readonly svg: string
}

export class Incidents extends Context.Service<
  Incidents,
  {
    /** Open ones first, then those that are over, the latest first. */
    readonly list: Effect.Effect<ReadonlyArray<IncidentLine>, SqlError>
    /** Why somebody was told of a key, or was not. `undefined` if nothing was decided about it. */
    readonly explain: (key: string) => Effect.Effect<Explained | undefined, SqlError>
    /** Who is told. */
    readonly sinks: ReadonlyArray<string>
    /** Sets the silences in force and to come. */
    readonly silence: (silences: ReadonlyArray<Route.Silence>) => void
  }
>()("@redrive/crawler/service/Incidents") {}

/** Whose rows they are, in a database that other programs may share. */
const name = "crawler"

/** The latest decisions tell which incidents are over. */
const mostDecisions = 1000

/** Whoever looks at the page is told by it: so incidents open and close also where there is no other sink. */
const page: Sink.Service = { kind: "page", send: () => Effect.void }

/** Alerts by these sinks, and on the page. */
export const layer = <R>(
  given: Alerter.Sinks<R>
): Layer.Layer<Incidents, Outbox.OutboxError | SqlError, R | SqlClient.SqlClient> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const journal = yield* SqlJournal.make({ name })
      let silences: ReadonlyArray<Route.Silence> = []
      const kept = Effect.provideService(SqlOutbox.incidents({ name }), SqlClient.SqlClient, sql)
      const incidents = Incidents.of({
        list: Effect.zipWith(kept, journal.entries({ most: mostDecisions }), listOf),
        explain: Effect.fnUntraced(function* (key) {
          const entries = yield* journal.entries({ key })
          if (entries.length === 0) return undefined
          return { key, lines: entries.map(Journal.format), svg: Timeline.svg(Timeline.make(key, entries)) }
        }),
        sinks: Object.keys(given),
        silence: (some) => {
          silences = some
        }
      })
      const alerter = Alerter.layerOf({ ...given, page }, { journal, silences: () => silences })
      return Layer.merge(Layer.succeed(Incidents, incidents), Layer.provide(alerter, SqlOutbox.layer({ name })))
    })
  )

/** No more that are over are listed. */
const mostOver = 50

const listOf = (
  all: ReadonlyArray<Outbox.KeptIncident>,
  decisions: ReadonlyArray<Journal.Entry>
): ReadonlyArray<IncidentLine> => {
  const last = new Map<string, Journal.Entry>()
  const first = new Map<string, Journal.Entry>()
  for (const entry of decisions) {
    if (entry.key === "") continue
    last.set(entry.key, entry)
    if (!first.has(entry.key)) first.set(entry.key, entry)
  }
  const saidOf = (key: string) => {
    const entry = last.get(key)
    return entry === undefined ? "nobody has been told yet" : Journal.format(entry)
  }
  const open = all.flatMap(({ incident, route }): ReadonlyArray<IncidentLine> => {
    const { about, changedAt, count, firstAt, generation, isOpen, key, severity } = incident
    const name = generation === 0 ? "" : (last.get(key)?.incident ?? "")
    const line = {
      key,
      name,
      route,
      code: about.code ?? "",
      severity,
      isOpen,
      since: firstAt,
      count,
      last: saidOf(key)
    }
    return [isOpen ? line : { ...line, until: changedAt }]
  })
  const known = new Set(open.map(({ key }) => key))
  const forgotten = [...last.values()].flatMap((entry): ReadonlyArray<IncidentLine> =>
    known.has(entry.key)
      ? []
      : [
          {
            key: entry.key,
            name: entry.incident,
            route: entry.route,
            code: "",
            severity: "",
            isOpen: false,
            since: first.get(entry.key)?.at ?? entry.at,
            until: entry.at,
            count: entry.count,
            last: saidOf(entry.key)
          }
        ]
  )
  const over = [...open.filter(({ isOpen }) => !isOpen), ...forgotten]
  return [
    ...open.filter(({ isOpen }) => isOpen),
    ...over.toSorted((one, other) => (other.until ?? 0) - (one.until ?? 0)).slice(0, mostOver)
  ]
}
