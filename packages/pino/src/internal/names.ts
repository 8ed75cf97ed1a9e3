import * as pino from "pino"

/** What a line is made of, by name. */
export type Fields = { readonly [name: string]: unknown }

/** Names that a line of a pino has whatever is logged; fields of such a name would be in it twice. */
export const ofLine = (logger: object): ReadonlySet<string> => {
  try {
    const read = (symbol: symbol): unknown => Reflect.get(logger, symbol)
    const { chindingsSym, lsCacheSym, messageKeySym, nestedKeySym, timeSym } = pino.symbols
    // Fields that pino nests share their names with nothing.
    if (typeof read(nestedKeySym) === "string") return new Set()
    const time = read(timeSym)
    if (typeof time !== "function") return usual
    const [level] = Object.values(Object(read(lsCacheSym)))
    const begun = [level, Reflect.apply(time, logger, []), read(chindingsSym), "}"]
    return new Set([...Object.keys(JSON.parse(begun.join(""))), String(read(messageKeySym))])
  } catch {
    return usual
  }
}

const usual: ReadonlySet<string> = new Set(["level", "time", "pid", "hostname", "msg"])

/** Fields of which none is in the line twice: one of a name that is taken gets a `_` or more, unless it says the same. */
export const free = (fields: Fields, taken: ReadonlySet<string>, said: Fields = {}): Fields => {
  const names = Object.keys(fields)
  if (!names.some((name) => taken.has(name))) return fields
  const all: { [name: string]: unknown } = {}
  for (const name of names) {
    if (!taken.has(name)) all[name] = fields[name]
    else if (said[name] !== fields[name])
      all[another(name, (other) => taken.has(other) || other in fields)] = fields[name]
  }
  return all
}

const another = (name: string, isTaken: (name: string) => boolean): string => {
  let other = `${name}_`
  while (isTaken(other)) other += "_"
  return other
}
