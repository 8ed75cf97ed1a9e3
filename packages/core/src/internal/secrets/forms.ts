import * as Base64 from "effect/encoding/Base64"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Hex from "effect/encoding/Hex"

/** Shorter secrets are not looked for: they would be found in every text. */
const shortest = 4

/** So much of a secret's Base64 form must be its own, whatever it was encoded with; and so long is a line of it that is looked for. */
const shortestWithin = 8
const shortestLine = 16

/** The forms in which any of the secrets may occur in a text, longest first, so that none leaves the rest of another. */
export const formsOf = (secrets: ReadonlyArray<string>): ReadonlyArray<string> => {
  const forms = secrets.filter(({ length }) => length >= shortest).flatMap(formsOfOne)
  return [...new Set(forms)].toSorted((a, b) => b.length - a.length)
}

const formsOfOne = (secret: string): ReadonlyArray<string> => {
  const whole = secret.toWellFormed()
  const hex = Hex.encode(whole)
  const base64 = [Base64.encode, Base64Url.encode].flatMap((encode) => [encode(whole), ...within(whole, encode)])
  const both = [...base64.map(unpadded), ...base64]
  return [
    secret,
    ...linesOf(secret),
    ...jsonForms(secret),
    ...percentForms(whole).flatMap((form) => [form, lowerPercent(form)]),
    hex,
    hex.toUpperCase(),
    ...both,
    ...both.map(encodeURIComponent)
  ]
}

/** An inspector, a mail or YAML has the lines of a secret each for itself. */
const linesOf = (secret: string): ReadonlyArray<string> => {
  const lines = secret.split(/\r?\n/)
  return lines.length === 1 ? [] : lines.map((line) => line.trim()).filter(({ length }) => length >= shortestLine)
}

/** In JSON, in JSON within JSON, with the escapes that other languages add, and as an inspector has it. */
const jsonForms = (secret: string): ReadonlyArray<string> => {
  const json = jsonOf(secret)
  const ascii = json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
  const slashed = json.replaceAll("/", "\\/")
  return [json, jsonOf(json), ascii, slashed, ascii.replaceAll("/", "\\/"), json.replaceAll('\\"', '"')]
}

const jsonOf = (text: string): string => JSON.stringify(text).slice(1, -1)

/** In percent form, in the strict one of requests that are signed, in that of a whole URL, and in a form's. */
const percentForms = (text: string): ReadonlyArray<string> => {
  const uri = encodeURIComponent(text)
  const strict = uri.replace(/[!'()*]/g, (character) => `%${Hex.encode(character).toUpperCase()}`)
  return [uri, strict, encodeURI(text), new URLSearchParams([["", text]]).toString().slice(1)]
}

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
