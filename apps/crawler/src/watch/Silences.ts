/**
 * The silences that people asked for on the page. Every process of a database keeps them.
 */
import { randomUUID } from "node:crypto"
import * as Route from "@redrive/alert/Route"
import { catalogue } from "@redrive/core/CrawlCatalogue"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { type Filter, inWords } from "./Filter.ts"
import type { SilenceLine } from "./Model.ts"

const Json = Schema.fromJsonString(Schema.toCodecJson(Route.Silence))
const encode = Schema.encodeSync(Json)
const decode = Schema.decodeSync(Json)

/** The levels that have a code: a job that cannot be paid is an incident, too. */
const levelsOf = (code: string | undefined) => {
  const levels = (["job", "item"] as const).filter(
    (level) => code !== undefined && Object.hasOwn(catalogue[level], code)
  )
  return Arr.isReadonlyArrayNonEmpty(levels) ? levels : (["item"] as const)
}

/** What a silence matches. */
const matchOf = ({ actor, code, detail, host }: Filter): Route.Match => {
  const actors = isActor(actor) ? ([actor] as const) : undefined
  return {
    levels: levelsOf(code),
    ...(code !== undefined && { codes: [detail === undefined ? code : `${code}/${detail}`] as const }),
    ...(host !== undefined && { hosts: [host] as const }),
    ...(actors !== undefined && { actors })
  }
}

const isActor = Schema.is(Schema.Literals(["caller", "site owner", "operator", "nobody"]))

/** Begins a silence of alerts (`ofAlerts`) that lasts for some minutes. */
export const begin = Effect.fnUntraced(function* (
  filter: Filter,
  options: { readonly by: string; readonly minutes: number; readonly why: string }
): Effect.fn.Return<void, SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const from = yield* Clock.currentTimeMillis
  const until = from + options.minutes * 60_000
  const silence = encode({ name: options.why, by: options.by, match: matchOf(filter), from, until })
  yield* sql`INSERT INTO silences ${sql.insert({ id: randomUUID(), since: from, until, silence })}`
})

/** The silences that are not over. */
export const list: Effect.Effect<ReadonlyArray<Route.Silence>, SqlError, SqlClient.SqlClient> = Effect.gen(
  function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql<{ readonly silence: string }>`SELECT silence FROM silences
      WHERE until > ${yield* Clock.currentTimeMillis} ORDER BY since DESC LIMIT 100`
    return rows.map(({ silence }) => decode(silence))
  }
)

/** As the page shows it. */
export const lineOf = ({ by, from, match, name, until }: Route.Silence): SilenceLine => {
  const [code, detail] = match.codes?.[0]?.split("/") ?? []
  const [actor, host] = [match.actors?.[0], match.hosts?.[0]]
  const filter = {
    ...(code !== undefined && { code }),
    ...(detail !== undefined && { detail }),
    ...(actor !== undefined && { actor }),
    ...(host !== undefined && { host })
  }
  return { name, by, from, until, about: inWords(filter) }
}
