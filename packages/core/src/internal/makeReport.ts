import * as ErrorReporter from "effect/ErrorReporter"
import type * as LogLevel from "effect/LogLevel"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import * as Failure from "../Failure.ts"
import type { Fields, Report } from "../Report.ts"
import { chain, codeOf, nameOf, property, read as readText } from "./chain.ts"
import {
  attributesOf,
  causesOf,
  classOf,
  factsOfOurs,
  fieldsOf,
  fingerprint,
  messageOf,
  scrubOf,
  stackOf
} from "./report.ts"
import type { Scrub } from "./text.ts"
import { hostOf, withoutSecrets } from "./url.ts"

/** The report of a failure; its getters may throw. */
export const read = (failure: unknown, secrets: ReadonlyArray<Redacted.Redacted>): Report => {
  const links = chain(failure)
  const safe = scrubOf(links, secrets)
  if (Failure.isFailure(failure)) return ofFailure(failure, safe)
  const [own] = links
  const code = own === undefined ? typeof failure : nameOf(own.value)
  const reason = own && reasonOf(own.value)
  const message = own === undefined ? safe(String(failure)) : messageOf(own.value, safe)
  const detail = reason?.detail ?? (own && codeOf(own.value))
  const stack = stackOf(links, safe)
  return {
    level: "program",
    code: safe(reason?.code ?? code),
    ...(detail === undefined ? {} : { detail: safe(detail) }),
    message,
    severity: severityOf(failure),
    actor: reason?.actor ?? "operator",
    attributes: own === undefined ? {} : { ...fieldsOf(own.value, safe), ...attributesOf(own.value, safe) },
    causes: causesOf(links, safe),
    ...(stack === undefined ? {} : { stack }),
    fingerprint: fingerprint(["program", code, classOf(classified(own?.value, message))])
  }
}

/** A message that is made of the failure's fields differs each time; its code does not. */
const classified = (failure: object | undefined, message: string): string =>
  failure === undefined || readText(failure, "message") ? message : (codeOf(failure) ?? "")

/** A reason without the error around it is still known to its catalogue. */
const reasonOf = (value: object) => {
  const row = property(value, "row")
  const actor = Predicate.isObject(row) ? actors.find((one) => one === property(row, "actor")) : undefined
  return actor && { code: readText(value, "code"), detail: readText(value, "kind"), actor }
}

const actors: ReadonlyArray<Report["actor"]> = ["caller", "site owner", "operator", "nobody"]

const ofFailure = (failure: Failure.Any, safe: Scrub): Report => {
  const { code, reason } = failure
  const level = failure[Failure.TypeId]
  const { actor } = reason.row
  const detail = reason.kind
  const place = placeOf(failure, safe)
  const links = chain(reason)
  const stack = actor === "operator" ? stackOf(links.slice(1), safe) : undefined
  return {
    level,
    code: safe(code),
    ...(detail === undefined ? {} : { detail: safe(detail) }),
    message: safe(failure.message),
    severity: failure[ErrorReporter.severity],
    actor,
    ...place,
    attributes: { ...factsOfOurs(failure, safe), ...answered(factsOfOurs(reason, safe)) },
    causes: causesOf(links, safe),
    ...(stack === undefined ? {} : { stack }),
    fingerprint: fingerprint([level, code, detail ?? "", place.host ?? ""])
  }
}

/** Without the status of an answer that never came. */
const answered = ({ status, ...fields }: Fields): Fields => (status ? { ...fields, status } : fields)

/** Where a failure happened. */
const placeOf = ({ itemId, jobId, url }: Failure.Any, safe: Scrub) => {
  const host = url === undefined ? undefined : hostOf(url)
  return {
    ...(jobId === undefined ? {} : { jobId: safe(jobId) }),
    ...(itemId === undefined ? {} : { itemId: safe(itemId) }),
    ...(url === undefined ? {} : { url: safe(withoutSecrets(url)) }),
    ...(host === undefined ? {} : { host })
  }
}

const severityOf = (failure: unknown): LogLevel.Severity =>
  Predicate.isObject(failure) && ErrorReporter.severity in failure ? ErrorReporter.getSeverity(failure) : "Error"

/** The report of a value that cannot be read. */
export const unreadable: Report = {
  level: "program",
  code: "unreadable",
  message: "a failure that throws when it is read",
  severity: "Error",
  actor: "operator",
  attributes: {},
  causes: [],
  fingerprint: fingerprint(["program", "unreadable"])
}
