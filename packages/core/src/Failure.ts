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
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Catalogue from "./Catalogue.ts"
import { checkReason, checkReasons } from "./internal/catalogue.ts"
import * as internal from "./internal/failure.ts"
import type { Verdict } from "./internal/verdict.ts"

/**
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId = internal.TypeId

/**
 * The properties of every reason: `code`, the `detail` that refines it, its `row` of the catalogue, and values derived from these.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reason<Code extends string = string> {
  readonly code: Code
  readonly detail?: string
  readonly row: Catalogue.Detail
  readonly verdict: Verdict
  readonly isRetryable: boolean
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
  readonly [TypeId]: Level
  readonly code: string
  readonly verdict: Verdict
  readonly isRetryable: boolean
  readonly retryAfter: Duration.Duration | undefined
  readonly lastError: string
  readonly message: string
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
  readonly catalogue: C
  readonly level: L
  readonly code: Code
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
    return class extends base {
      constructor(facts: never, options?: Schema.MakeOptions) {
        super(facts, options)
        internal.refine(this)
      }
    } as never
  }

/**
 * A reason whose code the catalogue does not have, kept as it came. It is never retried, since nothing is known about it.
 *
 * @category reasons
 * @since 0.1.0
 */
export class Unrecognized extends Schema.TaggedError<Unrecognized, Omit<Reason, "code">>("@redrive/core/Unrecognized")(
  "Unrecognized",
  { code: Schema.String, status: Schema.optionalKey(Schema.Int), ...facts }
) {
  static {
    internal.describeReason(this.prototype, undefined)
  }
}

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
  readonly detail?: string
  readonly lastError?: string
  readonly cause?: unknown
  readonly status?: number
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
    const base = Schema.TaggedError<unknown>(identifier)(tag, { ...place, ...fields, reason })
    internal.describeFailure(base.prototype, level)
    const reasonOf = internal.reasonMaker(reasons, Unrecognized)
    const placed = internal.statusesOf(level, catalogue[level])
    const statuses = [...new Set(placed.map(([, status]) => status))]
    return Object.assign(base, { reasonOf, statuses, [internal.placed]: placed }) as never
  }

const id = Schema.optionalKey(Schema.String)

/**
 * The base class of a job's error: where it happened (`operation`, `jobId`) and one of the reasons, which cover the catalogue's job
 * codes. `fields` are added, or take the place of those.
 *
 * @category constructors
 * @since 0.1.0
 */
export const Job = make("job", { operation: Schema.String, jobId: id })

/**
 * The base class of an item's error: where it happened (`url`, `itemId`, `jobId`) and one of the reasons, which cover the
 * catalogue's item codes. `fields` are added, or take the place of those.
 *
 * @category constructors
 * @since 0.1.0
 */
export const Item = make("item", { jobId: id, itemId: id, url: id })

/**
 * An error of either level, from any catalogue: its properties, its reason and its place.
 *
 * @category models
 * @since 0.1.0
 */
export interface Any extends Failure {
  readonly reason: Reason & internal.Facts
  readonly jobId?: string
  readonly itemId?: string
  readonly url?: string
}

/**
 * Whether a value is an error made with `Job` or `Item`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isFailure = (u: unknown): u is Any => Predicate.hasProperty(u, TypeId)

/**
 * The HTTP status of an answer that carries a failure or a reason. It is the status of the detail, else of the code; 500 for a code that
 * the catalogue does not have.
 *
 * @category getters
 * @since 0.1.0
 */
export const statusOf = (self: Failure | Reason): number =>
  internal.statusOf("reason" in self ? (self.reason as Reason) : self)

/**
 * Makes errors without stack traces, which are their main cost: for expected failures on hot paths.
 *
 * @category constructors
 * @since 0.1.0
 */
export const withoutStack: <A>(make: () => A) => A = internal.withoutStack
