import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as RegularExpression from "effect/RegExp"
import { safely } from "../chain.ts"
import { formsOf } from "./forms.ts"
import { withoutNamed } from "./named.ts"
import { mark } from "./names.ts"
import { isSigned, isSuspect, withoutShapes } from "./shapes.ts"
import { withoutSecretUrls } from "./url.ts"

/** The longest text of a report, in UTF-16 units. */
const longest = 2000

/** More is read than is shown, so that a secret at the end is known by its whole shape. */
const margin = 500

/** The text that replaces a secret. */
export const hidden = "<redacted>"

/**
 * Makes a text safe to store. In stack frames (`arePlaces`) only URLs and known secrets are hidden, and nothing is cut.
 */
export type Scrub = (text: string, arePlaces?: boolean) => string

/**
 * Makes a scrub that hides these secrets in every form they may have, and cuts a text longer than 2000 characters. It also hides
 * credentials and queries of URLs, headers, tokens, private keys, and values after a name that suggests a secret.
 */
export const scrub = (secrets: ReadonlyArray<string>): Scrub => {
  const forms = formsOf(secrets)
  const reach = forms[0]?.length ?? 0
  const known = forms.length === 0 ? undefined : new RegExp(forms.map(RegularExpression.escape).join("|"), "g")
  return (text, arePlaces = false) => {
    const isCut = !arePlaces && text.length > longest + 2 * reach
    const taken = isCut ? text.slice(0, longest + 2 * reach + margin) : text
    const bare = known === undefined ? taken : taken.replace(known, mark)
    const isShort = arePlaces || text.length <= longest
    if (isShort && bare === text && !isSigned(text)) return wellFormed(text)
    const whole = isCut ? withoutTail(bare, reach) : bare
    const bareOfUrls = withoutSecretUrls(whole)
    const isClean = arePlaces || !isSuspect(bareOfUrls)
    const marked = isClean ? bareOfUrls : withoutNamed(withoutShapes(bareOfUrls))
    const safe = marked.includes(mark) ? marked.replaceAll(mark, hidden) : marked
    return isCut || !(arePlaces || safe.length <= longest) ? short(safe, text.length) : wellFormed(safe)
  }
}

const short = (text: string, length: number): string => `${cut(text, longest)}… (${length} characters)`

/** The beginning of a text, without half a character at its end, and without those it had: strict readers of JSON refuse halves. */
export const cut = (text: string, length: number): string => {
  if (text.length <= length) return wellFormed(text)
  const last = text.charCodeAt(length - 1)
  return wellFormed(text.slice(0, last >= 0xd800 && last < 0xdc00 ? length - 1 : length))
}

const wellFormed = (text: string): string => (text.isWellFormed() ? text : text.toWellFormed())

/** Removes the part of a known secret, a URL or a token that a cut may have left. */
const withoutTail = (text: string, reach: number): string => {
  const rest = text.slice(0, Math.max(0, text.length - reach))
  const word = rest.slice(-margin).search(/\S*$/)
  const whole = rest.slice(0, rest.length - Math.min(margin, rest.length) + word)
  const url = whole.lastIndexOf("://")
  return url < 0 || /\s/.test(whole.slice(url)) ? whole : whole.slice(0, url)
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
  secrets.map((secret) => safely(() => Redacted.value(secret))).filter(Predicate.isString)
