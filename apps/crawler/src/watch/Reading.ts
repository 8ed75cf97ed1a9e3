/**
 * The view of each address, and what tells that one has changed.
 */
import type { Store, StoreError } from "@redrive/durable/Store"
import type * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Accounts } from "../service/Accounts.ts"
import { orderOf } from "../service/Database.ts"
import * as HostGates from "../service/HostGates.ts"
import { Jobs } from "../service/Jobs.ts"
import * as Links from "../service/Links.ts"
import * as Again from "./Again.ts"
import { type Filter, fromQuery } from "./Filter.ts"
import * as Groups from "./Groups.ts"
import type { Incidents } from "../service/Incidents.ts"
import type { Stamps } from "./Live.ts"
import type { PlanView, View } from "./Model.ts"
import * as Policies from "./Policies.ts"
import * as Silences from "./Silences.ts"
import * as Watch from "./Watch.ts"
import { Wrong } from "./Wrong.ts"

export type Needs = Accounts | Jobs | SqlClient.SqlClient | Store

type Answer = Effect.Effect<View, SqlError | StoreError | Wrong, Needs>

export interface Reading {
  /** The view of an address. */
  readonly view: (url: URL) => Answer
  /** What each view looks like, as far as its changes go. */
  readonly stamps: Effect.Effect<Stamps, SqlError | StoreError, Needs>
}

/** The addresses that have views. */
export const paths = [
  "/",
  "/jobs/:id",
  "/jobs/:id/items/:item",
  "/items",
  "/hosts",
  "/accounts",
  "/incidents",
  "/policy",
  "/plan"
] as const

const missing = (what: string) =>
  new Wrong({
    status: 404,
    wrong: `There is no such ${what}`,
    advice: "It may have been deleted: jobs are kept for 30 days after their end."
  })

const orMissing = <A>(what: string, found: Option.Option<A>): Effect.Effect<A, Wrong> =>
  Option.match(found, { onNone: () => missing(what), onSome: Effect.succeed })

const actions = ["redrive", "pause", "silence", "cancel"] as const

const jobView = (id: string, filter: Filter, after: string | undefined) =>
  Effect.flatMap(Watch.job(id, filter, after), (job) => orMissing("job", job))

/** An unknown job has no pages, which would look like one whose pages are all well. */
const known = ({ job }: Filter) =>
  job === undefined ? Effect.void : Effect.flatMap(Watch.left(job), (left) => orMissing("job", left))

const itemView = Effect.fnUntraced(function* (job: string, id: string) {
  const secret = yield* (yield* Jobs).secret
  const begin = Links.make(secret, "", job, yield* Clock.currentTimeMillis)
  const found = yield* Watch.item(job, id, (format) => `${begin}/${id}${Links.endings[format]}`)
  return yield* orMissing("page", found)
})

const itemsView = (filter: Filter, after: string | undefined) =>
  Effect.andThen(known(filter), Watch.items(filter, after))

const hostsView = (filter: Filter, after: string | undefined) =>
  Effect.andThen(known(filter), Watch.hosts(after, filter.job))

export const make = (policy: RetryPolicy.RetryPolicy, incidents: Incidents["Service"] | undefined): Reading => {
  const incidentLines = incidents?.list ?? Effect.succeed([])

  const plan = Effect.fnUntraced(function* (query: URLSearchParams) {
    const action = actions.find((name) => name === query.get("action"))
    if (action === undefined) return yield* missing("action")
    const filter = fromQuery(query)
    yield* known(filter)
    const planned = yield* Again.plan(filter, policy)
    const view: PlanView = { view: "plan", action, filter, ...planned }
    if (action === "redrive") return view
    const count = planned.count + Groups.countOf(planned.final)
    if (action !== "cancel") return { ...view, count, hosts: filter.host === undefined ? view.hosts : [filter.host] }
    const left = yield* Effect.flatMap(Watch.left(filter.job ?? ""), (found) => orMissing("job", found))
    return { ...view, count: left }
  })

  const incidentsView = Effect.fnUntraced(function* (key: string | null) {
    const explained = key === null ? undefined : yield* incidents?.explain(key) ?? Effect.undefined
    const silences = (yield* Silences.list).map(Silences.lineOf)
    const sinks = incidents?.sinks ?? []
    const view = { view: "incidents" as const, incidents: yield* incidentLines, silences, sinks }
    return explained === undefined ? view : { ...view, explained }
  })

  const view = ({ pathname, searchParams: query }: URL): Answer => {
    const after = query.get("after") ?? undefined
    const [, place, id = "", , itemId] = pathname.split("/").map(decoded)
    if (place === "jobs") return itemId === undefined ? jobView(id, fromQuery(query), after) : itemView(id, itemId)
    if (place === "items") return itemsView(fromQuery(query), after)
    if (place === "hosts") return hostsView(fromQuery(query), after)
    if (place === "accounts") return Watch.accounts
    if (place === "incidents") return incidentsView(query.get("key"))
    if (place === "policy") return Policies.viewOf(policy)
    if (place === "plan") return plan(query)
    return Effect.flatMap(incidentLines, (lines) => Watch.overview(query.get("before") ?? undefined, lines))
  }

  const stamps = Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const place = orderOf(sql, "jobs")
    const jobs = yield* sql<{ readonly id: string; readonly version: number }>`SELECT id, version FROM jobs
      WHERE finished_at IS NULL OR ${place} > (SELECT coalesce(max(${place}), 0) - 100 FROM jobs)`
    const [acted] = yield* sql<{ readonly at: unknown }>`SELECT max(at) AS at FROM actions`
    const pauses = yield* HostGates.list
    const all = [jobs.map(({ id, version }) => [id, version]), String(acted?.at), pauses, yield* incidentLines]
    return new Map([
      ["overview", JSON.stringify(all)],
      ...jobs.map(({ id, version }) => [`job:${id}`, `${version}`] as const)
    ])
  })

  return { view, stamps }
}

/** A path that is no URI leads nowhere. */
const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** Tells the alerter of the silences that people asked for, in whichever process. */
export const keepSilences = (
  incidents: Incidents["Service"]
): Effect.Effect<void, never, SqlClient.SqlClient | Scope.Scope> =>
  Silences.list.pipe(
    Effect.map(incidents.silence),
    Effect.catchCause((cause) => Effect.logWarning("the silences could not be read", cause)),
    Effect.andThen(Effect.sleep("2 seconds")),
    Effect.forever,
    Effect.forkScoped,
    Effect.asVoid
  )
