/** The values that a field allows, and their description. */
export interface Rule {
  readonly allowed: string
  readonly isRight: (value: unknown) => boolean
  readonly isRequired?: boolean
  /** How a message shows a wrong value. Default: as it is, shortened. */
  readonly show?: (value: unknown) => string
  readonly fields?: Rules
}

export interface Rules {
  readonly [field: string]: Rule
}

export const oneOf = (values: ReadonlyArray<string>): Rule => ({
  allowed: values.join(", "),
  isRight: (value) => values.includes(value as string)
})

export const text: Rule = { allowed: "a text", isRight: (value) => typeof value === "string" }

export const isRecord = (value: unknown): value is object => typeof value === "object" && value !== null

export const required = (rule: Rule): Rule => ({ ...rule, isRequired: true })

/** Everything wrong with the fields of a value, by name. */
export const problemsOf = (rules: Rules, value: object, path: string): ReadonlyArray<string> =>
  Object.keys({ ...rules, ...value }).flatMap((field) => {
    const name = `${path}${field}`
    const rule = Object.hasOwn(rules, field) ? rules[field] : undefined
    const given: unknown = Reflect.get(value, field)
    if (given === undefined && rule?.isRequired !== true) return []
    if (rule === undefined) return [`${name} is unknown; allowed: ${Object.keys(rules).join(", ")}`]
    if (!rule.isRight(given)) return [`${name} is ${(rule.show ?? shown)(given)}; allowed: ${rule.allowed}`]
    return rule.fields === undefined ? [] : problemsOf(rule.fields, given as object, `${name}.`)
  })

/** The kind of a value, without the value itself. */
export const kindOf = (value: unknown): string => {
  if (value === undefined) return "missing"
  if (Array.isArray(value)) return "a list"
  return value === null ? "null" : isRecord(value) ? "an object" : `a ${typeof value}`
}

export const shown = (value: unknown): string => {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 60).toWellFormed())
  return typeof value === "number" || typeof value === "boolean" ? String(value) : kindOf(value)
}

/** Throws one error that lists all problems, if there are any. */
export const refuse = (what: string, problems: ReadonlyArray<string>): void => {
  if (problems.length > 0) throw new Error([`${what}:`, ...problems].join("\n  "))
}
