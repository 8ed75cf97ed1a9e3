/** Stands for a secret while a text is searched: it does not end a URL, and occurs in no text. */
export const mark = "\uFDD0"

/** Names that suggest a secret, wherever they occur in a name; `pass` unless it is the end of an English word. */
const names =
  "pass(?:w|phr|code|key)|(?<!by|com|over|sur|tres|under)pass(?![a-z])|pwd|secret|token(?!i)|authorization|cookie|credential|" +
  "(?:access|account|api|encryption|master|private|signing)[-_ ]?key"

const secretName = new RegExp(names, "i")

export const isSecretName = (name: string): boolean => secretName.test(name)

/** Tokens are also what language models count. */
const counts = /tokens$|token[-_]?(?:count|limit)$/i

/** Whether the number that has this name is no secret. */
export const isCountName = (name: string): boolean => counts.test(name)

/** Headers whose values are secrets: in a flat list of names and values other names may be values. */
const secretHeader = /^(?:(?:proxy-)?authorization|(?:set-)?cookie|x-[\w-]*(?:key|secret|token))$/i

export const isSecretHeader = (name: string): boolean => secretHeader.test(name)

/** How tokens begin that are known by their shape alone: who makes them gave them a beginning so that they are found. */
const beginnings = [
  "gh[opsur]_",
  "github_pat_",
  "gl(?:pat|rt|dt|ptt)-",
  "xox[a-z]-",
  "xapp-",
  "[rs]k_(?:live|test)_",
  "whsec_",
  "sk-(?=[\\w-]*\\d)(?=[\\w-]*[A-Z])",
  "A[KS]IA(?=[A-Z\\d]{16})",
  "AIza",
  "GOCSPX-",
  "npm_",
  "pypi-",
  "shp[a-z]{2}_",
  "do[opr]_v1_",
  "hf_"
].join("|")

/** No token is shorter. */
const shortestToken = 20

const token = new RegExp(`(?<![\\w-])()(?=[\\w-]{${shortestToken}})(?:${beginnings})[\\w-]+`, "g")

const beginning = new RegExp(beginnings, "y")

/** Letters, digits, `_` and `-`, by their code. */
const words = Uint8Array.from({ length: 128 }, (_, code) => Number(/[\w-]/.test(String.fromCharCode(code))))

const isWord = (code: number): boolean => code < 128 && words[code] === 1

/** Whether a text has such a token. A long word covers one of the characters that are looked at, so that most texts take no time. */
const hasToken = (text: string): boolean => {
  if (!(text.includes("_") || text.includes("-") || text.includes("A"))) return false
  for (let at = shortestToken - 1; at < text.length; at += shortestToken) {
    let from = at + 1
    while (from > 0 && isWord(text.charCodeAt(from - 1))) from--
    if (from > at) continue
    while (at - from < shortestToken && at < text.length && isWord(text.charCodeAt(at))) at++
    if (at - from < shortestToken) continue
    beginning.lastIndex = from
    if (beginning.test(text)) return true
  }
  return false
}

const privateKey = "-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----"

