import type * as Duration from "effect/Duration"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Schema from "effect/Schema"
import * as Catalogue from "../Catalogue.ts"
import { Cause } from "./cause.ts"
import { TypeId } from "./isFailure.ts"
import { hostOf, withoutSecrets } from "./secrets/url.ts"
import * as Verdict from "../Verdict.ts"

export const facts = {
  detail: Schema.optionalKey(Schema.String),
  lastError: Schema.optionalKey(Schema.String),
  cause: Schema.optionalKey(Cause)
}

/** The fields of `facts`, and those that only some reasons have. */
export interface Facts {
  readonly code: string
  readonly detail?: string
  readonly lastError?: string
  readonly status?: number
  readonly retryAfter?: Duration.Duration
  readonly cause?: unknown
}

/** The key of the HTTP status of answers with a reason; `status` itself is a fact of some reasons. */
const answered = "~@redrive/core/answered"

/** The key of the function that finds a reason's detail from its facts. */
const detailOf = "~@redrive/core/detail"

/** A reason as seen by its own getters and those of its error. */
interface Reason extends Facts {
  readonly row: Catalogue.Detail
  readonly verdict: Verdict.Verdict
  readonly message: string
  readonly template: string
  readonly [answered]: number
  readonly [detailOf]?: (self: Facts) => string | undefined
}

interface Identity {
  readonly catalogue: Catalogue.Catalogue
  readonly level: Catalogue.Level
  readonly code: string
  readonly detail?: string | ((self: Facts) => string | undefined) | undefined
}

/** The row of an unknown code, which is not retried. */
const unrecognized: Catalogue.Detail = { verdict: Verdict.permanent, severity: "Warn", actor: "caller" }

export const statusOf = (reason: object): number => (reason as { readonly [answered]: number })[answered]

/** The key of every HTTP status of an error class, by its place in the catalogue. */
export const placed = "~@redrive/core/placed"

export type Placed = ReadonlyArray<readonly [place: string, status: number]>

/** Every HTTP status of a level, with its place. */
export const statusesOf = (level: Catalogue.Level, codes: Catalogue.Catalogue[Catalogue.Level]): Placed =>
  Object.entries(codes).flatMap(([code, { details, status }]): Placed => [
    [`${level}.${code}.status`, status],
    ...Object.entries(details).flatMap(([detail, row]): Placed =>
      row.status === undefined ? [] : [[`${level}.${code}.details.${detail}.status`, row.status]]
    )
  ])

/** Defines getters on a reason's prototype that read the catalogue. */
export const describeReason = (prototype: object, identity: Identity | undefined): void => {
  const entry = identity && Catalogue.entry(identity.catalogue, identity.level, identity.code)
  const getters = {
    row: ({ detail }: Reason) => (entry && Catalogue.refine(entry, detail)) ?? unrecognized,
    verdict: (self: Reason) => heed(self.row.verdict, self),
    isRetryable: (self: Reason) => Verdict.isRetryable(self.verdict),
    [answered]: (self: Reason) => self.row.status ?? entry?.status ?? 500,
    template: (self: Reason) => self.row.message ?? entry?.message ?? self.code,
    message: ({ code, detail, status }: Reason) =>
      [code, detail, status || undefined].filter((fact) => fact !== undefined).join(" "),
    [ErrorReporter.severity]: (self: Reason) => self.row.severity
  }
  define(prototype, identity === undefined ? getters : { ...getters, code: () => identity.code })
  const detail = identity?.detail
  Object.assign(prototype, { [typeof detail === "string" ? "detail" : detailOf]: detail })
}

/** The detail that a reason's facts tell, whatever it was made with. */
export const foundDetail = (reason: object): string | undefined => (reason as Reason)[detailOf]?.(reason as Reason)

/** Gives a reason the detail that its class or its facts tell, unless it was made with one. */
export const refine = <A extends object>(self: A): A => {
  const reason = self as { detail?: string }
  const detail = reason.detail ?? foundDetail(self)
  if (detail !== undefined) reason.detail = detail
  return self
}

type ReasonClass = (new (facts: never) => object) & {
  readonly prototype: { readonly code: string; readonly detail?: string }
}

