/**
 * The one table of what can go wrong: what each failure means, says, merits, and who must act.
 *
 * A failure's identity is (level, code): `internal_error` of a job is not `internal_error` of an item. A `detail` refines a
 * code without adding to the closed set that goes on the wire. Everything else is derived from the table and repeats nothing.
 *
 * @since 0.1.0
 */
import type * as LogLevel from "effect/LogLevel"
import type * as Verdict from "./Verdict.ts"

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
 * What a failure merits: its verdict, how loud it is, and who acts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Row {
  readonly verdict: Verdict.Verdict
  readonly severity: LogLevel.Severity
  readonly actor: Actor
}

/**
 * A refinement of a code. `status` and `message` override the code's; `pages` lists the page statuses that mean it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Detail extends Row {
  readonly status?: number
  readonly message?: string
  readonly pages?: ReadonlyArray<number>
}

/**
 * A code: HTTP status of the answer that carries it, message template (`{name}` stands for a fact), meaning, and details.
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
 * A catalogue that keeps its codes and details as literal types.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <const C extends Catalogue>(catalogue: C): C => catalogue

/**
 * The codes that a catalogue has at a level.
 *
 * @category models
 * @since 0.1.0
 */
export type Code<C extends Catalogue, L extends Level> = Extract<keyof C[L], string>

/**
 * What a failure merits: the row of its detail if the catalogue has one, else of its code, else nothing.
 *
 * @category getters
 * @since 0.1.0
 */
export const row = (catalogue: Catalogue, level: Level, code: string, detail?: string): Detail | undefined => {
  const entry = own(catalogue[level], code)
  return entry === undefined || detail === undefined ? entry : (own(entry.details, detail) ?? entry)
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
 * A message template with its facts filled in; a fact that is missing stays visible as `{name}`.
 *
 * @category formatting
 * @since 0.1.0
 */
export const render = (template: string, facts: { readonly [name: string]: string | number }): string =>
  template.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const fact = own(facts, name)
    return fact === undefined ? whole : String(fact)
  })

// A code comes off the wire: "constructor" must not find Object's.
const own = <A>(record: { readonly [key: string]: A }, key: string): A | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined
