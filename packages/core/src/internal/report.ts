import { chain, read } from "./chain.ts"
import { withoutSecrets } from "./url.ts"

/** No text of a report is longer, in UTF-16 units. */
const longestText = 2000

/** No report lists more causes. */
const mostCauses = 8

const urls = /\b[a-z][a-z\d+.-]*:\/\/[^\s"'<>]+/gi

/** A text that is safe to store: URLs without credentials and query, and no longer than a screen. */
export const bounded = (text: string): string => {
  // Twice the bound is redacted, so that a URL across the cut loses its secrets whole.
  const safe = text.slice(0, 2 * longestText).replace(urls, withoutSecrets)
  return safe.length > longestText ? `${safe.slice(0, longestText)}… (${text.length} characters)` : safe
}

/** A value and what it wraps, outermost first; a wrapper's reason that only repeats its message is left out. */
export const causes = (failure: unknown) => {
  const said = new Set<string>()
  const links = [...chain(failure)].map((link) => {
    const code = read(link, "code")
    return {
      name: bounded(read(link, "name") ?? "Object"),
      message: bounded(read(link, "message") ?? ""),
      ...(code === undefined ? {} : { code: bounded(code) })
    }
  })
  return links
    .filter(({ code, message }) => code !== undefined || (!said.has(message) && said.add(message)))
    .slice(0, mostCauses)
}

/** FNV-1a, 32 bits: equal on every machine, and nothing depends on its strength. */
export const fingerprint = (parts: ReadonlyArray<string>): string => {
  let hash = 0x811c9dc5
  for (const unit of parts.join("\n")) hash = Math.imul(hash ^ (unit.codePointAt(0) ?? 0), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, "0")
}
