/**
 * Errors with a level, a place and one reason, made from a catalogue.
 *
 * A reason class stands for one code of a catalogue. A job's or an item's error class joins the reasons of a level, and compiles only if
 * every code has one. Verdict, severity and texts are read from the catalogue on access.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import type * as ErrorReporter from "effect/ErrorReporter"
import type * as LogLevel from "effect/LogLevel"
import * as Schema from "effect/Schema"
import type * as Catalogue from "./Catalogue.ts"
import { fieldsOf } from "./internal/direct.ts"
import * as internal from "./internal/failure.ts"
import { isFailure as isMarked, TypeId as typeId } from "./internal/isFailure.ts"
import { checkReason, checkReasons } from "./internal/reasons.ts"
import * as stacks from "./internal/stacks.ts"
import type { Verdict } from "./Verdict.ts"

/**
 * The key that marks an error made with `Job` or `Item`; its value is the level of the error.
 *
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId = typeId

/**
 * The properties of every reason: `code`, the `detail` that refines it, its `row` of the catalogue, and values derived from these.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reason<Code extends string = string> {
  /** The code of the catalogue that the class of the reason stands for. */
  readonly code: Code
  /** The detail that refines the code: given, or found from the facts of the reason. Absent if there is none. */
  readonly detail?: string
  /**
   * The catalogue's row of the detail, or of the code if there is no detail. A code that the catalogue does not have is permanent, at
   * `Warn`.
   */
  readonly row: Catalogue.Detail
  /** The verdict of the row. A `retryAfter` of the reason turns a retryable verdict into `Throttled` with that wait. */
  readonly verdict: Verdict
  /** Whether the verdict allows another try without anyone acting first. */
  readonly isRetryable: boolean
  /** The code, the detail and the status, such as `host_returned_error not_found 404`. It contains no text of the other side. */
  readonly message: string
  readonly [ErrorReporter.severity]: LogLevel.Severity
}

/**
 * The properties of every error of a level. `lastError` is the text for people; `retryAfter` how long the other side asks to wait.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failure<Level extends Catalogue.Level = Catalogue.Level> {
  /** The level of the error. */
  readonly [TypeId]: Level
  /** The code of the reason. */
  readonly code: string
  /** The verdict of the reason. A class may override it, as `JobError` does for an ambiguous creation. */
  readonly verdict: Verdict
  /** Whether the verdict allows another try without anyone acting first. */
  readonly isRetryable: boolean
  /** How long the other side asks to wait, read from the verdict; `undefined` if it does not ask. */
  readonly retryAfter: Duration.Duration | undefined
  /** The text for people: the other side's own message, or else the catalogue's, filled with the facts of the reason. */
  readonly lastError: string
  /** The text for logs: the failed call or page, the code and the detail. Secrets in the URL are hidden. */
  readonly message: string
  /** The reason, so that logs print it below the error. The thrown value is the `cause` of the reason. */
  readonly cause: unknown
  readonly [ErrorReporter.severity]: LogLevel.Severity
  readonly [ErrorReporter.attributes]: Readonly<Record<string, unknown>>
}

/**
 * The code of a catalogue that a reason stands for. `detail` is its refinement, or a function that finds it from the reason's facts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Identity<C extends Catalogue.Catalogue, L extends Catalogue.Level, Code extends Catalogue.Code<C, L>> {
  /** The catalogue that has the code. */
  readonly catalogue: C
  /** The level of the code. */
  readonly level: L
  /** The code. A code that the catalogue does not have at this level does not compile; without types, it throws. */
  readonly code: Code
  /**
   * The detail of every reason of the class, or a function that finds it from the facts when the reason is made. Default: the `detail`
   * that a reason is given, if any.
   */
  readonly detail?: string | ((self: internal.Facts) => string | undefined) | undefined
}

/**
 * The fields of every reason: `detail` refines the code, `lastError` is the other side's message, `cause` the thrown value.
 *
 * @category schemas
 * @since 0.1.0
 */
export const facts = internal.facts

type ReasonFields<Tag extends string, Fields extends Schema.Struct.Fields> = Schema.TaggedStruct<
  Tag,
  typeof facts & Fields
