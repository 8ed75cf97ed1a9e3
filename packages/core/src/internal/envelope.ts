import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Catalogue from "../Catalogue.ts"
import { catalogue, type JobCode } from "../CrawlCatalogue.ts"
import type * as Failure from "../Failure.ts"
import * as JobError from "../JobError.ts"
import { safely } from "./chain.ts"
import { facts, type Placed, placed as placedKey, statusOf, textOf } from "./failure.ts"
import { maybe, same, text } from "./jsonFields.ts"
import { refuse } from "./rules.ts"

const codes = Object.keys(catalogue.job) as ReadonlyArray<JobCode>

export const Envelope = Schema.Struct({
  error_code: Schema.Literals(codes).annotate({
    description: codes.map((code) => `${code}: ${catalogue.job[code].meaning}`).join(" ")
  }),
  error_message: Schema.String.annotate({ description: "The same in words, for people." })
})

export type Envelope = typeof Envelope.Type

/** The envelope of a reason; a code outside the closed set is not passed on. */
export const envelope = (reason: JobError.Reason): Envelope => ({
  error_code: reason._tag === "Unrecognized" ? "internal_error" : reason.code,
  error_message: textOf(reason)
})

/** The codec between a reason and its envelope, with descriptions for an API's documentation. */
export const codec = <Reason extends JobError.Reason>(
  type: Schema.Codec<Reason, unknown> & {
    readonly prototype: Reason
    new (facts: { readonly lastError: string }): Reason
  }
) => {
  const { code, detail } = type.prototype
  const meaning = Catalogue.entry(catalogue, "job", code)?.meaning ?? ""
  return Envelope.pipe(
    Schema.decodeTo(
      Schema.toType(type),
      SchemaTransformation.transform<Reason, Envelope>({
        decode: ({ error_message }) => new type({ lastError: error_message }),
        encode: envelope
      })
    )
  ).annotate({ description: detail === undefined ? meaning : `${detail}: ${meaning}` })
}

/** The part of an error class, of any catalogue, that the codecs need. */
interface Reasons<R extends Failure.Reason> {
  readonly fields: { readonly reason: Schema.Codec<R, unknown> & { readonly members: ReadonlyArray<ReasonClass> } }
  readonly reasonOf: Failure.ReasonOf<R>
}

interface ReasonClass {
  readonly fields: Schema.Struct.Fields
  readonly prototype: { readonly code?: string; readonly detail?: string }
}

/** The codec between the reasons of any catalogue and their envelope, which also carries the detail and the reason's own fields. */
export const codecOf = <R extends Failure.Reason>(type: Reasons<R>) => answeredWith(type, ownFields(type), undefined)

/** One codec for each HTTP status of the reasons, and for the 500 of codes that the catalogue does not have. */
export const httpErrorsOf = <R extends Failure.Reason>(
  type: Reasons<R> & { readonly statuses: ReadonlyArray<number> }
) => {
  const placed = (Reflect.get(type, placedKey) ?? []) as Placed
  refuse(
    "Wire.httpErrorsOf",
    placed
      .filter(([, status]) => status < 400)
      .map(([place, status]) => `${place} is ${status}, which is no failure's; allowed: 400 or more`)
  )
  const own = ownFields(type)
  return [...new Set([...type.statuses, 500])].map((httpApiStatus) =>
    answeredWith(type, own, httpApiStatus).annotate({ httpApiStatus })
  )
}

/** Writes and reads the fields that the reason of a code has beyond those of every reason. */
const ownFields = <R extends Failure.Reason>({ fields: { reason } }: Reasons<R>) => {
  const codecs = reason.members.flatMap(({ fields, prototype: { code, detail } }) => {
    const own = Object.entries(fields).filter(([name]) => name !== "_tag" && !Object.hasOwn(facts, name))
    if (code === undefined || own.length === 0) return []
    const codec = Schema.toCodecJson(Schema.Struct(Object.fromEntries(own))) as unknown as Schema.Codec<
      object,
      { readonly [name: string]: Schema.Json }
    >
    return [{ code, detail, write: Schema.encodeUnknownOption(codec), read: Schema.decodeUnknownOption(codec) }]
  })
  return (code: string, detail: string | undefined) =>
    codecs.find((one) => one.code === code && one.detail === detail) ?? codecs.find((one) => one.code === code)
}

