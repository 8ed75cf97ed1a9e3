/**
 * What people do on the page. Each action is about a filter, a job, a host or an account, is noted with who did it, and leads back to a view.
 */
import type { Store, StoreError } from "@redrive/durable/Store"
import type * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { Accounts } from "../service/Accounts.ts"
import { Crawler } from "../service/Crawler.ts"
import * as HostGates from "../service/HostGates.ts"
import { Jobs } from "../service/Jobs.ts"
import { isUnpaid } from "../service/rows.ts"
import * as ActionLog from "./ActionLog.ts"
import * as Again from "./Again.ts"
import { type Filter, inWords, ofAlerts } from "./Filter.ts"
import * as Items from "./Items.ts"
import * as Silences from "./Silences.ts"
import * as Watch from "./Watch.ts"
import { Wrong } from "./Wrong.ts"

/** What was sent. */
export interface Sent {
  readonly form: URLSearchParams
  readonly filter: Filter
  readonly policy: RetryPolicy.RetryPolicy
}

type Needs = Accounts | Crawler | Jobs | SqlClient.SqlClient | Store

/** Gives where to go on. */
export type Action = (sent: Sent) => Effect.Effect<string, SqlError | StoreError | Wrong, Needs>

const who = "operator"

const invalid = (wrong: string, advice: string) => new Wrong({ status: 400, wrong, advice })

/** A number that a field of the form has. */
const numberOf = (form: URLSearchParams, field: string, minimum: number, maximum: number) => {
  const text = form.get(field) ?? ""
  const value = Number(text)
  return text !== "" && value >= minimum && value <= maximum
    ? Effect.succeed(value)
    : invalid(
        `${field} is ${text === "" ? "missing" : "no number that can be"}`,
        `Give a number from ${minimum} to ${maximum}.`
      )
}

const textOf = (form: URLSearchParams, field: string) => {
  const text = (form.get(field) ?? "").trim().slice(0, 200)
  return text === "" ? invalid(`${field} is missing`, "Fill it in: others read it later.") : Effect.succeed(text)
}

const redrive: Action = Effect.fnUntraced(function* ({ filter, form, policy }) {
  const crawler = yield* Crawler
  const pace = (yield* numberOf(form, "pace", 0, 3600)) * 1000
  const id = yield* textOf(form, "id")
  const works = yield* Again.redrive(filter, policy, { id, who, final: form.get("final") === "on", pace })
  for (const work of works) yield* crawler.start(work)
  const [first] = works
  return works.length === 1 && first !== undefined ? `/jobs/${first.id}` : "/"
})

/** The longest pause and silence: a week. */
const mostMinutes = 10_080

const pause: Action = Effect.fnUntraced(function* ({ filter, form }) {
  const minutes = yield* numberOf(form, "minutes", 1, mostMinutes)
  const why = yield* textOf(form, "why")
  const groups = filter.host === undefined ? yield* Items.groups(filter) : []
  const hosts = filter.host === undefined ? [...new Set(groups.map(({ host }) => host))] : [filter.host]
  const until = DateTime.makeUnsafe((yield* Clock.currentTimeMillis) + minutes * 60_000)
  yield* Effect.forEach(hosts.slice(0, mostHosts), (host) => HostGates.pause(host, { until, why, by: who }))
  yield* ActionLog.note({
    who,
    what: "pause",
    about: `${inWords(filter)}, for ${minutes} min: ${why}`,
    count: hosts.length
  })
  return "/hosts"
})

/** The list of gates has no more. */
const mostHosts = 500

const open: Action = Effect.fnUntraced(function* ({ form }) {
  const host = yield* textOf(form, "host")
  if (yield* HostGates.open(host)) yield* ActionLog.note({ who, what: "open", about: `host ${host}`, count: 1 })
  return "/hosts"
})

const silence: Action = Effect.fnUntraced(function* ({ filter, form }) {
  if (filter.next !== undefined)
    return yield* invalid("Pages that wait have no alerts", "Ask for pages without a time of their next attempt.")
  const about = ofAlerts(filter)
  if (about === undefined)
    return yield* invalid("This would silence all alerts", "Ask for pages by code, by host or by who acts.")
  const minutes = yield* numberOf(form, "minutes", 1, mostMinutes)
  const why = yield* textOf(form, "why")
  yield* Silences.begin(about, { by: who, minutes, why })
  yield* ActionLog.note({ who, what: "silence", about: `${inWords(about)}, for ${minutes} min: ${why}`, count: 1 })
  return "/incidents"
})

const cancel: Action = Effect.fnUntraced(function* ({ form }) {
  const id = yield* textOf(form, "job")
  const left = yield* Watch.left(id)
  if (Option.isNone(left)) return yield* invalid("There is no such job", "It may have been deleted.")
  yield* (yield* Crawler).cancel(id)
  yield* ActionLog.note({ who, what: "cancel", about: `job ${id}`, count: left.value })
  return `/jobs/${id}`
})

const topUp: Action = Effect.fnUntraced(function* ({ form }) {
  const account = yield* textOf(form, "account")
  const dollars = yield* numberOf(form, "dollars", 0.01, 1_000_000)
  const payment = yield* textOf(form, "id")
  const sql = yield* SqlClient.SqlClient
  const accounts = yield* Accounts
  yield* sql.withTransaction(
    Effect.gen(function* () {
      const paid = yield* accounts.topUp(account, Math.round(dollars * 1_000_000), payment)
      if (Option.isNone(paid))
        return yield* invalid(`There is no account ${account}`, "The list of accounts has those that there are.")
      yield* ActionLog.note({ who, what: "top up", about: `account ${account} by $${dollars} (${payment})`, count: 1 })
    })
  )
  if (form.get("again") === "on") yield* resume(account)
  return "/accounts"
})

/** Takes up the jobs of an account that stopped since it could not pay. */
const resume = Effect.fnUntraced(function* (account: string) {
  const sql = yield* SqlClient.SqlClient
  const [jobs, crawler] = [yield* Jobs, yield* Crawler]
  const stopped = yield* sql<{ readonly id: string }>`SELECT id FROM jobs
    WHERE account_id = ${account} AND ${isUnpaid(sql)} LIMIT 500`
  for (const { id } of stopped) {
    const work = yield* jobs.resume(id)
    if (Option.isSome(work)) yield* crawler.start(work.value)
  }
})

export const actions: { readonly [name: string]: Action } = {
  redrive,
  pause,
  open,
  silence,
  cancel,
  "top-up": topUp
}