>

/**
 * The base class of a reason: like `Schema.TaggedError`, with the code it stands for and the facts of every reason.
 *
 * @category constructors
 * @since 0.1.0
 */
export const Reason =
  <Self = never>(identifier: string) =>
  <
    Tag extends string,
    const C extends Catalogue.Catalogue,
    L extends Catalogue.Level,
    Code extends Catalogue.Code<C, L>,
    const Fields extends Schema.Struct.Fields = {}
  >(
    tag: Tag,
    identity: Identity<C, L, Code>,
    fields?: Fields
  ): Schema.Class<Self, ReasonFields<Tag, Fields>, Cause.YieldableError & Reason<Code>> => {
    const base = Schema.TaggedError<object>(identifier)(tag, { ...fields, ...facts })
    checkReason(tag, identity)
    internal.describeReason(base.prototype, identity)
    const known = fieldsOf(base, tag)
    const parent: Function = Object.getPrototypeOf(base)
    return class extends base {
      constructor(facts: never, options?: Schema.MakeOptions) {
        // The schema takes what is plain as it is, but it takes its time.
        const own = options === undefined ? known(facts) : undefined
        if (own !== undefined) return internal.refine(stacks.trace(Reflect.construct(parent, [own], new.target)))
        super(facts, options)
        internal.refine(stacks.trace(this))
      }
    } as never
  }

/**
 * A reason whose code the catalogue does not have, kept as it came. It is never retried, since nothing is known about it.
 *
 * @category reasons
 * @since 0.1.0
 */
export class Unrecognized
  extends /* @__PURE__ */ (() => {
    const base = Schema.TaggedError<Unrecognized, Omit<Reason, "code">>("@redrive/core/Unrecognized")("Unrecognized", {
      /** The code as it came. */
      code: Schema.String,
      /** The HTTP status of the answer or page. Default: absent. */
      status: Schema.optionalKey(Schema.Int),
      ...facts
    })
    internal.describeReason(base.prototype, undefined)
    return base
  })() {}

/** A class made with `Reason`. */
type ReasonClass = Schema.Codec<Reason, unknown> &
  (new (facts: never) => Reason) & { readonly prototype: Reason; readonly fields: Schema.Struct.Fields }

/**
 * The facts known before a reason is made; each class keeps those that it has a field for.
 *
 * @category models
 * @since 0.1.0
 */
export interface Known {
  /** The detail of the code. It chooses the class of the reason if a class stands for this detail. Default: found from the other facts. */
  readonly detail?: string
  /** The other side's own message. Default: the catalogue's message. */
  readonly lastError?: string
  /** The thrown value. Default: none. */
  readonly cause?: unknown
  /** The HTTP status of the answer or page. Default: none. */
  readonly status?: number
  /** How long the other side asks to wait. Default: it does not ask. */
  readonly retryAfter?: Duration.Duration
  readonly [name: string]: unknown
}

/**
 * Makes the reason of a code, from the class of its detail if there is one; `Unrecognized` if the catalogue has no such code.
 *
 * @category models
 * @since 0.1.0
 */
export type ReasonOf<R> = (code: string, known: Known) => R

/** Names the codes of a level that no reason class stands for. */
type Complete<C extends Catalogue.Catalogue, L extends Catalogue.Level, Reasons extends ReadonlyArray<ReasonClass>> = [
  Exclude<Catalogue.Code<C, L>, Reasons[number]["Type"]["code"]>
] extends [never]
  ? unknown
  : { readonly "codes without a reason": Exclude<Catalogue.Code<C, L>, Reasons[number]["Type"]["code"]> }

type FailureClass<
  Self,
  Level extends Catalogue.Level,
  Tag extends string,
  Reasons extends ReadonlyArray<ReasonClass>,
  Place extends Schema.Struct.Fields,
  Fields extends Schema.Struct.Fields
> = Schema.Class<
  Self,
  Schema.TaggedStruct<
    Tag,
    Omit<Place, keyof Fields> & Fields & { readonly reason: Schema.Union<readonly [...Reasons, typeof Unrecognized]> }
  >,
  Cause.YieldableError & Failure<Level>
