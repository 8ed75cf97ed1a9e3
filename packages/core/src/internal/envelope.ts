import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Catalogue from "../Catalogue.ts"
import { catalogue, type JobCode } from "../CrawlCatalogue.ts"
import * as JobError from "../JobError.ts"
import { textOf } from "./failure.ts"
import { text } from "./lenient.ts"

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

/** The codec between a reason and its envelope. */
export const codec = <Reason extends JobError.Reason>(
  schema: Schema.Codec<Reason, unknown>,
  read: (facts: { readonly lastError: string }) => Reason
) =>
  Envelope.pipe(
    Schema.decodeTo(
      Schema.toType(schema),
      SchemaTransformation.transform<Reason, Envelope>({
        decode: ({ error_message }) => read({ lastError: error_message }),
        encode: envelope
      })
    )
  )

/** The three shapes an API error comes in: the page's, a scrape's, and the gateway's. */
const AnyEnvelope = Schema.Struct({ error_code: text, error_message: text, message: text, error: text })

const readEnvelope = Schema.decodeUnknownOption(AnyEnvelope)

/** An answer other than success, as far as it matters. */
export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly retryAfter?: Duration.Duration | undefined
}

export const reasonOf = (answer: Answer): JobError.Reason => {
  const json = Option.getOrUndefined(readEnvelope(answer.body))
  const said = json?.error_message || json?.message || json?.error || ""
  const facts = said === "" ? {} : { lastError: said }
  // Two statuses say more than the code that comes with them.
  if (answer.status === 401) return new JobError.Unauthorized(facts)
  if (answer.status === 404) return new JobError.JobNotFound(facts)
  const code = json?.error_code ?? ""
  return code === "" ? byStatus(answer, facts) : byCode(code, answer.status, facts)
}

interface Said {
  readonly lastError?: string
}

const byCode = (code: string, status: number, facts: Said): JobError.Reason => {
  switch (code) {
    case "insufficient_balance":
      return new JobError.InsufficientBalance(facts)
    case "invalid_request":
      return new JobError.InvalidRequest(facts)
    case "internal_error":
      return new JobError.InternalError(facts)
    default:
      return new JobError.Unrecognized({ code, status, ...facts })
  }
}

/** A refusal is known by its status alone; a failure without an envelope did not come from the API itself. */
const byStatus = ({ retryAfter, status }: Answer, facts: Said): JobError.Reason => {
  const { code, detail = code } = (status < 500 ? Catalogue.ofStatus(catalogue, "job", status) : undefined) ?? {}
  switch (detail) {
    case "invalid_request":
      return new JobError.InvalidRequest(facts)
    case "insufficient_balance":
      return new JobError.InsufficientBalance(facts)
    case "suspended":
      return new JobError.Unauthorized({ detail, ...facts })
    case "api_throttled":
      return new JobError.ApiThrottled({ ...(retryAfter === undefined ? {} : { retryAfter }), ...facts })
    default:
      return new JobError.MalformedResponse({ status, ...facts })
  }
}
