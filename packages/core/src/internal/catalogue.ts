import type * as Catalogue from "../Catalogue.ts"

/** What a column takes, and how that is said. */
type Rule = readonly [isRight: (value: unknown) => boolean, allowed: string]

type Rules = { readonly [column: string]: Rule }

const oneOf = (...values: ReadonlyArray<unknown>): Rule => [(value) => values.includes(value), values.join(", ")]

const text: Rule = [(value) => typeof value === "string", "a text"]

const record: Rule = [(value) => typeof value === "object" && value !== null, "a record"]

const isStatus = (value: unknown) => Number.isInteger(value) && Number(value) >= 200 && Number(value) < 1000

const status: Rule = [isStatus, "an HTTP status"]

const [isTag, tags] = oneOf("Transient", "Throttled", "Parked", "Permanent")

const row: Rules = {
  verdict: [(value) => isTag(Object(value)._tag), `a Verdict (${tags})`],
  severity: oneOf("Fatal", "Error", "Warn", "Info", "Debug", "Trace"),
  actor: oneOf("caller", "site owner", "operator", "nobody")
}

const code: Rules = { ...row, status, message: text, meaning: text, details: record }

const pages: Rule = [(value) => Array.isArray(value) && value.every(isStatus), "a list of HTTP statuses"]

const refinement: Rules = { status, message: text, extended: text, pages }

/** Throws if a catalogue has what it should not: told are the place of each mistake and what is allowed there. */
export const checkCatalogue = (catalogue: object): void => {
  const found = mistakes("catalogue", catalogue, {}, { job: record, item: record })
  for (const [level, codes] of entries(catalogue)) {
    for (const [name, entry] of entries(codes)) {
      const path = `${level}.${name}`
      const taken = new Map<unknown, string>()
      found.push(...mistakes(path, entry, code))
      for (const [detail, one] of entries(Object(entry).details)) {
        found.push(...mistakes(`${path}.details.${detail}`, one, row, refinement))
        for (const [, page] of entries(Object(one).pages)) {
          const other = taken.get(page)
          if (other === undefined) taken.set(page, detail)
          else found.push(`${path}.details.${detail}.pages: ${show(page)} is a page of ${other}`)
        }
      }
    }
  }
  refuse("Catalogue.make", found)
}

const entries = (value: unknown): ReadonlyArray<[string, unknown]> => Object.entries(Object(value))

const mistakes = (path: string, given: unknown, required: Rules, optional: Rules = {}): Array<string> => {
  const rules = { ...required, ...optional }
  return Object.keys({ ...required, ...Object(given) }).flatMap((name) => {
    const rule = rules[name]
    const value: unknown = Object(given)[name]
    if (rule === undefined) return [`${path}.${name} is unknown; allowed: ${Object.keys(rules).join(", ")}`]
    if (value === undefined ? optional[name] === rule : rule[0](value)) return []
    return [`${path}.${name} is ${show(value)}; allowed: ${rule[1]}`]
  })
}

const show = (value: unknown): string =>
  value === undefined ? "missing" : typeof value === "function" ? "a function" : JSON.stringify(value)

const refuse = (what: string, found: ReadonlyArray<string>): void => {
  if (found.length > 0) throw new Error([`${what}:`, ...found].join("\n  "))
}

/** Throws if a catalogue does not have the code, or the detail, that a reason stands for. */
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
  readonly prototype: { readonly code: string; readonly kind: string | undefined }
  readonly fields: object
}

/** What a message is filled with besides the fields of its reason. */
const always = ["status", "host", "field"]

/** Throws if a code has no reason, or if its message has a placeholder that no field of its reason fills. */
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
      const { kind } = prototype
      const own = kind === undefined ? undefined : details[kind]?.message
      const others = Object.keys(details).filter((detail) => !classes.some((one) => one.prototype.kind === detail))
      const refined = kind === undefined ? others.map((detail) => details[detail]?.message) : []
      for (const [, name = ""] of [own ?? message, ...refined].join(" ").matchAll(/\{(\w+)\}/g)) {
        if (name in fields || always.includes(name)) continue
        found.push(
          `${level}.${code}: no field fills {${name}}; allowed: ${[...Object.keys(fields), ...always].join(", ")}`
        )
      }
    }
  }
  refuse(`Failure ${tag}`, found)
}
