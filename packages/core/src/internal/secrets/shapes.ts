import { isSecretName, mark } from "./names.ts"

/** Tokens that are known by their shape alone: who makes them gave them a beginning so that they are found. */
const shapes = [
  "gh[opsur]_[A-Za-z\\d]{36}",
  "github_pat_\\w{22}",
  "gl(?:agent|cbt|dt|ft|imt|oas|pat|ptt|rt|soat)-[\\w-]{20}",
  "xox[a-z]-[\\w-]{16}",
  "xapp-\\d-[\\w-]{16}",
  "[rs]k_(?:live|org_live|org_test|test)_\\w{12}",
  "whsec_\\w{14}",
  "sk-(?=[\\w-]{0,30}?\\d)(?=[\\w-]{0,24}?[A-Za-z\\d]{16})",
  "A[KS]IA[A-Z\\d]{16}",
  "AIza[\\w-]{30}",
  "ya29\\.[\\w-]{20}",
  "GOCSPX-[\\w-]{20}",
  "npm_[A-Za-z\\d]{36}",
  "pypi-AgE[\\w-]{30}",
  "shp[a-z]{2}_[a-f\\d]{32}",
  "do[opr]_v1_[a-f\\d]{32}",
  "(?:hf|api_org)_[A-Za-z]{34}"
].join("|")

/** No token is shorter. */
const shortest = 20

/** A token is a word of its own, or follows a character that is written with an escape. */
const token = new RegExp(`(?:(?<![\\w-])|(?<=\\\\[nrt])|(?<=%[\\dA-Fa-f]{2}))()(?:${shapes})[\\w-]*`, "g")

const beginning = new RegExp(shapes, "y")

/** How a token begins; most words do otherwise. */
const initials = "AGadghnprswxy"

/** Letters, digits, `_` and `-`, by their code. */
const letters = Uint8Array.from({ length: 128 }, (_, code) => Number(/[\w-]/.test(String.fromCharCode(code))))

const isLetter = (code: number): boolean => code < 128 && letters[code] === 1

/** The long word that most logs have. */
const isUuid = (text: string): boolean =>
  text.length === 36 && text.charCodeAt(8) === dash && text.charCodeAt(13) === dash && text.charCodeAt(18) === dash

const dash = 45

/** Whether a text has such a token. A long word covers one of the characters that are looked at, so that most texts take no time. */
const hasToken = (text: string): boolean => {
  if (text.length < shortest || isUuid(text)) return false
  if (!(text.includes("-") || text.includes("_") || text.includes("A"))) return false
  for (let at = shortest - 1; at < text.length; at += shortest) {
    let from = at + 1
    while (from > 0 && isLetter(text.charCodeAt(from - 1))) from--
    if (from > at) continue
    while (at - from < shortest && at < text.length && isLetter(text.charCodeAt(at))) at++
    if (at - from < shortest) continue
    const before = text[from - 1]
    beginning.lastIndex = from + (before === "\\" ? 1 : before === "%" ? 2 : 0)
    if (initials.includes(text[beginning.lastIndex] ?? "") && beginning.test(text)) return true
  }
  return false
}

const privateKey = "-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----"

/** Words behind an option of a command line that say something of it. */
const remarks =
  "and|are|argument|can|cannot|could|expects|flag|for|from|has|have|if|in|instead|is|may|missing|must|needs?|not|option|or|requires?|should|to|" +
  "via|was|when|will|with|without"

/** Patterns of secrets in texts; everything after `$1` is hidden. Each looks only at nearby characters, so none takes long. */
const patterns = [
  // A private key, to its end or the text's.
  new RegExp(`()${privateKey}[^]*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|$)`, "g"),
  token,
  // A JSON web token, and tokens of Google and SendGrid, whose parts have dots between them.
  /(?:\b|(?<=\\[nrt]))()(?:eyJ[\w-]+\.[\w.-]+|ya29\.[\w.-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,})/g,
  // Credentials after an authorization scheme; in prose another word follows, in a challenge a parameter.
  /\b((?:[Bb]earer|BEARER)\s+)(?!\w+=["\\])(?=\S*(?:[\d=]|[a-z][A-Z]|[A-Z]{2}))[\w.~+/=-]+/g,
  /\b((?:[Bb]asic|BASIC)\s+)(?=\S*(?:[\d=]|[a-z][A-Z]))[\w+/-]{8,}=*/g,
  // A secret header: the rest of its line after the scheme.
  new RegExp(
    "((?:authorization|cookie)\\s{0,9}(?:=>|[:=])[^\\S\\n]{0,9}(?:[a-z]+ )?)" +
      "(?![\\s\"'[{`]|(?:denied|expired|failed|invalid|missing|null|required|undefined)\\b)[^\\n]+",
    "gi"
  )
]

/** An option of a command line and its value, in quotes or not. */
const option = /(?<![\w-])(--[\w-]{1,80}\s+)("[^"\n]*"?|'[^'\n]*'?|[^\s"'`\\-][^\s"'`\\]*)/g

const isRemark = new RegExp(`^(?:(?:${remarks})(?![\\w-])|\\d{1,9}[,;.]?$)`)

const withoutOptions = (text: string): string =>
  text.replace(option, (whole, name: string, value: string) =>
    isSecretName(name.trim()) && !isRemark.test(value) ? `${name}${mark}` : whole
  )

/** A sign that every text with a secret or a URL has, unless it has a dash or a token; cheap, since most texts have none. */
const sign = new RegExp(`[:=?"'${mark}]|eyJ|ya29|SG\\.|[Bb](?:earer|asic)|B(?:EARER|ASIC)`)

/** Whether a text may have a secret or a URL. */
export const isSigned = (text: string): boolean =>
  sign.test(text) || (text.length > 10 && ((text.includes("-") && text.includes("--")) || hasToken(text)))

/** A narrower check for texts with such a sign. */
const suspicious = /pass|pwd|secret|token|authorization|cookie|credential|key|bearer|basic|eyJ|ya29|SG\.|[?]/i

/** Whether a text may have what looks like a secret. */
export const isSuspect = (text: string): boolean => suspicious.test(text) || hasToken(text)

/** The query of a path. */
const query = /\?[^\s?="'<>]{1,99}=[^\s"'<>]*/g

/** Puts the mark in the place of what looks like a secret by its own shape or that of its surroundings. */
export const withoutShapes = (text: string): string =>
  patterns.reduce((rest, pattern) => rest.replace(pattern, `$1${mark}`), withoutOptions(text.replace(query, "")))
