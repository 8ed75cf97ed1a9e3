import * as Base64 from "effect/encoding/Base64"
import { withoutSecrets } from "./url.ts"

/** No text of a report is longer, in UTF-16 units. */
const longest = 2000

/** A URL; its password may have what nothing else of it may. */
const urls = /\b[a-z][a-z\d+.-]*:\/\/(?:[^\s/]{0,500}@)?[^\s"'<>]+/gi

/** Only such a URL has anything to hide. */
const telling = /:\/\/(?:[^\s/]{0,500}@|\S{0,2000}[?#])/

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

/** Most texts have no sign of any, and to know that is cheap. */
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

/** Makes a text safe to store. Of a place in a program (`isPlace`) only the URL and what is known can be a secret. */
export type Scrub = (text: string, isPlace?: boolean) => string

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
  return (text, isPlace = false) => {
    const isCut = text.length > longest + 2 * reach
    const bare = forms.reduce(
      (rest, form) => rest.replaceAll(form, mark),
      isCut ? text.slice(0, longest + 2 * reach) : text
    )
    const whole = isCut ? withoutTail(bare, reach) : bare
    const bareOfUrls = telling.test(whole) ? whole.replace(urls, withoutSecrets) : whole
    const isClean = isPlace || !suspect.test(bareOfUrls)
    const safe = (isClean ? bareOfUrls : withoutSecretive(bareOfUrls)).replaceAll(mark, hidden)
    return isCut || safe.length > longest ? `${safe.slice(0, longest)}… (${text.length} characters)` : safe
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