/** Finds the class of a code, first by its detail, and makes a reason from the known facts. */
export const reasonMaker = (classes: ReadonlyArray<ReasonClass>, unknown: ReasonClass) => {
  const known = new Map<string, ReadonlyArray<ReasonClass>>()
  for (const type of classes) {
    const { code } = type.prototype
    known.set(code, [...(known.get(code) ?? []), type])
  }
  return (code: string, facts: { readonly detail?: string }): object => {
    const types = known.get(code)
    const type = types?.find(({ prototype }) => prototype.detail === facts.detail) ?? types?.[0] ?? unknown
    const whole = { ...facts, code } as never
    try {
      return new type(whole)
    } catch {
      // The class requires fields that are not known. The catalogue's row of the code still applies.
      const known = Object.assign(Object.create(type.prototype) as Reason, facts)
      refine(known)
      const { [answered]: status, row, template } = known
      return Object.assign(new unknown(whole), { row: { ...row, status, message: template } })
    }
  }
}

/** Honours a wait that the other side asks for if a retry may help; a 413 is retryable only with such a wait. */
const heed = (verdict: Verdict.Verdict, { retryAfter, status }: Facts): Verdict.Verdict =>
  retryAfter !== undefined && (Verdict.isRetryable(verdict) || status === 413) ? Verdict.throttled(retryAfter) : verdict

/** An error of a level as seen by its getters: a job's has an operation, an item's a URL. */
interface Failure {
  readonly isAmbiguous?: boolean
  readonly operation?: string
  readonly jobId?: string
  readonly itemId?: string
  readonly url?: string
  readonly reason: Reason
  readonly verdict: Verdict.Verdict
  readonly lastError: string
}

/** Defines getters on an error's prototype that read its reason and its place. */
export const describeFailure = (prototype: object, level: Catalogue.Level): void => {
  define(prototype, {
    [TypeId]: () => level,
    cause: ({ reason }: Failure) => reason,
    code: ({ reason }: Failure) => reason.code,
    verdict: ({ reason }: Failure) => reason.verdict,
    isRetryable: ({ verdict }: Failure) => Verdict.isRetryable(verdict),
    retryAfter: ({ verdict }: Failure) => Verdict.retryAfter(verdict),
    lastError: ({ reason, url }: Failure) => textOf(reason, url),
    message: level === "job" ? messageOfJob : messageOfItem,
    [ErrorReporter.severity]: ({ reason }: Failure) => reason.row.severity,
    [ErrorReporter.attributes]: ({ itemId, jobId, operation, reason, url }: Failure) => {
      const { code, detail, row } = reason
      const facts = { level, code, detail, actor: row.actor, jobId }
      if (level === "job") return { ...facts, operation }
      return { ...facts, itemId, ...(url === undefined ? {} : { url: withoutSecrets(url), host: hostOf(url) }) }
    }
  })
}

/** The other side's message, or else the catalogue's, filled with the reason's facts. */
export const textOf = (reason: object, url?: string): string => {
  const { lastError, status, template } = reason as Reason
  if (lastError !== undefined) return lastError
  const host = url === undefined ? {} : { host: hostOf(url) ?? url }
  return Catalogue.render(template, { field: "request", ...reason, status: status ?? 0, ...host })
}

const messageOfJob = ({ isAmbiguous, jobId, lastError, operation = "run", reason }: Failure): string =>
  `${operation}${jobId === undefined ? "" : ` of job ${jobId}`} failed${isAmbiguous ? ", ambiguous" : ""}: ${reason.message}: ${lastError}`

const messageOfItem = ({ itemId, lastError, reason, url }: Failure): string => {
  if (url !== undefined) return `${reason.message} at ${withoutSecrets(url)}`
  return `${reason.message}${itemId === undefined ? "" : ` at item ${itemId}`}: ${lastError}`
}

const define = (prototype: object, getters: { readonly [name: PropertyKey]: (self: never) => unknown }): void => {
  for (const name of Reflect.ownKeys(getters)) {
    const getter = getters[name] as (self: unknown) => unknown
    Object.defineProperty(prototype, name, {
      configurable: true,
      get() {
        return getter(this)
      },
      // Setting a getter's value, such as a severity, overrides it for this error.
      set(value: unknown) {
        Object.defineProperty(this, name, { configurable: true, writable: true, value })
      }
    })
  }
}
