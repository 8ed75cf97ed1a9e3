import * as Schema from "effect/Schema"
import type * as Catalogue from "../Catalogue.ts"
import { isRecord, oneOf, problemsOf, refuse, required, type Rule, type Rules, shown, text } from "./rules.ts"
import { Verdict } from "./verdict.ts"

const isStatus = (value: unknown) => Number.isInteger(value) && Number(value) >= 200 && Number(value) < 600

const status: Rule = { allowed: "an HTTP status", isRight: isStatus }

const isVerdict = Schema.is(Verdict)

const record: Rule = { allowed: "a record", isRight: (value) => isRecord(value) && !Array.isArray(value) }

const row = {
  verdict: required({
    allowed: "a Verdict (Transient, Throttled, Parked or Permanent, with what its constructor takes)",
    show: (value) =>
      isRecord(value)
        ? Object.entries(value)
            .map(([name, part]) => `${name} ${shown(part)}`)
            .join(", ")
        : shown(value),
    isRight: (value) => isVerdict(value) && !(value._tag === "Transient" && Number(value.limit) < 0)
  }),
  severity: required(oneOf(["Fatal", "Error", "Warn", "Info", "Debug", "Trace"])),
  actor: required(oneOf(["caller", "site owner", "operator", "nobody"])),
  request: oneOf(["unsent", "refused", "sent", "unknown"])
}

const code: Rules = {
  ...row,
  status: required(status),
  message: required(text),
  meaning: required(text),
  details: required(record)
}

const detail: Rules = {
  ...row,
  status,
  message: text,
  extended: text,
  pages: { allowed: "a list of HTTP statuses", isRight: (value) => Array.isArray(value) && value.every(isStatus) }
}

/** Throws if a catalogue has mistakes; the error lists the place of each, and the allowed values. */
export const checkCatalogue = (catalogue: unknown): void => {
  if (!record.isRight(catalogue)) refuse("Catalogue.make", [`the catalogue is ${shown(catalogue)}; allowed: a record`])
  const found = [...problemsOf({ job: record, item: record }, catalogue as object, "")]
  for (const [level, codes] of entries(catalogue)) {
    const extended = new Map<unknown, string>()
    for (const [name, entry] of entries(codes)) {
      const path = `${level}.${name}.`
      const taken = new Map<unknown, string>()
      found.push(...problemsOf(code, Object(entry), path))
      for (const [refined, one] of entries(Object(entry).details)) {
        const place = `${path}details.${refined}.`
        found.push(...problemsOf(detail, Object(one), place))
        const { extended: later } = Object(one)
        // Details of one code may share it: a reader falls back to the same.
        const taker = Object.hasOwn(Object(codes), later) ? String(later) : (extended.get(later) ?? name)
        if (later !== undefined && taker !== name)
          found.push(`${place}extended is ${shown(later)}, which stands for ${taker}; allowed: a code of its own`)
        extended.set(later, taker)
        for (const [, page] of entries(Object(one).pages)) {
          const other = taken.get(page)
          if (other === undefined) taken.set(page, refined)
          else found.push(`${place}pages has ${shown(page)}, which is a page of ${other}`)
        }
      }
    }
  }
  refuse("Catalogue.make", found)
}

const entries = (value: unknown): ReadonlyArray<[string, unknown]> => Object.entries(Object(value))

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
