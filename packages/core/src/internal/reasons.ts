import type * as Catalogue from "../Catalogue.ts"
import { refuse } from "./rules.ts"

/** Throws if a catalogue does not have a reason's code or detail. */
export const checkReason = (
  tag: string,
  {
    catalogue,
    code,
    detail,
    level
  }: { readonly catalogue: Catalogue.Catalogue } & {
    readonly [name in "code" | "level" | "detail"]?: unknown
  }
): void => {
  const codes = Object(Object(catalogue)[String(level)])
  const { details } = Object(codes[String(code)])
  const path = `${String(level)}.${String(code)}`
  const lacks = (what: string, name: unknown, record: object) =>
    refuse(`Failure.Reason ${tag}`, [`${what} ${String(name)} is unknown; allowed: ${Object.keys(record).join(", ")}`])
  if (!Object.hasOwn(codes, String(code))) lacks(`${String(level)} code`, code, codes)
  else if (typeof detail === "string" && !Object.hasOwn(details, detail)) lacks(`${path}: detail`, detail, details)
}

interface ReasonClass {
  readonly prototype: { readonly code: string; readonly detail?: string }
  readonly fields: object
}

/** Placeholders that are filled without a field of the reason. */
const always = ["status", "host", "field"]

/** Throws if a code has no reason, or if a placeholder in its message has no field of the reason to fill it. */
export const checkReasons = (
  tag: string,
  level: Catalogue.Level,
  catalogue: Catalogue.Catalogue,
  reasons: ReadonlyArray<ReasonClass>
): void => {
  const found: Array<string> = []
  for (const [code, { details, message }] of Object.entries(catalogue[level])) {
    const classes = reasons.filter(({ prototype }) => prototype.code === code)
    if (classes.length === 0) found.push(`${level} code ${code} has no reason`)
    for (const { fields, prototype } of classes) {
      const { detail } = prototype
      const own = detail === undefined ? undefined : details[detail]?.message
      const others = Object.keys(details).filter((name) => !classes.some((one) => one.prototype.detail === name))
      const refined = detail === undefined ? others.map((name) => details[name]?.message) : []
      for (const [, name = ""] of [own ?? message, ...refined].join(" ").matchAll(/\{(\w+)\}/g)) {
        if (Object.hasOwn(fields, name) || always.includes(name)) continue
        found.push(
          `${level}.${code}: no field fills {${name}}; allowed: ${[...Object.keys(fields), ...always].join(", ")}`
        )
      }
    }
  }
  refuse(`Failure ${tag}`, found)
}
