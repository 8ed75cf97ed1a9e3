import type * as Report from "@redrive/core/Report"
import * as Names from "./names.ts"

/**
 * A report as an error of the given name, with the report's stack, and its facts as fields. It is never the error that was thrown, which may
 * hold secrets and be of any size.
 */
export const errorOf = (report: Report.Report, name: string): Error => {
  const { actor, attributes, causes, detail, fingerprint, host, itemId, jobId, level, message, stack, url } = report
  const facts: Names.Fields = {
    name,
    message,
    stack,
    ...(detail !== undefined && { detail }),
    actor,
    ...(jobId !== undefined && { job: jobId }),
    ...(itemId !== undefined && { item: itemId }),
    ...(url !== undefined && { url }),
    ...(host !== undefined && { host })
  }
  const own = Names.free(attributes, (field) => ofErrors.has(field) || Object.hasOwn(facts, field))
  const made: Error = Object.create(prototype)
  return Object.assign(made, facts, own, { level, fingerprint, ...(causes.length > 0 && { causes }) })
}

/** Makes an object an error to `instanceof` and `toString`, without a stack of its own, which `new Error` would have to make first. */
const prototype: object = Object.create(Error.prototype, {
  // Pino, and the formats for it, take an error's type from the name of its constructor, or from the error if the constructor is not a function.
  constructor: {
    get(this: Error) {
      return { name: this.name }
    }
  },
  [Symbol.toStringTag]: { value: "Error" }
})

/** Fields that a report always has, and those that serializers read of any error, or make. */
const ofErrors: ReadonlySet<string> = new Set([
  "level",
  "fingerprint",
  "type",
  "cause",
  "causes",
  "errors",
  "aggregateErrors",
  "raw",
  "constructor",
  "toJSON"
])
