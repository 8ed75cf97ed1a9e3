import * as Base64 from "effect/encoding/Base64"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Hex from "effect/encoding/Hex"

/** Shorter secrets are not looked for: they would be found in every text. */
const shortest = 4

/** So much of a secret's Base64 form must be its own, whatever it was encoded with. */
const shortestWithin = 8

/** The forms in which any of the secrets may occur in a text, longest first, so that none leaves the rest of another. */
export const formsOf = (secrets: ReadonlyArray<string>): ReadonlyArray<string> => {
  const forms = secrets.filter(({ length }) => length >= shortest).flatMap(formsOfOne)
  return [...new Set(forms)].toSorted((a, b) => b.length - a.length)
}

const formsOfOne = (secret: string): ReadonlyArray<string> => {
  // A lone surrogate has no form in bytes.
  const whole = secret.toWellFormed()
  const [uri, form, hex] = [
    encodeURIComponent(whole),
    new URLSearchParams([["", whole]]).toString().slice(1),
    Hex.encode(whole)
  ]
  const base64 = [Base64.encode, Base64Url.encode].flatMap((encode) => [encode(whole), ...within(whole, encode)])
  const json = jsonOf(secret)
  // What other languages write in percent form, and requests that are signed.
  const strict = uri.replace(/[!'()*]/g, (character) => `%${Hex.encode(character).toUpperCase()}`)
  return [
    secret,
    json,
    jsonOf(json),
    uri,
    lowerPercent(uri),
    strict,
    lowerPercent(strict),
    form,
    lowerPercent(form),
    hex,
    hex.toUpperCase(),
    ...base64.map(unpadded),
    ...base64
  ]
}

const jsonOf = (text: string): string => JSON.stringify(text).slice(1, -1)

const lowerPercent = (text: string): string => text.replace(/%[\dA-F]{2}/g, (byte) => byte.toLowerCase())

const unpadded = (base64: string): string => base64.replace(/=+$/, "")

/** What the secret is in the Base64 form of a longer text, such as `user:secret`, wherever it stands in it. */
const within = (secret: string, encode: (text: string) => string): ReadonlyArray<string> =>
  [0, 1, 2].flatMap((before) => {
    const length = before + new TextEncoder().encode(secret).length
    const encoded = encode("\0".repeat(before) + secret)
    // Characters that hold bits of its neighbours are not its own.
    const own = encoded.slice(Math.ceil((before * 4) / 3), Math.floor((length * 4) / 3))
    return own.length >= shortestWithin ? [own] : []
  })
