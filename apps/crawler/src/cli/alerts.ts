/**
 * `alerts plan` and `alerts describe`: who would be told of which failure, without telling anybody.
 */
import * as Route from "@redrive/alert/Route"
import * as Catalogue from "@redrive/core/Catalogue"
import { catalogue } from "@redrive/core/CrawlCatalogue"
import type * as Report from "@redrive/core/Report"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { DescribeFlags, PlanFlags } from "./commands.ts"
import { Problem, whyOf } from "./Problem.ts"
import * as Table from "./Table.ts"

const advice = "See apps/crawler/alert-routes.json for an example."

/** The routes in a JSON file; what is wrong with it is named, with the place. */
const read = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* Effect.mapError(
    fs.readFileString(file),
    (error) => new Problem({ wrong: `cannot read ${file}: ${whyOf(error)}.`, advice })
  )
  const json = yield* Effect.try({
    try: (): unknown => JSON.parse(text),
    catch: (error) => new Problem({ wrong: `${file} is no JSON: ${oneLine(error)}.`, advice })
  })
  return yield* Effect.mapError(
    Route.fromJson(json),
    (error) => new Problem({ wrong: `${file} has wrong routes: ${oneLine(error)}.`, advice })
  )
})

const oneLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, " ").trim()

export const describe = ({ routes: file }: DescribeFlags) =>
  Effect.flatMap(read(file), (routes) => Console.log(Route.describe(routes).join("\n")))

interface Kind {
  readonly level: Catalogue.Level
  readonly code: string
}

/** Every kind of failure of the catalogue, jobs first. */
const kinds: ReadonlyArray<Kind> = (["job", "item"] as const).flatMap((level) =>
  Object.keys(catalogue[level]).map((code) => ({ level, code }))
)

const detailsOf = ({ code, level }: Kind): ReadonlyArray<string> =>
  Object.keys(Catalogue.entry(catalogue, level, code)?.details ?? {})

const known = (names: ReadonlyArray<string>): string =>
  names.length === 0 ? "There are none." : `There are ${[...new Set(names)].join(", ")}.`

/** The report that a failure of a kind would have. */
const reportOf = ({ code, level }: Kind, { detail, host, severity }: PlanFlags): Report.Report => {
  const given = Option.getOrUndefined(detail)
  const row = Catalogue.row(catalogue, level, code, given)
  return {
    level,
    code,
    ...(given !== undefined && { detail: given }),
    ...(Option.isSome(host) && { host: host.value }),
    message: row?.message ?? code,
    severity: Option.getOrElse(severity, () => row?.severity ?? "Error"),
    actor: row?.actor ?? "operator",
    attributes: {},
    causes: [],
    fingerprint: ""
  }
}

export const plan = Effect.fnUntraced(function* (flags: PlanFlags) {
  const routes = yield* read(flags.routes)
  const code = Option.getOrUndefined(flags.code)
  const ofCode = kinds.filter((kind) => code === undefined || kind.code === code)
  if (ofCode.length === 0) {
    return yield* new Problem({
      wrong: `no failure has the code ${code}.`,
      advice: known(kinds.map((kind) => kind.code))
    })
  }
  const detail = Option.getOrUndefined(flags.detail)
  const asked = ofCode.filter((kind) => detail === undefined || detailsOf(kind).includes(detail))
  if (asked.length === 0) {
    return yield* new Problem({
      wrong: `no failure${code === undefined ? "" : ` with the code ${code}`} has the detail ${detail}.`,
      advice: known(ofCode.flatMap(detailsOf))
    })
  }
  const now = Option.isSome(flags.at) ? DateTime.toEpochMillis(flags.at.value) : yield* Clock.currentTimeMillis
  const rows = asked.flatMap((kind) => {
    const report = reportOf(kind, flags)
    const planned = Route.plan(routes, report, now)
    const name = [kind.level, kind.code, report.severity]
    if (planned.length === 0) return [[...name, "-", "nobody: no route matches", ""]]
    return planned.map(({ after, at, route, sinks }) => [
      ...name,
      route,
      sinks.length === 0 ? "nobody" : sinks.join(", "),
      sinks.length === 0 ? "" : `${after === undefined ? "" : `after ${after}, `}in ${(at - now) / 1000} s`
    ])
  })
  const head = ["level", "code", "severity", "route", "who is told", "when"]
  yield* Console.log(Table.lines(head, rows).join("\n"))
})
