import { isCountName, isSecretName, mark, names } from "./secrets.ts"

/** A name, and what stands between it and its value. It is a field's, or the text of a field that has its value beside it. */
const naming = new RegExp(
  `((?:${names})[\\w-]{0,40})(?:` +
    `["'\\\\]*\\s*(?:=>|:=|={1,3}|:)\\s*` +
    // The first of two in a list.
    `|(?<=[[(]\\s*\\\\*["'][\\w.-]{0,60})\\\\*["'],\\s*(?=\\\\*["'][^"'\\n]*[^"'\\n\\w-][^"'\\n]*\\\\*["']|\\\\*["']\\w*\\d)` +
    // `name: "...", value: "..."`, with one field between them at most.
    `|(?<=(?:name|key|header)\\\\*["']?\\s*[:=]\\s*\\\\*["']?[\\w.-]{0,60})\\\\*["']?(?:,\\s*|\\s*\\n\\s*|,[^,:{}[\\]]{1,40}:[^,:{}[\\]]{1,40},\\s*)` +
    `\\\\*["']?values?\\\\*["']?\\s*[:=]\\s*)`,
  "gi"
)

const quote = /\\*(?:"""|'''|["'`])/y

/** What a language writes before a quoted value, such as the `b` of bytes and `Some(`. */
const wrapper = /(?:[A-Za-z]{1,20}\(\s*|[bfru]{1,2})(?=\\*["'`])/y

/** A value without quotes: a comma or bracket within it belongs to it, unless a name follows. */
const bare = /(?:[^\s"'&;,)\]}]|[,)\]}](?![\s"',;&)\]}]|$|[\w.-]+=))+/y

/** A block of lines in YAML. */
const block = /[|>][+-]?\d?[^\S\n]*\n(?:[^\S\n]+[^\n]*(?:\n|$))+/y

/** An object of an inspector, such as bytes. */
const inspected = /<[A-Za-z][^>\n]*>?/y

/** What says what is wrong with a value, what it must be, or that there is none. */
const remark = new RegExp(
  `(?:${mark}|(?:basic|bearer|digest|negotiate|token) ${mark}|\\[(?:Array|Function|Object)|` +
    "(?:a|after|an|any|at|before|boolean|by|can(?:'t|not)?|contains?|could|denied|doesn't|empty|expected|expired|expires|failed|false|field|" +
    "for|from|got|has|have|identifier|in|incorrect|invalid|is|isn't|it|its|jwt|less|malformed|may|mismatch|missing|more|must|needs?|no|none|not|" +
    "null|number|on|only|path|please|punc|received|refresh|refused|rejected|required|requires|revoked|should|signature|string|than|that|the|" +
    "this|too|true|undefined|unknown|unset|use|value|was|with|would|wrong|yes)(?=[\\s:.!?)\\]}\"'`]|[,;]\\s|$))",
  "iy"
)

const isHidden = new RegExp(`^(?:[a-z]+ )?${mark}$`, "i")

const broken = /["'`]\s*\+\s*["'`]/y

const number = /\d+(?![\w.-])/y

/** Hides each value that stands behind a name. */
export const withoutNamed = (text: string): string => {
  let safe = ""
  let done = 0
  naming.lastIndex = 0
  for (let found = naming.exec(text); found !== null; found = naming.exec(text)) {
    const [whole, name = ""] = found
    if (!isSecretName(name) || isResource(text, found.index)) continue
    const value = valueAt(text, naming.lastIndex, name, whole)
    if (value === undefined) continue
    safe += `${text.slice(done, value.from)}${mark}`
    done = naming.lastIndex = value.to
  }
  return done === 0 ? text : safe + text.slice(done)
}

/** Whether a place is within the name of a resource of AWS, of which a secret's is one. */
const isResource = (text: string, at: number): boolean =>
  /arn:[\w:-]{0,80}$/.test(text.slice(Math.max(0, at - 100), at))

interface Range {
  readonly from: number
  readonly to: number
}

/** Where the value at a place begins and ends, unless there is none to hide. */
const valueAt = (text: string, place: number, name: string, before: string): Range | undefined => {
  const at = place + (matchAt(wrapper, text, place)?.length ?? 0)
  const opening = matchAt(quote, text, at)
  if (opening !== undefined) {
    const from = at + opening.length
    const to = endOfQuoted(text, from, opening)
    return to > from && !isHidden.test(text.slice(from, to)) ? { from, to } : undefined
  }
  if (matchAt(remark, text, at) !== undefined) return undefined
  if (text[at] === "[" || text[at] === "{") return { from: at, to: endOfBracket(text, at) }
  const whole = matchAt(block, text, at) ?? matchAt(inspected, text, at)
  if (whole !== undefined) return { from: at, to: at + whole.trimEnd().length }
  // On the next line something else begins, but in YAML.
  if (/\n\s*$/.test(before) && !/value/i.test(before)) return undefined
  if (isCountName(name) && matchAt(number, text, at) !== undefined) return undefined
  const value = matchAt(bare, text, at)
  return value === undefined ? undefined : { from: at, to: at + value.length }
}

const matchAt = (sticky: RegExp, text: string, at: number): string | undefined => {
  sticky.lastIndex = at
  return sticky.exec(text)?.[0]
}

const slashesBefore = (text: string, at: number, from: number): number => {
  let count = 0
  while (at - count > from && text[at - count - 1] === "\\") count++
  return count
}

/**
 * Where a quoted value ends. In JSON within JSON quotes have backslashes: those of a quote within the value have more than those around
 * it. Without an end it is the rest of the line.
 */
const endOfQuoted = (text: string, from: number, opening: string): number => {
  const [quotes = ""] = /["'`]+$/.exec(opening) ?? []
  const level = opening.length - quotes.length
  for (let at = text.indexOf(quotes, from); at >= 0; at = text.indexOf(quotes, at + 1)) {
    const slashes = slashesBefore(text, at, from)
    if (slashes % (2 * (level + 1)) !== level) continue
    const next = at + quotes.length
    // An inspector doubles the backslashes of JSON: the end is where something else follows.
    if (slashes > level && !/^(?:[\s,;:&)\]}]|$)/.test(text.slice(next, next + 1))) continue
    // SQL doubles the quotes within a value.
    if (level === 0 && text[next] === quotes && text[next - 1] === quotes) {
      at = next
      continue
    }
    // A text that an inspector has broken into lines goes on.
    const more = matchAt(broken, text, at)
    if (more === undefined) return at - level
    at += more.length - 1
  }
  const end = text.indexOf("\n", from)
  return end < 0 ? text.length : end
}

/** Where a list or an object ends; without an end it is the text's. Brackets in quotes do not count. */
const endOfBracket = (text: string, from: number): number => {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const character = text[at] ?? ""
    if (character === "[" || character === "{") depth++
    else if ((character === "]" || character === "}") && --depth === 0) return at + 1
    else if ((character === '"' || character === "'") && /[[{,:(\s\\]/.test(text[at - 1] ?? "")) {
      const opening = text.slice(at - slashesBefore(text, at, from), at + 1)
      at = endOfQuoted(text, at + 1, opening) + opening.length - 1
    }
  }
  return text.length
}
