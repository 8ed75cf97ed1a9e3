/**
 * Flags that commands share, and what a value must be.
 */
import * as Check from "@redrive/core/Check"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"

/** The address of an API: paths are added to it, and the key goes into a header of its own. */
export const isApiUrl = (text: string): boolean => {
  if (!Check.isHttpUrl(text)) return false
  const { hash, password, search, username } = new URL(text)
  return [hash, password, search, username].every((part) => part === "")
}

/** What a site and the API accept of a URL or a pattern. */
export const longest = 8190

/** A text that is not empty, and no longer than a URL may be. */
export const text = (name: string, metavar: string): Flag.Flag<string> =>
  Flag.String(name).pipe(
    Flag.withMetavar(metavar),
    Flag.filter(
      (value) => value !== "" && value.length <= longest,
      (value) => (value === "" ? "Expected: a value" : `Expected: at most ${longest} characters`)
    )
  )

/** Reads a whole number from `minimum` to `maximum`, in digits. */
export const intFrom =
  (minimum: number, maximum: number) =>
  (text: string): Option.Option<number> => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN
    return value >= minimum && value <= maximum ? Option.some(value) : Option.none()
  }

/** A whole number from `minimum` to `maximum`, in digits. */
export const int = (name: string, minimum: number, maximum: number): Flag.Flag<number> =>
  Flag.String(name).pipe(
    Flag.withMetavar("N"),
    Flag.filterMap(intFrom(minimum, maximum), () => `Expected: a whole number from ${minimum} to ${maximum}`)
  )