/** Patterns of secrets in texts; everything after `$1` is hidden. Each looks only at nearby characters, so none takes long. */
const patterns = [
  // A private key, to its end or the text's.
  new RegExp(`()${privateKey}[^]*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|$)`, "g"),
  token,
  // A JSON web token, and a key of SendGrid, whose parts have dots between them.
  /\b()(?:eyJ[\w-]+\.[\w.-]+|SG\.[\w-]{16,}\.[\w-]{16,})/g,
  // Credentials after an authorization scheme; in prose a lower-case word follows.
  /\b((?:[Bb]earer|BEARER|[Bb]asic|BASIC)\s+)(?=\S*[A-Z\d=])[\w.~+/=-]+/g,
  // A secret header: the rest of its line after the scheme.
  /((?:authorization|cookie)\s*[:=]\s*(?:[a-z]+ )?)(?!["'[{])[^\n]+/gi,
  // An option of a command line; in prose a word follows that says something of it.
  new RegExp(
    `(--[\\w-]{0,40}(?:${names})[\\w-]{0,40}\\s+)(?!(?:can|for|in|is|must|not|or|to|was|with)\\b)[^\\s"'-]\\S*`,
    "gi"
  )
]

/** A sign that every text with a secret or a URL has, unless it has a dash or a token; cheap, since most texts have none. */
const sign = new RegExp(`[:=?"'${mark}]|eyJ|SG\\.|[Bb](?:earer|asic)|B(?:EARER|ASIC)`)

/** Whether a text may have a secret or a URL. */
export const isSigned = (text: string): boolean =>
  sign.test(text) || (text.length > 10 && text.includes("--")) || (text.length >= shortestToken && hasToken(text))

/** A narrower check for texts with such a sign. */
const suspicious = /pass|pwd|secret|token|authorization|cookie|credential|key|bearer|basic|eyJ|SG\.|[?]/i

/** Whether a text may have what looks like a secret. */
export const isSuspect = (text: string): boolean => suspicious.test(text) || hasToken(text)

/** The query of a path. */
const query = /\?[^\s?="'<>]{1,99}=[^\s"'<>]*/g

/** Puts the mark in the place of everything that looks like a secret. */
export const withoutSecretive = (text: string): string =>
  withoutNamed(patterns.reduce((rest, pattern) => rest.replace(pattern, `$1${mark}`), text.replace(query, "")))

/** A name and what stands between it and its value: in a list or a pair of fields, a comma. */
const naming = new RegExp(
  `((?:${names})[\\w-]*)["'\\\\]*\\s*(?:[:=]|(?<=["']),(?:\\s*\\\\*["']?val(?:ue)?\\\\*["']?\\s*[:=])?)\\s*`,
  "gi"
)

const quote = /\\*["'`]/y

/** A value without quotes: a comma or bracket within it belongs to it, unless a name follows. */
const bare = /(?:[^\s"'&;,)\]}]|[,)\]}](?![\s"',;&)\]}]|$|[\w.-]+=))+/y

/** What says what is wrong with a value, or that there is none. */
const remark = new RegExp(
  `(?:${mark}|[a-z]+ ${mark}|` +
    "(?:denied|empty|expired|false|has|incorrect|invalid|is|malformed|mismatch|missing|must|no|none|not|null|refused|rejected|" +
    "required|revoked|too|true|undefined|unknown|unset|was|wrong)(?![\\w.-]))",
  "iy"
)

const isHidden = new RegExp(`^(?:[a-z]+ )?${mark}$`, "i")

const broken = /["'`]\s*\+\s*["'`]/y

const number = /\d+(?![\w.-])/y

/** Hides each value that stands behind a name. */
const withoutNamed = (text: string): string => {
  let safe = ""
  let done = 0
  naming.lastIndex = 0
  for (let found = naming.exec(text); found !== null; found = naming.exec(text)) {
    const [whole, name = ""] = found
    const value = valueAt(text, naming.lastIndex, name, whole)
    if (value === undefined) continue
    safe += `${text.slice(done, value.from)}${mark}`
    done = naming.lastIndex = value.to
  }
  return done === 0 ? text : safe + text.slice(done)
}

interface Range {
  readonly from: number
  readonly to: number
}

/** Where the value at a place begins and ends, unless there is none to hide. */
const valueAt = (text: string, at: number, name: string, before: string): Range | undefined => {
  const opening = matchAt(quote, text, at)
  if (opening !== undefined) {
    const from = at + opening.length
    const to = endOfQuoted(text, from, opening)
    return to > from && !isHidden.test(text.slice(from, to)) ? { from, to } : undefined
  }
  if (text[at] === "[" || text[at] === "{") return { from: at, to: endOfBracket(text, at) }
  // On the next line something else begins.
  if (/\n\s*$/.test(before) || matchAt(remark, text, at) !== undefined) return undefined
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
  const level = opening.length - 1
  const mark = opening.at(-1) ?? ""
  for (let at = text.indexOf(mark, from); at >= 0; at = text.indexOf(mark, at + 1)) {
    if (slashesBefore(text, at, from) % (2 * (level + 1)) !== level) continue
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
