import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as SchemaIssue from "effect/SchemaIssue"
import type * as Job from "../Job.ts"
import * as JobError from "../JobError.ts"
import { property } from "./chain.ts"
import { withoutStack } from "./stacks.ts"
import { hasId, jobFields, jobOf } from "./jobWire.ts"
import { unfit } from "./jsonFields.ts"
import { bounded } from "./secrets/scrub.ts"

/** The most warnings to list: a provider's mistake tends to be in every item. */
const mostWarnings = 8

export const readJob = (body: Schema.Codec<Job.Job, unknown>) => {
  const decode = Schema.decodeUnknownResult(body)
  return (
    json: unknown
  ): Result.Result<{ job: Job.Job; warnings: ReadonlyArray<string> }, JobError.MalformedResponse> => {
    try {
      return Result.match(
        withoutStack(() => read(json) ?? decode(json)),
        {
          onFailure: ({ issue }) => Result.fail(malformed(pathOf(issue))),
          onSuccess: (job) => Result.succeed({ job, warnings: warningsOf(job, json as object) })
        }
      )
    } catch {
      return Result.fail(malformed([]))
    }
  }
}

/** Reads a job field by field. The schema takes the same in ten times the time, and says what of any other value does not fit. */
const read = (json: unknown): Result.Result<Job.Job> | undefined => {
  const fields = jobFields.read(json)
  return fields === unfit || hasId(fields) !== true ? undefined : Result.succeed(jobOf(fields))
}

const malformed = (path: ReadonlyArray<PropertyKey>): JobError.MalformedResponse =>
  new JobError.MalformedResponse({
    status: 200,
    lastError: path.length === 0 ? "the answer is no job" : `the answer is no job: see its ${bounded(path.join("."))}`
  })

/** The path of the first field that does not fit, without its value, which may be of any size. */
const pathOf = (issue: SchemaIssue.Issue): ReadonlyArray<PropertyKey> => {
  switch (issue._tag) {
    case "Pointer":
      return [...issue.path, ...pathOf(issue.issue)]
    case "Composite":
      return pathOf(issue.issues[0])
    case "AnyOf":
      // A nullable field is a union: take the member that matched furthest.
      return issue.issues.map(pathOf).reduce((longest, path) => (path.length > longest.length ? path : longest), [])
    case "Encoding":
    case "Filter":
      return pathOf(issue.issue)
    default:
      return []
  }
}

/** Warnings about codes that a status overrules, and about unknown codes. */
const warningsOf = (job: Job.Job, json: object): ReadonlyArray<string> => {
  const found = new Set<string>()
  const warn = (code: unknown, status: string, what: string) => {
    if (typeof code === "string" && code !== "" && status !== "error")
      found.add(`${what} is ${status}, yet has error_code ${code}`)
    if (status === "error" && (code === "" || typeof code !== "string"))
      found.add(`${what} is in error, yet has no error_code`)
  }
  warn(property(json, "error_code"), job.status, "the job")
  const items: unknown = property(json, "job_items")
  for (const [index, { error, status }] of job.items.entries()) {
    warn(Array.isArray(items) ? property(items[index] as object, "error_code") : "", status, "an item")
    if (error?.reason._tag === "Unrecognized" && error.code !== "")
      found.add(`error_code ${error.code} is not known here`)
    if (found.size >= mostWarnings) break
  }
  return [...found].map((text) => bounded(text))
}
