/**
 * What a robots.txt says to one crawler, by RFC 9309.
 *
 * The parsers on npm end a group at any record they do not know, compare a rule and a path in two encodings, or match by expressions
 * that a long rule can keep busy for hours; the standard is short.
 */
import * as Duration from "effect/Duration"

/** What a file says to a crawler. */
export interface Rules {
  /** Whether a page of the site may be fetched. */
  readonly isAllowed: (url: string) => boolean
  /** The least time between two requests. Default: absent, the file names none. */
  readonly crawlDelay?: Duration.Duration
}

/** The characters of a file that count: the standard asks for at least 500 KiB. */
const most = 512 * 1024

/** The rules of a file's text for a crawler by its product name, such as `ExampleBot`. */
export const parse = (text: string, product: string): Rules => {
  const own = product.toLowerCase()
  const said = new Map<string, Said>()
  /** Whom the next rule is for. A record that the standard does not know ends no group. */
  let group: Array<Said> = []
  /** Whom the next crawl delay is for: it came before the standard, when every record ended the list of names. */
  let named: Array<Said> = []
  let isRuled = false
  let isNamed = false
  for (const { name, value } of recordsOf(text.slice(0, most))) {
    if (name === "user-agent") {
      if (isRuled) group = []
      if (!isNamed) named = []
      isRuled = false
      isNamed = true
      const agent = /^(\*|[\w-]*)/.exec(value.toLowerCase())?.[0]
      if (agent === undefined || (agent !== "*" && agent !== own)) continue
      const one = said.get(agent) ?? { rules: [], delay: undefined }
      said.set(agent, one)
      group.push(one)
      named.push(one)
      continue
    }
    isNamed = false
    if (name === "crawl-delay") {
      for (const one of named) one.delay ??= delayOf(value)
      continue
    }
    isRuled = true
    if (value !== "") for (const one of group) one.rules.push(ruleOf(name === "allow", value))
  }
  const { delay, rules } = said.get(own) ?? said.get("*") ?? { rules: [], delay: undefined }
  return { isAllowed: judge(rules), ...(delay === undefined ? {} : { crawlDelay: delay }) }
}

interface Said {
  readonly rules: Array<Rule>
  delay: Duration.Duration | undefined
}

type RecordName = "user-agent" | "allow" | "disallow" | "crawl-delay"

/** The records that count, with their names in lower case and without comments. */
const recordsOf = (text: string): ReadonlyArray<{ readonly name: RecordName; readonly value: string }> =>
  text.split(/[\r\n]+/).flatMap((line) => {
    const [record = ""] = line.split("#", 1)
    const colon = record.indexOf(":")
    const name = record.slice(0, Math.max(0, colon)).trim().toLowerCase()
    return isRecordName(name) ? [{ name, value: record.slice(colon + 1).trim() }] : []
  })

const isRecordName = (name: string): name is RecordName =>
  name === "user-agent" || name === "allow" || name === "disallow" || name === "crawl-delay"

/** The longest crawl delay: a larger number is a mistake, or would stop the crawl. */
const longestDelay = Duration.seconds(30)

const delayOf = (value: string): Duration.Duration | undefined => {
  const seconds = Number(value)
  return value !== "" && seconds > 0 ? Duration.min(Duration.seconds(seconds), longestDelay) : undefined
}

interface Rule {
  readonly isAllowed: boolean
  readonly length: number
  /** The texts between the pattern's asterisks. */
  readonly parts: ReadonlyArray<string>
  /** Whether the path ends with the last part. */
  readonly isWhole: boolean
}

const ruleOf = (isAllowed: boolean, pattern: string): Rule => {
  const octets = octetsOf(pattern)
  const isWhole = octets.endsWith("$")
  const parts = (isWhole ? octets.slice(0, -1) : octets).replaceAll("$", "%24").split("*")
  return { isAllowed, length: octets.length, parts, isWhole }
}

/** The longest rule that matches decides; of two that are as long, the one that allows. */
const judge = (rules: ReadonlyArray<Rule>): Rules["isAllowed"] => {
  const sorted = rules.toSorted((a, b) => b.length - a.length || Number(b.isAllowed) - Number(a.isAllowed))
  return (address) => {
    const { hash, href, origin } = new URL(address)
    const path = href.slice(origin.length, href.length - hash.length)
    const octets = octetsOf(path).replaceAll("*", "%2A").replaceAll("$", "%24")
    return octets === "/robots.txt" || (sorted.find((rule) => matches(rule, octets))?.isAllowed ?? true)
  }
}

/** Whether the path has the parts, one after the other. The leftmost place of each part leaves the most room for the others. */
const matches = ({ isWhole, parts }: Rule, path: string): boolean => {
  const [first = "", ...others] = parts
  if (!path.startsWith(first)) return false
  const last = isWhole ? others.pop() : undefined
  let at = first.length
  for (const part of others) {
    const found = path.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  if (!isWhole) return true
  return last === undefined ? at === path.length : path.length - last.length >= at && path.endsWith(last)
}

/**
 * A pattern or path in one encoding: unreserved characters as they are, and every octet that may be written either way percent-encoded. So
 * `%7E` is `~`, and `[` is `%5B`; `%2F` stays different from `/`.
 */
const octetsOf = (text: string): string =>
  text.replace(/%[0-9a-f]{2}|[^\w.~!$&()*+,;=:@/?-]/giu, (found) => {
    if (found.length !== 3 || !found.startsWith("%")) return encode(found)
    const character = String.fromCharCode(Number.parseInt(found.slice(1), 16))
    return /[\w.~-]/.test(character) ? character : found.toUpperCase()
  })

const encode = (character: string): string =>
  [...Buffer.from(character)].map((octet) => `%${octet.toString(16).toUpperCase().padStart(2, "0")}`).join("")
