import * as ErrorReporter from "effect/ErrorReporter"
import * as Schema from "effect/Schema"
import * as Catalogue from "../Catalogue.ts"
import { catalogue } from "../CrawlCatalogue.ts"
import * as Verdict from "../Verdict.ts"

/** What every reason tells of itself; all but the code's name is derived from the catalogue. */
export interface Reason<Code extends string = string> {
  readonly code: Code
  /** The `detail`, given or derived. */
  readonly kind: string | undefined
  readonly row: Catalogue.Detail
  readonly verdict: Verdict.Verdict
  readonly isRetryable: boolean
  readonly message: string
}

/** Fields that any reason may carry besides its own. */
export const facts = {
  detail: Schema.optionalKey(Schema.String),
  lastError: Schema.optionalKey(Schema.String),
  cause: Schema.optionalKey(Schema.Defect())
}

/** The fields of `facts`, and of the reasons that have them, as `derive` reads them. */
export interface Facts {
  readonly code: string
  readonly detail?: string
  readonly lastError?: string
  readonly status?: number
  readonly retryAfter?: Parameters<typeof Verdict.throttled>[0]
}

/** A code that the catalogue does not have: nothing is known, so nothing is retried. */
const unrecognized: Catalogue.Detail = { verdict: Verdict.permanent, severity: "Warn", actor: "caller" }

/** The text for people: what the other side said, else the catalogue's message with its facts filled in. */
export const textOf = (
  level: Catalogue.Level,
  reason: Pick<Reason, "code" | "row"> & { readonly lastError?: string },
  facts: { readonly [name: string]: string | number }
): string => {
  const template = reason.row.message ?? Catalogue.row(catalogue, level, reason.code)?.message ?? reason.code
  return reason.lastError ?? Catalogue.render(template, facts)
}

/**
 * Defines on a reason class what the catalogue says about its level and code.
 *
 * `detail` finds the refinement of an instance that does not name its own. A class that carries its code as a field passes none.
 */
export const derive = (
  reason: { readonly prototype: Reason },
  level: Catalogue.Level,
  code?: string,
  detail: (self: Facts) => string | undefined = () => undefined
): void => {
  const detailOf = (self: Facts) => self.detail ?? detail(self)
  const rowOf = (self: Facts) => Catalogue.row(catalogue, level, self.code, detailOf(self)) ?? unrecognized
  const verdictOf = (self: Facts) => heed(rowOf(self).verdict, self)
  const getters: { readonly [Key in keyof Reason]?: (self: Facts) => unknown } = {
    ...(code === undefined ? {} : { code: () => code }),
    kind: detailOf,
    row: rowOf,
    verdict: verdictOf,
    isRetryable: (self) => Verdict.isRetryable(verdictOf(self)),
    message: (self) =>
      [self.code, detailOf(self), self.status || undefined].filter((fact) => fact !== undefined).join(" ")
  }
  for (const [name, get] of Object.entries(getters)) define(reason.prototype, name, get)
  define(reason.prototype, ErrorReporter.severity, (self) => rowOf(self).severity)
}

const define = (prototype: object, name: string, get: (self: Facts) => unknown): void => {
  Object.defineProperty(prototype, name, {
    configurable: true,
    get(this: Facts) {
      return get(this)
    }
  })
}

/** A site that says when to come back is heeded wherever a retry may help; a 413 may only help with such a word. */
const heed = (verdict: Verdict.Verdict, self: Facts): Verdict.Verdict =>
  self.retryAfter !== undefined && (Verdict.isRetryable(verdict) || self.status === 413)
    ? Verdict.throttled(self.retryAfter)
    : verdict
