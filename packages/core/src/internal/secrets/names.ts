/** Stands for a secret while a text is searched: it does not end a URL, and occurs in no text. */
export const mark = "\uFDD0"

/** Names that suggest a secret, wherever they occur in a name; `pass` unless it is the end of an English word. */
export const names =
  "pass(?:w|phr|code|key)|(?<!by|com|over|sur|tres|under)pass(?![a-z])|pwd|secret(?!ar(?:y|ies|ial))|(?<!unexpected )token(?!i)|authorization|" +
  "cookie(?!less)|credential|(?:access|account|api|encryption|master|private|signing)[-_ ]?key"

const secretName = new RegExp(names, "i")

/** Last words of names that are about a secret without being one, such as `cookieName` and `TokenExpiredError`. */
const about: ReadonlySet<string> = new Set(
  (
    "count counts enabled endpoint error errors exception expired expiry expires field fields file length limit name names path policy required " +
    "size ttl type types valid"
  ).split(" ")
)

/** Programs, files and packages are named so. */
const program = /-(?:jar|manager|provider|server|service|store)$/

const expiry = /expires?[-_]?(?:at|in|on)$/i

/** The last word of a name in camel or snake case, or in capitals. */
const lastWord = /(?:[A-Z]?[a-z]+|[A-Z]+)\d*$/

const isAbout = (name: string): boolean => {
  const [word = ""] = lastWord.exec(name) ?? []
  // The AWS service, whose name precedes its actions.
  return (
    about.has(word.toLowerCase()) || expiry.test(name) || program.test(name) || name.toLowerCase() === "secretsmanager"
  )
}

export const isSecretName = (name: string): boolean => secretName.test(name) && !isAbout(name)

/** Tokens are also what language models count, and tests that pass. */
const counts = /^pass$|tokens|token[-_]?(?:count|limit|usage)/i

/** Whether numbers that have this name are no secrets. */
export const isCountName = (name: string): boolean => counts.test(name)

/** Headers whose values are secrets: in a flat list of names and values other names may be values. */
const secretHeader = /^(?:(?:proxy-)?authorization|(?:set-)?cookie|x-[\w-]*(?:key|secret|token))$/i

/** An option of a command line whose value is the next argument. */
const option = /^--[\w-]+$/

/** A word that names something else, such as another field, and is hardly a secret. */
const isWord = /^[a-z][a-z-]{0,30}$/i

/** How two texts in a list belong together: as the only two, as two of a list of pairs, or as any others. */
export type Together = "pair" | "entry" | "list"

/** Whether the second of two texts in a list is the value of the first. */
export const isNamedBy = (name: string, value: unknown, together: Together): boolean => {
  if (name.length > 64) return false
  if (option.test(name)) return isSecretName(name)
  const isNamed = together === "list" ? secretHeader.test(name) : /^[\w.-]+$/.test(name) && isSecretName(name)
  return isNamed && (together === "entry" || !(typeof value === "string" && isWord.test(value)))
}
