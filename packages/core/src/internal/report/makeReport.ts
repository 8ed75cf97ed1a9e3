import * as ErrorReporter from "effect/ErrorReporter"
import type * as LogLevel from "effect/LogLevel"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import type * as Failure from "../../Failure.ts"
import type { Attempt, Draft, Fields, Report } from "./model.ts"
import { isFailure, TypeId } from "../isFailure.ts"
import * as Call from "./call.ts"
import { answerOf } from "../answer.ts"
import { hostAsked } from "../asked.ts"
import { chain, codeOf, nameOf, property, stringAt } from "../chain.ts"
import {
  attributesOf,
  callFields,
  causesOf,
  classOf,
  factsOfOurs,
  fieldsOf,
  fingerprint,
  messageOf,
  scrubOf,
  stackOf
} from "./report.ts"
import type { Scrub } from "../secrets/scrub.ts"
import { hostOf, withoutSecrets } from "../secrets/url.ts"

/** The report of a failure; its getters may throw. */
const read = (failure: unknown, secrets: ReadonlyArray<Redacted.Redacted>): Report => {
  const links = chain(failure)
  const safe = scrubOf(links, secrets)
  if (isFailure(failure)) return ofFailure(failure as Failure.Any, safe)
  const [own] = links
  const code = own === undefined ? typeof failure : nameOf(own.value)
  const reason = own && reasonOf(own.value)
  const message = own === undefined ? safe(String(failure)) : messageOf(own.value, safe)
  const detail = reason?.detail ?? (own && codeOf(own.value))
  const stack = stackOf(links, safe)
  const host = hostAsked(links)
  const status = own === undefined ? [] : statusOf(own.value)
  const report: Draft<Report> = {
    level: "program",
    code: safe(reason?.code ?? code),
    message,
    severity: severityOf(failure),
    actor: reason?.actor ?? "operator",
    attributes: own === undefined ? {} : shownOf(own.value, safe),
    causes: causesOf(links, safe),
    fingerprint: fingerprint(["program", code, classOf(classified(own?.value, message)), ...status])
  }
  if (host !== undefined) report.host = safe(host)
  if (detail !== undefined) report.detail = safe(detail)
  if (stack !== undefined) report.stack = stack
  return report
}

const shownOf = (value: object, safe: Scrub): Fields => {
  const [fields, attributes] = [fieldsOf(value, safe), attributesOf(value, safe)]
  return attributes === undefined ? fields : { ...fields, ...attributes }
}

/** A message that is made of the failure's fields differs each time; its code does not. */
const classified = (failure: object | undefined, message: string): string =>
  failure === undefined || stringAt(failure, "message") ? message : (codeOf(failure) ?? "")

/** The status in a client's error, which its message alone does not tell from others. */
const statusOf = (value: object): ReadonlyArray<string> => {
  const reason = property(value, "reason")
  const answer = answerOf(Predicate.isObjectKeyword(reason) ? reason : value)
  return answer === undefined ? [] : [String(answer.status)]
}

/** A reason without the error around it is still known to its catalogue. */
const reasonOf = (value: object) => {
  const row = property(value, "row")
  const actor = Predicate.isObject(row) ? actors.find((one) => one === property(row, "actor")) : undefined
  return actor && { code: stringAt(value, "code"), detail: stringAt(value, "detail"), actor }
}

const actors: ReadonlyArray<Report["actor"]> = ["caller", "site owner", "operator", "nobody"]

const ofFailure = (failure: Failure.Any, safe: Scrub): Report => {
  const { code, reason } = failure
  const level = failure[TypeId]
  const { actor } = reason.row
  const detail = reason.detail
  const { itemId, jobId, url } = failure
  const host = url === undefined ? undefined : hostOf(url)
  const links = chain(reason)
  const stack = actor === "operator" ? stackOf(links.slice(1), safe) : undefined
  const report: Draft<Report> = {
    level,
    code: safe(code),
    message: safe(failure.message),
    severity: failure[ErrorReporter.severity],
    actor,
    attributes: { ...factsOfOurs(failure, safe), ...answered(factsOfOurs(reason, safe)) },
    causes: causesOf(links, safe),
    fingerprint: fingerprint([level, code, detail ?? "", host ?? ""])
  }
  if (detail !== undefined) report.detail = safe(detail)
  if (jobId !== undefined) report.jobId = safe(jobId)
  if (itemId !== undefined) report.itemId = safe(itemId)
  if (url !== undefined) report.url = safe(withoutSecrets(url))
  if (host !== undefined) report.host = host
  if (stack !== undefined) report.stack = stack
  return report
}

/** Without the status of an answer that never came. */
const answered = ({ status, ...fields }: Fields): Fields => (status ? { ...fields, status } : fields)

const severityOf = (failure: unknown): LogLevel.Severity =>
  Predicate.isObject(failure) && ErrorReporter.severity in failure ? ErrorReporter.getSeverity(failure) : "Error"

/** The report of a failure, with the facts of the calls that gave it up. */
export const readCall = ({ calls, failure }: Call.Unwrapped, secrets: ReadonlyArray<Redacted.Redacted>): Report => {
  const report = read(failure, secrets)
  const own = Call.factsOf(failure)
  if (own === undefined && calls.length === 0) return report
  const safe = scrubOf(chain(failure), secrets)
  const facts = factsOf(own, calls, safe)
  const history = historyOf(calls, safe)
  const told = {
    ...report,
    attributes: Call.joined(report.attributes, facts),
    ...(history.length > 0 && { history })
  }
  const engine = own && Call.engineOf(own)
  if (own === undefined || engine === undefined) return facts["attempts"] === 0 ? { ...told, engine: "refused" } : told
  const [name = "", key = "", because = ""] = ["name", "key", "because"].map((fact) => stringAt(own, fact))
  const host = Call.hostOfKey(key)
  return {
    ...told,
    ...(host === undefined ? {} : { host }),
    engine,
    fingerprint: fingerprint([report.level, report.code, name, because, host ?? classOfKey(key, safe)])
  }
}

/**
 * The facts of the innermost call, and those of the outermost if that is another. A failure of the engine's own has facts of its call
 * itself. A call that left the failure to the call around it has not given it up.
 */
const factsOf = (own: Call.Facts | undefined, calls: ReadonlyArray<Call.Facts>, safe: Scrub): Fields => {
  const final = calls.filter((facts) => stringAt(facts, "because") !== "nested")
  const ends = final.length > 0 ? final : calls
  const innermost = own === undefined ? ends.at(-1) : calls.findLast((facts) => Call.isSame(own, facts))
  const [outermost] = ends
  const inner = Call.joined(callFields(own, safe), callFields(innermost, safe))
  if (outermost === innermost) return inner
  const outer = Object.entries(callFields(outermost, safe)).map(([name, value]) => [`outer_${name}`, value] as const)
  return { ...inner, ...Object.fromEntries(outer) }
}

/** No report tells of more attempts: the last ones say why it ended. */
const mostAttempts = 30

/** The attempts of all calls, in the order in which they ended. */
const historyOf = (calls: ReadonlyArray<Call.Facts>, safe: Scrub): ReadonlyArray<Attempt> =>
  calls
    .flatMap((facts) => Call.historyOf(facts, safe))
    .toSorted((one, other) => endOf(one) - endOf(other))
    .slice(-mostAttempts)

const endOf = ({ durationMs, startedAt }: Attempt): number => Date.parse(startedAt) + durationMs

/** A key without the parts that differ for each user or request, so that these are one class. */
const classOfKey = (key: string, safe: Scrub): string => classOf(safe(key).replace(/[^\s@]+@/g, "#@"))

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
