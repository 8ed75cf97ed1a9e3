/**
 * Numbers and names in the words of an explanation.
 */

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const rounded = (value: number): string => String(Number(value.toFixed(1)))

/** A time in milliseconds with a unit that suits it. */
export const time = (millis: number): string => {
  if (millis < second) return `${Math.round(millis)} ms`
  if (millis < 2 * minute) return `${rounded(millis / second)} s`
  if (millis < 2 * hour) return `${rounded(millis / minute)} min`
  return millis < 2 * day ? `${rounded(millis / hour)} h` : `${rounded(millis / day)} days`
}

export const count = (number: number, one: string): string => `${number} ${number === 1 ? one : `${one}s`}`

export const retries = (number: number): string => (number === 1 ? "1 retry" : `${number} retries`)

/** A chance from 0 to 1 as a share; one that is small, but not zero, does not look like zero. */
export const share = (chance: number): string =>
  chance > 0 && chance < 0.01 ? "<1 %" : chance < 1 && chance > 0.99 ? ">99 %" : `${Math.round(100 * chance)} %`

// Control characters, line separators and bidirectional control characters.
// oxlint-disable-next-line no-control-regex -- the characters are meant
const unseen = /[\u0000-\u001F\u007F-\u009F\u061C\u200B-\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/g

/** A text of a file on one line, without the power to move the cursor or to change colors or direction. */
export const visible = (text: string): string =>
  text.toWellFormed().replace(unseen, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
