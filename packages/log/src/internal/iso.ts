/** The end of a time in ISO 8601, by its milliseconds. */
const ends = Array.from({ length: 1000 }, (_, millis) => `${String(millis).padStart(3, "0")}Z`)

/** Writes dates in ISO 8601 after a text. Everything but the milliseconds is kept for the other lines of the same second. */
export const isoAfter = (before: string): ((date: Date) => string) => {
  let second = NaN
  let upToSecond = ""
  return (date) => {
    const time = date.getTime()
    const begun = Math.floor(time / 1000)
    if (begun !== second) {
      upToSecond = `${before}${date.toISOString().slice(0, -"000Z".length)}`
      second = begun
    }
    return upToSecond + ends[time - begun * 1000]
  }
}

/** A date in ISO 8601. */
export const isoOf = isoAfter("")
