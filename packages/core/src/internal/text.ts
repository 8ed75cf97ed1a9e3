import * as Base64 from "effect/encoding/Base64"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { attempt } from "./chain.ts"
import { withoutSecrets } from "./url.ts"

/** No text of a report is longer, in UTF-16 units. */
const longest = 2000

/** A URL; its password may have what nothing else of it may. */
const urls = /\b[a-z][a-z\d+.-]*:\/\/(?:[^\s/]{0,500}@)?[^\s"'<>]+/gi

const credentials = /:\/\/[^\s/]{0,500}@/

const query = /:\/\/\S{0,2000}[?#]/

/** Whether a URL has anything to hide. What is found fastest is looked for first. */
const isTelling = (text: string): boolean =>
  text.includes("://") &&
  ((text.includes("@") && credentials.test(text)) || ((text.includes("?") || text.includes("#")) && query.test(text)))

/** Shorter secrets are not looked for: they would be found in every text. */
const shortestSecret = 4

/** What stands in the place of a secret. */
export const hidden = "<redacted>"

/** The same while a text is searched: it ends no URL, and stands in no text. */
const mark = "\uFDD0"

/** Names that speak of a secret, whatever holds them. */
const names = "pass(?:w|phr)|pwd|secret|token(?!i|s)|authorization|cookie|credential|(?:api|access|private)[-_]?key"

const secretName = new RegExp(names, "i")

export const isSecretName = (name: string): boolean => secretName.test(name)

/** Where texts have secrets, of which all that follows `$1` is hidden. No pattern looks far from a place, so none takes long. */
const secretive = [
  // A JSON web token.
  /\b()eyJ[\w-]+\.[\w.-]+/g,
  // What a scheme of authorization names; in prose a small word follows.
  /\b((?:[Bb]earer|BEARER|[Bb]asic|BASIC)\s+)(?=\S*[A-Z\d=])[\w.~+/=-]+/g,
  // A header that is one: the rest of its line, but for the scheme.
  /((?:authorization|cookie)\s*[:=]\s*(?:[a-z]+ )?)(?!["'])[^\n]+/gi,
  /((?:authorization|cookie)\\?["']?\s*[:=]\s*\\?["'](?:[a-z]+ )?)[^\n"']+/gi,
  // A name and its value, unless that only says what is wrong with it.
  new RegExp(
    `((?:${names})[\\w-]*["'\\\\]*\\s*(?:[:=]|(?<=["']),)\\s*["'\\\\]*)` +
      `(?!(?:is|was|has|must|no|not|too|in\\w+|miss\\w+|wrong|null|undefined|true|false|\\w+ed)\\b|\\w* ?${mark})` +
      `(?:(?<=["'])[^"'\\n]+|[^\\s"',;&)\\]}]+)`,
    "gi"
  )
]

/** What each text has that any of this, or a URL, could be found in: most have none, and to know that is cheap. */
const sign = /[:=?"'\uFDD0]|eyJ|[Bb](?:earer|asic)|B(?:EARER|ASIC)/

/** The same, of a text with such a sign. */
const suspect = new RegExp(`${names}|bearer|basic|eyJ|[?]`, "i")

const withoutSecretive = (text: string): string =>
  secretive.reduce(
    (rest, pattern) => rest.replace(pattern, `$1${mark}`),
    // The query of a path.
    text.replace(/\?[^\s?="'<>]{1,99}=[^\s"'<>]*/g, "")
  )

/** The forms in which a secret may stand in a text. */
const formsOf = (secret: string): ReadonlyArray<string> => {
  const json = JSON.stringify(secret).slice(1, -1)
  // A lone surrogate has no percent form.
  const uri = secret.replace(/[^\ud800-\udfff]+/g, encodeURIComponent)
  return [...new Set([secret, json, uri, Base64.encode(secret)])]
}

/**
 * Makes a text safe to store. Of places in a program (`arePlaces`) only URLs and what is known can be secrets; they are not cut.
 */
export type Scrub = (text: string, arePlaces?: boolean) => string

/**
 * A scrub that hides these secrets, in plain, JSON, percent and Base64 form, besides credentials and queries of URLs,
 * headers, tokens, and what stands behind the name of a secret, and that cuts a text longer than a screen.
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

/** Without what a cut may have left of a secret or a URL. */
const withoutTail = (text: string, reach: number): string => {
  const rest = text.slice(0, Math.max(0, text.length - reach))
  const url = rest.lastIndexOf("://")
  return url < 0 || /\s/.test(rest.slice(url)) ? rest : rest.slice(0, url)
}

/** The scrub that knows no secret by its value. */
export const bounded: Scrub = scrub([])

const known = new WeakMap<ReadonlyArray<Redacted.Redacted>, Scrub>()

/** The scrub that knows these secrets, as they are when it is first asked for: programs give the same list with every line. */
export const scrubKnowing = (secrets: ReadonlyArray<Redacted.Redacted> | undefined): Scrub => {
  if (secrets === undefined || secrets.length === 0) return bounded
  const found = known.get(secrets)
  if (found !== undefined) return found
  const made = scrub(valuesOf(secrets))
  known.set(secrets, made)
  return made
}

/** What secrets hide, where that is text and they still know it. */
export const valuesOf = (secrets: ReadonlyArray<Redacted.Redacted<unknown>>): ReadonlyArray<string> =>
  secrets.map((secret) => attempt(() => Redacted.value(secret))).filter(Predicate.isString)
