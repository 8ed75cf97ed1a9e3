import { isCountName, isSecretName, mark, names } from "./names.ts"

/** A name, and the text between it and its value. The name is that of a field, or a text that is followed by its value. */
export const naming = new RegExp(
  `((?:${names})[\\w-]{0,60})(?![\\w-])(?:` +
    `["'\\\\]*\\s*(=>|:=|={1,3}|:)\\s*` +
    // A command-line option, or the first of a pair in a list of pairs.
    `|(?<=["']--[\\w-]{0,70}|(?:[[(]|[\\])],)\\s*[[(]\\s*\\\\*["'][\\w.-]{0,70})\\\\*["'],\\s*(?=\\\\*["'])` +
    // The first of two values in a list, unless the second is itself a name.
    `|(?<=[[(]\\s*\\\\*["'][\\w.-]{0,70})\\\\*["'],\\s*(?=\\\\*["'][^"'\\n]*[^"'\\n\\w-][^"'\\n]*\\\\*["']|\\\\*["']\\w*\\d)` +
    // `name: "...", value: "..."`, with one field between them at most.
    `|(?<=(?:name|key|header)\\\\*["']?\\s*[:=]\\s*\\\\*["']?[\\w.-]{0,70})\\\\*["']?(?:,\\s*|\\s*\\n\\s*|,[^,:{}[\\]]{1,40}:[^,:{}[\\]]{1,40},\\s*)` +
    `\\\\*["']?values?\\\\*["']?\\s*([:=])\\s*)`,
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

/** What an inspector and other languages write before a list or an object: `Map(1) {`, `[Object: null prototype] {`, `[]string{`. */
const collection = /(?:\[[A-Z][^\]\n]{0,40}\] ?|[A-Z][\w.]{0,40}(?:\(\d+\))? ?|(?:\[\]|[&*])[\w.]{1,40})(?=[[{])/y

/** An indented list or value on the next line, as in YAML. */
const below = /- [^\n]*(?:\n[^\S\n]+- [^\n]*)*|[^\s:"'[{][^\n:]*(?=\n|$)/y

const end = "(?=[.:!?)\\]}\"'`,;]{0,3}(?:\\s|$))"

/** Matches if there is no value, or a hidden one. */
const nothing = new RegExp(
  `(?:${mark}|(?:basic|bearer|digest|negotiate|token) ${mark}|\\[(?:Array|Object|Function[^\\]]*)\\](?! ?[[{])|(?:false|none|null|true|undefined)${end})`,
  "iy"
)

/** Words that say what is wrong with a value, or what it must be. */
const remark = new RegExp(
  "(?:a|after|an|any|at|bad|before|blacklisted|boolean|by|can(?:'t|not)?|contains?|could|denied|did|disabled|does|doesn't|empty|expected|" +
    "expired|expires|failed|field|for|from|got|has|have|identifier|in|incorrect|invalid|is|isn't|it|its|jwt|less|malformed|maximum|may|minimum|" +
    "mismatch|missing|more|must|needs?|no|not|number|on|only|path|please|punc|received|refresh|refused|rejected|required|requires|revoked|" +
    "should|signature|string|than|that|the|this|too|unauthorized|unexpected|unknown|unset|use|used|value|was|with|would|wrong|yes|" +
    `\\d+ (?:characters|chars|of)|PEM_\\w+)${end}`,
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
    const [whole, name = "", sign, other] = found
    if (!isSecretName(name) || isPart(text, found.index, name)) continue
    const value = valueAt(text, naming.lastIndex, { name, isProse: (sign ?? other) === ":", before: whole })
    if (value === undefined) continue
    safe += `${text.slice(done, value.from)}${mark}`
    done = naming.lastIndex = value.to
  }
  return done === 0 ? text : safe + text.slice(done)
}

/** Whether a name is part of something else: an AWS resource, or an English sentence. */
const isPart = (text: string, at: number, name: string): boolean =>
  /arn:[\w:-]{0,80}$/.test(text.slice(Math.max(0, at - 100), at)) ||
  (name === "pass" && /[A-Za-z] $/.test(text.slice(Math.max(0, at - 2), at))) ||
  name === "PASS"

interface Range {
  readonly from: number
  readonly to: number
}

/** A name and the text that follows it. After a colon (`isProse`), that text may be a remark about the value. */
interface Named {
  readonly name: string
  readonly before: string
  readonly isProse: boolean
}

/** The range of the value at a place; `undefined` if there is nothing to hide. */
const valueAt = (text: string, place: number, { before, isProse, name }: Named): Range | undefined => {
  const at = place + (matchAt(wrapper, text, place)?.length ?? 0)
  const opening = matchAt(quote, text, at)
  if (opening !== undefined) {
    const from = at + opening.length
    const to = endOfQuoted(text, from, opening)
    return to > from && !isHidden.test(text.slice(from, to)) ? { from, to } : undefined
  }
  if (matchAt(nothing, text, at) !== undefined) return undefined
  const bracket = at + (matchAt(collection, text, at)?.length ?? 0)
  if (text[bracket] === "[" || text[bracket] === "{") {
    const to = endOfBracket(text, bracket)
    return isCountName(name) && isNumbers(text.slice(bracket, to)) ? undefined : { from: at, to }
  }
  if (isProse && matchAt(remark, text, at) !== undefined) return undefined
  const indent = /\n[^\S\n]*$/.exec(before)
  const whole = matchAt(block, text, at) ?? matchAt(inspected, text, at) ?? (indent && matchAt(below, text, at))
  if (indent !== null && (indent[0].length < 2 || !whole)) return undefined
  if (whole) return { from: at, to: at + whole.trimEnd().length }
  if (isCountName(name) && matchAt(number, text, at) !== undefined) return undefined
  const value = matchAt(bare, text, at)
  return value === undefined ? undefined : { from: at, to: at + value.length }
}

/** Whether a list or an object holds numbers and nothing else. */
const isNumbers = (text: string): boolean =>
  text.replace(/\\*["']?[\w-]+\\*["']?\s*:/g, "").replace(/\b(?:\d+(?:\.\d+)?n?|null|undefined)\b|[\s,{}[\]]/g, "") ===
  ""

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
    // An inspector breaks a long text into lines joined by `+`.
    const more = matchAt(broken, text, at)
    if (more === undefined) return at - level
    at += more.length - 1
  }
  const end = text.indexOf("\n", from)
  return end < 0 ? text.length : end
}

/** The end of a list or an object, or of the text if it is not closed. Brackets in quotes do not count. */
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
