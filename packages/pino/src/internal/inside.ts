/**
 * A field that a pino keeps under a symbol of its own, by the symbol's name: `stream` of `Symbol(pino.stream)`. Each copy of pino has other symbols, so
 * that those of an import would find nothing in a logger of another version.
 */
export const read = (logger: object, name: string): unknown => {
  // A child inherits from its parent.
  for (let one: object | null = logger; one !== null; one = Object.getPrototypeOf(one)) {
    const found = Object.getOwnPropertySymbols(one).find(({ description }) => description === `pino.${name}`)
    if (found !== undefined) return Reflect.get(logger, found)
  }
  return undefined
}
