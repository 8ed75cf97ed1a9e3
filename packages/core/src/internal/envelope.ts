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
import { statusOf, textOf } from "./failure.ts"
import { maybe, text } from "./lenient.ts"

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
  const { code, kind } = type.prototype
  const meaning = Catalogue.entry(catalogue, "job", code)?.meaning ?? ""
  return Envelope.pipe(
    Schema.decodeTo(
      Schema.toType(type),
      SchemaTransformation.transform<Reason, Envelope>({
        decode: ({ error_message }) => new type({ lastError: error_message }),
        encode: envelope
      })
    )
  ).annotate({ description: kind === undefined ? meaning : `${kind}: ${meaning}` })
}

/** The part of an error class, of any catalogue, that the codecs need. */
interface Reasons<R extends Failure.Reason> {
  readonly fields: { readonly reason: Schema.Codec<R, unknown> }
  readonly reasonOf: Failure.ReasonOf<R>
}

/** The codec between the reasons of any catalogue and their envelope, which also carries the detail. */
export const codecOf = <R extends Failure.Reason>(type: Reasons<R>) => answeredWith(type, undefined)

/** One codec for each HTTP status of the reasons, and for the 500 of codes that the catalogue does not have. */
export const httpErrorsOf = <R extends Failure.Reason>(
  type: Reasons<R> & { readonly statuses: ReadonlyArray<number> }
) =>
  [...new Set([...type.statuses, 500])].map((httpApiStatus) =>
    answeredWith(type, httpApiStatus).annotate({ httpApiStatus })
  )

/** Writes only the reasons of one status, but reads any reason, since the other side may know more codes. */
const answeredWith = <R extends Failure.Reason>(type: Reasons<R>, status: number | undefined) =>
  Schema.Struct({ error_code: text, error_message: text, reason: maybe(Schema.String) }).pipe(
    Schema.decodeTo(
      Schema.toType(type.fields.reason),
      SchemaTransformation.transformEffect<R, { error_code: string; error_message: string; reason?: string }>({
        decode: ({ error_code, error_message, reason }) =>
          Effect.succeed(
            type.reasonOf(error_code, {
              ...(error_message === "" ? {} : { lastError: error_message }),
              ...(reason === undefined ? {} : { detail: reason })
            })
          ),
        encode: (reason) =>
          status !== undefined && status !== statusOf(reason)
            ? Effect.fail(new SchemaIssue.InvalidValue({ message: `not answered with ${status}` }))
            : Effect.succeed({
                error_code: reason.code,
                error_message: textOf(reason),
                ...(reason.kind === undefined ? {} : { reason: reason.kind })
              })
      })
    )
  )

/** The three shapes of an API error: the page's, a scrape's and the gateway's. */
const AnyEnvelope = Schema.Struct({ error_code: text, error_message: text, message: text, error: text })

const readEnvelope = Schema.decodeUnknownOption(AnyEnvelope)

/** The parts of an unsuccessful answer that are needed. */
export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly retryAfter?: Duration.Duration | undefined
}

export const reasonOf = ({ body, retryAfter, status }: Answer): JobError.Reason => {
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
  // 401 and 404 say more than the code that comes with them.
  const code = status === 401 || status === 404 ? "" : (json?.error_code ?? "")
  if (code !== "") return JobError.JobError.reasonOf(code, facts)
  if (refusal === undefined) return new JobError.MalformedResponse(facts)
  return JobError.JobError.reasonOf(refusal.code, { ...facts, ...refusal })
}
