import * as Base64 from "effect/encoding/Base64"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { attempt } from "./chain.ts"
import { withoutSecrets } from "./url.ts"

/** No text of a report is longer, in UTF-16 units. */
const longest = 2000

/** A URL; its password may contain characters that no other part may. */
const urls = /\b[a-z][a-z\d+.-]*:\/\/(?:[^\s/]{0,500}@)?[^\s"'<>]+/gi

const credentials = /:\/\/[^\s/]{0,500}@/

const query = /:\/\/\S{0,2000}[?#]/

/** Whether a text may have a URL with something to hide. The cheapest checks come first. */
const isTelling = (text: string): boolean =>
  text.includes("://") &&
  ((text.includes("@") && credentials.test(text)) || ((text.includes("?") || text.includes("#")) && query.test(text)))

/** Shorter secrets are not looked for: they would be found in every text. */
const shortestSecret = 4

/** The text that replaces a secret. */
export const hidden = "<redacted>"

/** The placeholder while a text is searched: it does not end a URL, and occurs in no text. */
const mark = "\uFDD0"

/** Names that suggest a secret, wherever they occur. */
const names = "pass(?:w|phr)|pwd|secret|token(?!i|s)|authorization|cookie|credential|(?:api|access|private)[-_]?key"

const secretName = new RegExp(names, "i")

export const isSecretName = (name: string): boolean => secretName.test(name)

/** Patterns of secrets in texts; everything after `$1` is hidden. Each looks only at nearby characters, so none takes long. */
const secretive = [
  // A JSON web token.
  /\b()eyJ[\w-]+\.[\w.-]+/g,
  // Credentials after an authorization scheme; in prose a lower-case word follows.
  /\b((?:[Bb]earer|BEARER|[Bb]asic|BASIC)\s+)(?=\S*[A-Z\d=])[\w.~+/=-]+/g,
  // A secret header: the rest of its line after the scheme.
  /((?:authorization|cookie)\s*[:=]\s*(?:[a-z]+ )?)(?!["'])[^\n]+/gi,
  /((?:authorization|cookie)\\?["']?\s*[:=]\s*\\?["'](?:[a-z]+ )?)[^\n"']+/gi,
  // A name and its value, unless the value only says what is wrong.
  new RegExp(
    `((?:${names})[\\w-]*["'\\\\]*\\s*(?:[:=]|(?<=["']),)\\s*["'\\\\]*)` +
      `(?!(?:is|was|has|must|no|not|too|in\\w+|miss\\w+|wrong|null|undefined|true|false|\\w+ed)\\b|\\w* ?${mark})` +
      `(?:(?<=["'])[^"'\\n]+|[^\\s"',;&)\\]}]+)`,
    "gi"
  )
]

/** A sign that every text with a secret or a URL has; a cheap check, since most texts have none. */
const sign = /[:=?"'\uFDD0]|eyJ|[Bb](?:earer|asic)|B(?:EARER|ASIC)/

/** A narrower check for texts with such a sign. */
const suspect = new RegExp(`${names}|bearer|basic|eyJ|[?]`, "i")

const withoutSecretive = (text: string): string =>
  secretive.reduce(
    (rest, pattern) => rest.replace(pattern, `$1${mark}`),
    // The query of a path.
    text.replace(/\?[^\s?="'<>]{1,99}=[^\s"'<>]*/g, "")
  )

/** The forms in which a secret may occur in a text. */
const formsOf = (secret: string): ReadonlyArray<string> => {
  const json = JSON.stringify(secret).slice(1, -1)
  // A lone surrogate has no percent form.
  const uri = secret.replace(/[^\ud800-\udfff]+/g, encodeURIComponent)
  return [...new Set([secret, json, uri, Base64.encode(secret)])]
}

/**
 * Makes a text safe to store. In stack frames (`arePlaces`) only URLs and known secrets are hidden, and nothing is cut.
 */
export type Scrub = (text: string, arePlaces?: boolean) => string

/**
 * Makes a scrub that hides these secrets in plain, JSON, percent and Base64 form, and cuts a text longer than 2000 characters. It also
 * hides credentials and queries of URLs, headers, tokens, and values after a name that suggests a secret.
 */
export const scrub = (secrets: ReadonlyArray<string>): Scrub => {
  const forms = secrets
    .filter((secret) => secret.length >= shortestSecret)
    .flatMap(formsOf)
    .toSorted((a, b) => b.length - a.length)
  const reach = forms[0]?.length ?? 0
  return (text, arePlaces = false) => {
    const isCut = !arePlaces && text.length > longest + 2 * reach
    if (!isCut && forms.length === 0 && !sign.test(text)) return text
    const bare = forms.reduce(
      (rest, form) => rest.replaceAll(form, mark),
      isCut ? text.slice(0, longest + 2 * reach) : text
    )
    const whole = isCut ? withoutTail(bare, reach) : bare
    const bareOfUrls = isTelling(whole) ? whole.replace(urls, withoutSecrets) : whole
    const isClean = arePlaces || !suspect.test(bareOfUrls)
    const marked = isClean ? bareOfUrls : withoutSecretive(bareOfUrls)
    const safe = marked.includes(mark) ? marked.replaceAll(mark, hidden) : marked
    return isCut || (!arePlaces && safe.length > longest)
      ? `${safe.slice(0, longest)}… (${text.length} characters)`
      : safe
  }
}

/** Removes the part of a secret or a URL that a cut may have left. */
const withoutTail = (text: string, reach: number): string => {
  const rest = text.slice(0, Math.max(0, text.length - reach))
  const url = rest.lastIndexOf("://")
  return url < 0 || /\s/.test(rest.slice(url)) ? rest : rest.slice(0, url)
}

/** The scrub without known secrets. */
export const bounded: Scrub = scrub([])

const known = new WeakMap<ReadonlyArray<Redacted.Redacted>, Scrub>()

/** The scrub for a list of secrets, made once per list, since programs pass the same list with every line. */
export const scrubKnowing = (secrets: ReadonlyArray<Redacted.Redacted> | undefined): Scrub => {
  if (secrets === undefined || secrets.length === 0) return bounded
  const found = known.get(secrets)
  if (found !== undefined) return found
  const made = scrub(valuesOf(secrets))
  known.set(secrets, made)
  return made
}

/** The values of secrets that are strings and not wiped. */
export const valuesOf = (secrets: ReadonlyArray<Redacted.Redacted<unknown>>): ReadonlyArray<string> =>
  secrets.map((secret) => attempt(() => Redacted.value(secret))).filter(Predicate.isString)
