/** Stands for a secret while a text is searched: it does not end a URL, and occurs in no text. */
export const mark = "\uFDD0"

/** Names that suggest a secret, wherever they occur in a name; `pass` unless it is the end of an English word. */
export const names =
  "pass(?:w|phr|code|key)|(?<!by|com|over|sur|tres|under)pass(?![a-z])|pwd|secret(?!ar)|(?<!unexpected )token(?!i)|authorization|" +
  "cookie(?!l)|credential|(?:access|account|api|encryption|master|private|signing)[-_ ]?key"

/** How names end of what is about a secret and is none itself, such as `cookieName` and `TokenExpiredError`. */
const about =
  "(?:count|enabled|endpoint|errors?|exception|expired|expiry|expires?(?:[-_]?(?:at|in|on))?|field|file|header|jar|length|limit|manager|" +
  "names?|path|policy|provider|required|service|size|store|ttl|types?|ur[il]|valid|version)"

const secretName = new RegExp(names, "i")

const isAbout = new RegExp(`${about}$`, "i")

export const isSecretName = (name: string): boolean => secretName.test(name) && !isAbout.test(name)

/** Tokens are also what language models count, and tests that pass. */
const counts = /^pass$|tokens|token[-_]?(?:count|limit|usage)/i

/** Whether numbers that have this name are no secrets. */
export const isCountName = (name: string): boolean => counts.test(name)

/** Headers whose values are secrets: in a flat list of names and values other names may be values. */
const secretHeader = /^(?:(?:proxy-)?authorization|(?:set-)?cookie|x-[\w-]*(?:key|secret|token))$/i

/** An option of a command line whose value is the next argument. */
const secretOption = new RegExp(`^--[\\w-]*(?:${names})[\\w-]*$`, "i")

/** A word that names something else, such as another field, and is hardly a secret. */
const isWord = /^[a-z][a-z-]{0,30}$/i

/** Whether the second of two texts in a list is the value of the first. */
export const isNamedBy = (name: string, value: unknown, isPair: boolean): boolean => {
  if (name.length > 64) return false
  if (secretOption.test(name) && !isAbout.test(name)) return true
  const isNamed = isPair ? /^[\w.-]+$/.test(name) && isSecretName(name) : secretHeader.test(name)
  return isNamed && !(typeof value === "string" && isWord.test(value))
}
