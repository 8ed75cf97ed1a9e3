/**
 * Flags that commands share, and what a value must be.
 */
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"

/** Whether a text is an absolute http or https URL. */
export const isHttpUrl = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)

/** A whole number from `minimum` to `maximum`, in digits. */
export const int = (name: string, minimum: number, maximum: number): Flag.Flag<number> =>
  Flag.String(name).pipe(
    Flag.withMetavar("N"),
    Flag.filterMap(
      (text) => {
        const value = /^\d+$/.test(text) ? Number(text) : NaN
        return value >= minimum && value <= maximum ? Option.some(value) : Option.none()
      },
      () => `Expected: a whole number from ${minimum} to ${maximum}`
    )
  )

export const allowPrivate = Flag.Boolean("allow-private").pipe(
  Flag.withDescription("Crawl private and loopback addresses too"),
  Flag.withDefault(false)
)
