/**
 * One failure as every adapter sees it: bounded, redacted, complete.
 *
 * A report is made from an error by structure, so that foreign errors are reported too, and is plain data that any format can
 * carry. It never throws. It does not decide who is told: adapters do, by its severity.
 *
 * @since 0.1.0
 */
import * as ErrorReporter from "effect/ErrorReporter"
import type * as Fiber from "effect/Fiber"
import type * as LogLevel from "effect/LogLevel"
import * as Predicate from "effect/Predicate"
import type * as Catalogue from "./Catalogue.ts"
import * as ItemError from "./ItemError.ts"
import * as JobError from "./JobError.ts"
import { bounded, causes, fingerprint } from "./internal/report.ts"

/**
 * One link of what caused the failure, outermost first.
 *
 * @category models
 * @since 0.1.0
 */
export interface Cause {
  readonly name: string
  readonly message: string
  readonly code?: string
}

/**
 * A failure. `level` is `program` for what is no job's and no item's; `fingerprint` is equal for failures of the same class.
 *
 * @category models
 * @since 0.1.0
 */
export interface Report {
  readonly level: Catalogue.Level | "program"
  readonly code: string
  readonly detail?: string
  readonly message: string
  readonly severity: LogLevel.Severity
  readonly actor: Catalogue.Actor
  readonly jobId?: string
  readonly itemId?: string
  readonly url?: string
  readonly host?: string
  readonly causes: ReadonlyArray<Cause>
  readonly stack?: string
  readonly fingerprint: string
}

/**
 * Where and when a failure was reported: `at` in nanoseconds since the epoch.
 *
 * @category models
 * @since 0.1.0
 */
export interface Told {
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly at: bigint
}

/**
 * The report of a failure, whatever it is.
 *
 * A wrapper that carries another failure in `failure` (as `RetryExhausted` does) is reported as that failure. A value that says
 * nothing of its severity is an `Error`, as a defect should be.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (failure: unknown): Report => attempt(() => read(unwrap(failure)), unreadable)

/**
 * An `ErrorReporter` that tells of every failure once, however often it is raised again, wrapped or unwrapped.
 *
 * Interrupts and failures marked with `ErrorReporter.ignore` are left out. `tell` is called synchronously; what it throws is ignored.
 *
 * @category constructors
 * @since 0.1.0
 */
export const reporter = (tell: (report: Report, told: Told) => void): ErrorReporter.ErrorReporter => {
  const known = new WeakSet<object>()
  return {
    [ErrorReporter.TypeId]: ErrorReporter.TypeId,
    report: ({ cause, fiber, timestamp }) => {
      if (isKnown(known, cause)) return
      // Effect's own constructor hands on a copy of the error, which has lost its fields.
      for (const reason of cause.reasons) {
        if (reason._tag === "Interrupt") continue
        const original = reason._tag === "Fail" ? reason.error : reason.defect
        const failure = attempt(() => unwrap(original), original)
        if (isKnown(known, failure) || attempt(() => ErrorReporter.isIgnored(failure), false)) continue
        // A reason that goes on without its wrapper is the same failure.
        attempt(() => isKnown(known, reasonOf(failure)), false)
        attempt(() => tell(make(failure), { fiber, at: timestamp }), undefined)
      }
    }
  }
}

const reasonOf = (failure: unknown): unknown =>
  ItemError.isItemError(failure) || JobError.isJobError(failure) ? failure.reason : undefined

/** What a foreign value may make throw must not change the program. */
const attempt = <A>(run: () => A, otherwise: A): A => {
  try {
    return run()
  } catch {
    return otherwise
  }
}

/** Whether an object was met before; from now on it was. */
const isKnown = (known: WeakSet<object>, failure: unknown): boolean => {
  if (!Predicate.isObjectKeyword(failure)) return false
  const met = known.has(failure)
  known.add(failure)
  return met
}

const unwrap = (failure: unknown): unknown =>
  Predicate.isTagged(failure, "RetryExhausted") && Predicate.hasProperty(failure, "failure") ? failure.failure : failure

const read = (failure: unknown): Report => {
  if (ItemError.isItemError(failure)) return ofError(failure, "item")
  if (JobError.isJobError(failure)) return ofError(failure, "job")
  const [first] = causes(failure)
  const code = first?.name ?? typeof failure
  const stack = Predicate.hasProperty(failure, "stack") && typeof failure.stack === "string" ? failure.stack : undefined
  return {
    level: "program",
    code,
    message: first?.message ?? bounded(String(failure)),
    severity: severityOf(failure),
    actor: "operator",
    causes: causes(failure).slice(1),
    ...(stack === undefined ? {} : { stack: bounded(stack) }),
    fingerprint: fingerprint(["program", code])
  }
}

const ofError = (error: ItemError.ItemError | JobError.JobError, level: Catalogue.Level): Report => {
  const { actor, code, detail, ...rest } = error[ErrorReporter.attributes]
  const { host, itemId, jobId, url } = { host: undefined, itemId: undefined, url: undefined, ...rest }
  return {
    level,
    code,
    ...(detail === undefined ? {} : { detail }),
    message: bounded(error.message),
    severity: error[ErrorReporter.severity],
    actor,
    ...(jobId === undefined ? {} : { jobId }),
    ...(itemId === undefined ? {} : { itemId }),
    ...(url === undefined ? {} : { url: bounded(url) }),
    ...(host === undefined ? {} : { host }),
    causes: causes(error.reason.cause),
    fingerprint: fingerprint([level, code, detail ?? "", host ?? ""])
  }
}

const severityOf = (failure: unknown): LogLevel.Severity =>
  Predicate.isObject(failure) && ErrorReporter.severity in failure ? ErrorReporter.getSeverity(failure) : "Error"

const unreadable: Report = {
  level: "program",
  code: "unreadable",
  message: "a failure that throws when it is read",
  severity: "Error",
  actor: "operator",
  causes: [],
  fingerprint: fingerprint(["program", "unreadable"])
}
