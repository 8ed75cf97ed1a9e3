import type * as Report from "@redrive/core/Report"

/** A report as fields of a record; what it does not know is left out. */
export const fieldsOf = (report: Report.Report): { readonly [name: string]: unknown } => {
  const { actor, attributes, causes, code, detail, fingerprint, host, itemId, jobId, level, stack, url } = report
  const fields = {
    error_level: level,
    code,
    detail,
    actor,
    job: jobId,
    item: itemId,
    url,
    host,
    ...attributes,
    causes: causes.length === 0 ? undefined : causes,
    stack,
    fingerprint
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
