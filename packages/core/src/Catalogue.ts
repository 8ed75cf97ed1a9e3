/**
 * The catalogue of failures: the meaning, message, verdict and severity of each, and who must act.
 *
 * A failure's identity is (level, code): `internal_error` of a job is not `internal_error` of an item. A `detail` refines a code without
 * adding to the closed set of codes on the wire. Everything else about a failure is derived from the catalogue.
 *
 * @since 0.1.0
 */
import type * as LogLevel from "effect/LogLevel"
import { checkCatalogue } from "./internal/catalogue.ts"
import type { Verdict } from "./internal/verdict.ts"

/**
 * Where a failure happened: the whole job failed to run, or one item of it failed.
 *
 * @category models
 * @since 0.1.0
 */
export type Level = "job" | "item"

/**
 * Who has to act before the failure goes away.
 *
 * @category models
 * @since 0.1.0
 */
export type Actor = "caller" | "site owner" | "operator" | "nobody"

/**
 * What became of a request that failed: it was never sent (`unsent`), the other side refused it, so that it had no effect (`refused`), it
 * may have been carried out (`sent`), or the failure does not tell (`unknown`).
 *
 * @category models
 * @since 0.1.0
 */
export type Request = "unsent" | "refused" | "sent" | "unknown"

/**
 * How to treat a failure: its verdict, its severity, who acts, and what became of the request.
 *
 * @category models
 * @since 0.1.0
 */
export interface Row {
  readonly verdict: Verdict
  readonly severity: LogLevel.Severity
  readonly actor: Actor
  /** What became of the request: a creation is sent again only after `unsent` and `refused`. Default: `unknown`, which counts as sent. */
  readonly request?: Request
}

/**
 * A refinement of a code.
 *
 * `status` and `message` override the code's. `pages` lists the page statuses that mean this detail. `extended` replaces the code on a
 * wire that allows more than the closed set.
 *
 * @category models
 * @since 0.1.0
 */
export interface Detail extends Row {
  readonly status?: number
  readonly message?: string
  readonly pages?: ReadonlyArray<number>
  readonly extended?: string
}

/**
 * A code: the HTTP status of answers that carry it, a message template (`{name}` stands for a fact), its meaning, and its details.
 *
 * @category models
 * @since 0.1.0
 */
export interface Entry extends Row {
  readonly status: number
  readonly message: string
  readonly meaning: string
  readonly details: { readonly [detail: string]: Detail }
}

/**
 * Both levels, each a closed set of codes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Catalogue {
  readonly job: { readonly [code: string]: Entry }
  readonly item: { readonly [code: string]: Entry }
}

/**
 * A catalogue as `make` returns it: a level that was left out has no codes.
 *
 * @category models
 * @since 0.1.0
 */
export type Made<C extends Partial<Catalogue>> = {
  readonly [L in Level]: C extends { readonly [K in L]: infer Codes extends Catalogue[L] } ? Codes : {}
}

/** Requires an impossible type of unknown names, so that the compiler's error points at the name. */
type Unknown<T, Known extends PropertyKey, What extends string> = {
  readonly [K in Exclude<keyof T, Known>]: { readonly [W in What]: Known }
}

type Strange<C> = Unknown<C, Level, "not a level; the levels are"> & {
  readonly [L in keyof C & Level]: {
    readonly [Code in keyof C[L]]: Unknown<C[L][Code], keyof Entry, "not a column of a code; the columns are"> &
      (C[L][Code] extends { readonly details: infer Details }
        ? {
            readonly details: {
              readonly [D in keyof Details]: Unknown<
                Details[D],
                keyof Detail,
                "not a column of a detail; the columns are"
              >
            }
          }
        : unknown)
  }
}

/**
 * Makes a catalogue whose codes and details are literal types. A level without codes may be left out.
 *
 * Throws an error that lists every mistake by level, code and column, with the allowed values.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <const C extends Partial<Catalogue>>(catalogue: C & Strange<C>): Made<C> => {
  checkCatalogue(catalogue)
  return Object.assign({ job: {}, item: {} }, catalogue) as never
}

/**
 * The codes that a catalogue has at a level.
 *
 * @category models
 * @since 0.1.0
 */
export type Code<C extends Catalogue, L extends Level> = Extract<keyof C[L], string>

/**
 * The entry of a code, if the catalogue has it at that level.
 *
 * @category getters
 * @since 0.1.0
 */
export const entry = (catalogue: Catalogue, level: Level, code: string): Entry | undefined =>
  own(catalogue[level], code)

/**
 * The row for a failure of a code: that of its detail if the entry has one, else the entry itself.
 *
 * @category getters
 * @since 0.1.0
 */
export const refine = (self: Entry, detail: string | undefined): Detail =>
  detail === undefined ? self : (own(self.details, detail) ?? self)

/**
 * The row for a failure: that of its detail, else of its code; `undefined` if the catalogue has neither.
 *
 * @category getters
 * @since 0.1.0
 */
export const row = (catalogue: Catalogue, level: Level, code: string, detail?: string): Detail | undefined => {
  const found = entry(catalogue, level, code)
  return found && refine(found, detail)
}

/**
 * The anchor of a code's heading in the documentation.
 *
 * @category getters
 * @since 0.1.0
 */
export const anchor = (level: Level, code: string): string => `${level}-${code}`

/**
 * The code and the detail behind an extended code, for readers that know only the closed set.
 *
 * @category getters
 * @since 0.1.0
 */
export const fallback = (
  catalogue: Catalogue,
  level: Level,
  extended: string
): { readonly code: string; readonly detail: string } | undefined => {
  for (const [code, { details }] of Object.entries(catalogue[level])) {
    const detail = Object.keys(details).find((name) => details[name]?.extended === extended)
    if (detail !== undefined) return { code, detail }
  }
  return undefined
}

/**
 * The code, and the detail if any, whose answers have an HTTP status, if the catalogue lists that status.
 *
 * @category getters
 * @since 0.1.0
 */
export const ofStatus = (
  catalogue: Catalogue,
  level: Level,
  status: number
): { readonly code: string; readonly detail?: string } | undefined => {
  for (const [code, { details, status: own }] of Object.entries(catalogue[level])) {
    const detail = Object.keys(details).find((name) => details[name]?.status === status)
    if (detail !== undefined) return { code, detail }
    if (own === status) return { code }
  }
  return undefined
}

/**
 * The detail that a page's HTTP status means under a code, if the catalogue lists it.
 *
 * @category getters
 * @since 0.1.0
 */
export const detailOfPage = (entry: Entry, status: number): string | undefined =>
  Object.keys(entry.details).find((detail) => entry.details[detail]?.pages?.includes(status) === true)

/**
 * Fills a message template with facts; a missing fact stays visible as `{name}`.
 *
 * @category formatting
 * @since 0.1.0
 */
export const render = (template: string, facts: { readonly [name: string]: unknown }): string =>
  template.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const fact = own(facts, name)
    return typeof fact === "string" || typeof fact === "number" ? String(fact) : whole
  })

// A code comes off the wire: "constructor" must not find Object's.
const own = <A>(record: { readonly [key: string]: A }, key: string): A | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined
