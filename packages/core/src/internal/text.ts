import * as Base64 from "effect/encoding/Base64"
import { withoutSecrets } from "./url.ts"

/** No text of a report is longer, in UTF-16 units. */
const longest = 2000

const urls = /\b[a-z][a-z\d+.-]*:\/\/[^\s"'<>]+/gi

/** What follows the name of a scheme in an Authorization header. */
const credentials = /\b(Bearer|Basic)\s+[\w.~+/=-]+/g

/** Shorter secrets are not looked for: they would be found in every text. */
const shortestSecret = 4

/** What stands in the place of a secret. */
export const hidden = "<redacted>"

/** Names that speak of a secret, whatever holds them. */
const secretName = /passw|secret|token|authorization|cookie|credential|api_?key/i

/** Programs use few names, and each many times. */
const judged = new Map<string, boolean>()

export const isSecretName = (name: string): boolean => {
  const known = judged.get(name)
  if (known !== undefined) return known
  const isSecret = secretName.test(name)
  if (judged.size < 1000) judged.set(name, isSecret)
  return isSecret
}

/** The forms in which a secret may stand in a text. */
const formsOf = (secret: string): ReadonlyArray<string> => {
  const json = JSON.stringify(secret).slice(1, -1)
  // A lone surrogate has no percent form.
  const uri = secret.replace(/[^\ud800-\udfff]+/g, encodeURIComponent)
  return [...new Set([secret, json, uri, Base64.encode(secret)])]
}

/** Makes a text safe to store. */
export type Scrub = (text: string) => string

/**
 * A scrub that hides these secrets, in plain, JSON, percent and Base64 form, besides credentials and the queries of URLs, and that
 * cuts a text longer than a screen.
 */
export const scrub = (secrets: ReadonlyArray<string>): Scrub => {
  const forms = secrets
    .filter((secret) => secret.length >= shortestSecret)
    .flatMap(formsOf)
    .toSorted((a, b) => b.length - a.length)
  const reach = forms[0]?.length ?? 0
  return (text) => {
    const isCut = text.length > longest + 2 * reach
    const bare = forms.reduce(
      (rest, form) => rest.replaceAll(form, hidden),
      isCut ? text.slice(0, longest + 2 * reach) : text
    )
    const whole = isCut ? withoutTail(bare, reach) : bare
    // Most texts have neither, and to know that is cheap.
    const bareOfUrls = whole.includes("://") ? whole.replace(urls, withoutSecrets) : whole
    const safe = bareOfUrls.includes("B") ? bareOfUrls.replace(credentials, `$1 ${hidden}`) : bareOfUrls
    return isCut || safe.length > longest ? `${safe.slice(0, longest)}… (${text.length} characters)` : safe
  }
}

/** Without what a cut may have left of a secret or a URL. */
const withoutTail = (text: string, reach: number): string => {
  const rest = text.slice(0, text.length - reach)
  const url = rest.lastIndexOf("://")
  return url < 0 || /\s/.test(rest.slice(url)) ? rest : rest.slice(0, url)
}

/** The scrub that knows no secret by its value. */
export const bounded: Scrub = scrub([])
