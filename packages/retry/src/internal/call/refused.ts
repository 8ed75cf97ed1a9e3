import * as DateTime from "effect/DateTime"
import * as ErrorReporter from "effect/ErrorReporter"
import type * as LogLevel from "effect/LogLevel"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Plain from "@redrive/core/Plain"
import * as Report from "@redrive/core/Report"
import * as Because from "../../Because.ts"

/** What a refusal knows. */
interface Facts {
  readonly because: Because.Refused
  readonly call: string
  readonly key?: string | undefined
  readonly until?: string | undefined
  readonly retryAt?: DateTime.Utc | undefined
}

/**
 * The `failure` of a call that was refused before its first attempt, or before it could go on after it had been parked.
 *
 * Its severity is `Warn`, since most refusals end by themselves, and `Error` for a parked call, for which nobody has acted in time.
 *
 * @category models
 * @since 0.1.0
 */
export class Refused {
  readonly _tag = "Refused"
  /** What refused the call. */
  readonly because: Facts["because"]
  /** The name of the call. */
  readonly call: string
  /** The key of the call. `undefined` if it has none. */
  readonly key: string | undefined
  /** The action that a parked call waits for, such as `top up`. `undefined` for other calls. */
  readonly until: string | undefined
  /** When the refusal ends. `undefined` if that is unknown. */
  readonly retryAt: DateTime.Utc | undefined

  constructor({ because, call, key, retryAt, until }: Facts) {
    this.because = because
    this.call = call
    this.key = key === "" ? undefined : key
    this.until = until
    this.retryAt = retryAt
  }

  get message(): string {
    return `${this.call} refused a call${toKey(this.key)}: ${whys[this.because](this)}`
  }

  get [ErrorReporter.severity](): LogLevel.Severity {
    return this.because === "parked" ? "Error" : "Warn"
  }

  get [Report.call](): Report.Call {
    const { because, call, key, retryAt, until } = this
    return { name: call, key, because, retryAt, until, engine: "refused" }
  }

  /** What other loggers write. */
  toJSON(): object {
    return Object.assign({}, this, { message: this.message })
  }
}

const isRefused = (u: unknown): u is Refused =>
  Predicate.isTagged(u, "Refused") && Predicate.hasProperty(u, Report.call)

/** The key of a call in a sentence, bounded and without secrets. */
export const toKey = (key: string | undefined): string =>
  key === undefined || key === "" ? "" : ` to ${Plain.text(key)}`

const whys: { readonly [Why in Facts["because"]]: (refused: Facts) => string } = {
  parked: ({ until = "" }) => `it is parked until somebody acts: ${until}`,
  breaker: ({ retryAt }) => `its breaker is open${ending(retryAt)}`,
  bulkhead: () => "its bulkhead is full",
  rate_limit: ({ retryAt }) => `its rate limit is used up${ending(retryAt)}`,
  deadline: () => "its deadline passed before the first attempt"
}

/** Until when, in whole seconds: a call that comes then is not refused. */
const ending = (retryAt: DateTime.Utc | undefined): string => {
  if (retryAt === undefined) return ""
  const at = DateTime.makeUnsafe(Math.ceil(DateTime.toEpochMillis(retryAt) / 1000) * 1000)
  return ` until ${DateTime.formatIso(at).replace(".000Z", "Z")}`
}

/** Makes the codec of a refusal: a program that asks for none has no part of it. */
export const refusedJson = () =>
  Schema.TaggedStruct("Refused", {
    because: Because.Refused,
    call: Schema.String,
    key: Schema.optionalKey(Schema.String),
    message: Schema.String,
    until: Schema.optionalKey(Schema.String),
    retryAt: Schema.optionalKey(Schema.DateTimeUtcFromString)
  }).pipe(
    Schema.decodeTo(
      Schema.declare(isRefused),
      SchemaTransformation.transform({
        decode: (facts) => new Refused(facts),
        encode: ({ _tag, because, call, key, message, retryAt, until }: Refused) => ({
          _tag,
          because,
          call,
          message,
          ...(key !== undefined && { key }),
          ...(until !== undefined && { until }),
          ...(retryAt !== undefined && { retryAt })
        })
      })
    )
  )