> & {
  readonly reasonOf: ReasonOf<Reasons[number]["Type"] | Unrecognized>
  /** The HTTP statuses that the catalogue has for the codes of the level, and for their details. */
  readonly statuses: ReadonlyArray<number>
}

const make =
  <Level extends Catalogue.Level, const Place extends Schema.Struct.Fields>(level: Level, place: Place) =>
  <Self = never>(identifier: string) =>
  <
    Tag extends string,
    const C extends Catalogue.Catalogue,
    const Reasons extends ReadonlyArray<ReasonClass>,
    const Fields extends Schema.Struct.Fields = {}
  >(
    tag: Tag,
    catalogue: C,
    reasons: Reasons & Complete<C, Level, Reasons>,
    fields?: Fields
  ): FailureClass<Self, Level, Tag, Reasons, Place, Fields> => {
    checkReasons(tag, level, catalogue, reasons)
    const reason = Schema.Union([...reasons, Unrecognized])
    const base = Schema.TaggedError<object>(identifier)(tag, { ...place, ...fields, reason } as Schema.Struct.Fields)
    internal.describeFailure(base.prototype, level)
    const prototypes = new Set<unknown>([...reasons, Unrecognized].map(({ prototype }) => prototype))
    const known = fieldsOf(base, tag, { reason: (value) => prototypes.has(Object.getPrototypeOf(Object(value))) })
    const parent: Function = Object.getPrototypeOf(base)
    const type = class extends base {
      constructor(facts: never, options?: Schema.MakeOptions) {
        // The schema takes what is plain as it is, but it takes its time.
        const own = options === undefined ? known(facts) : undefined
        if (own !== undefined) return stacks.withStackOf(facts, () => Reflect.construct(parent, [own], new.target))
        super(facts, options)
      }
    }
    const reasonOf = internal.reasonMaker(reasons, Unrecognized)
    const placed = internal.statusesOf(level, catalogue[level])
    const statuses = [...new Set(placed.map(([, status]) => status))]
    return Object.assign(type, { reasonOf, statuses, [internal.placed]: placed }) as never
  }

const id = /* @__PURE__ */ Schema.optionalKey(Schema.String)

/**
 * The base class of a job's error: where it happened (`operation`, `jobId`) and one of the reasons, which cover the catalogue's job
 * codes. `fields` are added, or take the place of those.
 *
 * @category constructors
 * @since 0.1.0
 */
export const Job = /* @__PURE__ */ make("job", { operation: Schema.String, jobId: id })

/**
 * The base class of an item's error: where it happened (`url`, `itemId`, `jobId`) and one of the reasons, which cover the
 * catalogue's item codes. `fields` are added, or take the place of those.
 *
 * @category constructors
 * @since 0.1.0
 */
export const Item = /* @__PURE__ */ make("item", { jobId: id, itemId: id, url: id })

/**
 * An error of either level, from any catalogue: its properties, its reason and its place.
 *
 * @category models
 * @since 0.1.0
 */
export interface Any extends Failure {
  /** Why it failed, with the facts that are known. */
  readonly reason: Reason & internal.Facts
  /** The id of the job. Absent if it is not known. */
  readonly jobId?: string
  /** The id of the item. Absent for an error of a job, or if it is not known. */
  readonly itemId?: string
  /** The URL of the page. Absent for an error of a job, or if it is not known. */
  readonly url?: string
}

/**
 * Whether a value is an error made with `Job` or `Item`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isFailure = (u: unknown): u is Any => isMarked(u)

/**
 * The HTTP status of an answer that carries a failure or a reason. It is the status of the detail, else of the code; 500 for a code that
 * the catalogue does not have. Every `ItemError` has 200, since a job whose items failed is answered with 200 and lists them.
 *
 * @category getters
 * @since 0.1.0
 */
export const statusOf = (self: Failure | Reason): number =>
  internal.statusOf("reason" in self ? (self.reason as Reason) : self)

/**
 * Makes errors without stack traces, which are their main cost: for expected failures on hot paths.
 *
 * An error made of a reason that has a stack trace shows that one, so that only the reason costs it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const withoutStack: <A>(make: () => A) => A = stacks.withoutStack
