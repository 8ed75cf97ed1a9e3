import { isVerdict } from "./isVerdict.ts"
import { isRecord, oneOf, problemsOf, refuse, required, type Rule, type Rules, shown, text } from "./rules.ts"

const isStatus = (value: unknown) => Number.isInteger(value) && Number(value) >= 200 && Number(value) < 600

const status: Rule = { allowed: "an HTTP status", isRight: isStatus }

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