/** Whether a field has a `Redacted` in it, which a schema's own JSON would tell. */
const isSecret = (field: unknown): boolean =>
  safely(() => JSON.stringify(field, plainly)?.includes('"<redacted')) ?? field !== undefined

const plainly = (_: string, part: unknown): unknown => {
  if (typeof part === "bigint") return String(part)
  return part instanceof Set || part instanceof Map ? [...part] : part
}

interface Written {
  readonly error_code: string
  readonly error_message: string
  readonly reason?: string
  readonly fields?: Schema.Json
}

/** Writes only the reasons of one status, but reads any reason, since the other side may know more codes. */
const answeredWith = <R extends Failure.Reason>(
  type: Reasons<R>,
  own: ReturnType<typeof ownFields>,
  status: number | undefined
) =>
  Schema.Struct({
    error_code: text.schema,
    error_message: text.schema,
    reason: maybe(same(Schema.String)).schema,
    fields: maybe(same(Schema.Json)).schema
  }).pipe(
    Schema.decodeTo(
      Schema.toType(type.fields.reason),
      SchemaTransformation.transformEffect<R, Written>({
        decode: ({ error_code, error_message, fields = {}, reason }) => {
          // Without a code there is no error. Any object of a proxy would otherwise be read as one.
          if (error_code === "") return Effect.fail(new SchemaIssue.InvalidValue({ message: "there is no error_code" }))
          return Effect.succeed(
            type.reasonOf(error_code, {
              ...Option.getOrUndefined(own(error_code, reason)?.read(fields) ?? Option.none()),
              ...(error_message === "" ? {} : { lastError: error_message }),
              ...(reason === undefined ? {} : { detail: reason })
            })
          )
        },
        encode: (reason) => {
          if (status !== undefined && status !== statusOf(reason))
            return Effect.fail(new SchemaIssue.InvalidValue({ message: `not answered with ${status}` }))
          const { code, detail } = reason
          const written = Option.getOrElse(own(code, detail)?.write(reason) ?? Option.none(), () => ({}))
          const told = Object.entries(written).filter(([name]) => !isSecret(Reflect.get(reason, name)))
          return Effect.succeed({
            error_code: code,
            error_message: textOf(reason),
            ...(detail === undefined ? {} : { reason: detail }),
            ...(told.length === 0 ? {} : { fields: Object.fromEntries(told) })
          })
        }
      })
    )
  )

/** The three shapes of an API error: the page's, a scrape's and the gateway's. */
const AnyEnvelope = Schema.Struct({
  error_code: text.schema,
  error_message: text.schema,
  message: text.schema,
  error: text.schema
})

const readEnvelope = Schema.decodeUnknownOption(AnyEnvelope)

/** The parts of an unsuccessful answer that are needed. */
export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly retryAfter?: Duration.Duration | undefined
}

export const readReason = ({ body, retryAfter, status }: Answer): JobError.Reason => {
  const json = Option.getOrUndefined(readEnvelope(body))
  const said = json?.error_message || json?.message || json?.error || ""
  const facts = {
    status,
    ...(said === "" ? {} : { lastError: said }),
    ...(retryAfter === undefined ? {} : { retryAfter })
  }
  if (status === 403 && !json?.error_code) return new JobError.Unauthorized({ ...facts, detail: "suspended" })
  // A 4xx status alone tells the reason; a 5xx without an envelope did not come from the API itself.
  const refusal = status < 500 ? Catalogue.ofStatus(catalogue, "job", status) : undefined
  const written = json?.error_code ?? ""
  // 401 and 404 say more than the code that comes with them, and 429 more than a fault of the service.
  const isVague = status === 401 || status === 404 || (status === 429 && written === "internal_error")
  const code = isVague ? "" : written
  if (code !== "") return JobError.JobError.reasonOf(code, facts)
  if (refusal === undefined) return new JobError.MalformedResponse(facts)
  return JobError.JobError.reasonOf(refusal.code, { ...facts, ...refusal })
}
