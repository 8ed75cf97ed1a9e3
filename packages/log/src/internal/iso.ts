let second = NaN
let upToSecond = ""

/** A date as ISO 8601 writes it. Lines come many in a second, of which all but the milliseconds is known then. */
export const isoOf = (date: Date): string => {
  const time = date.getTime()
  const begun = Math.floor(time / 1000)
  if (begun !== second) {
    upToSecond = date.toISOString().slice(0, -"000Z".length)
    second = begun
  }
  return `${upToSecond}${String(time - begun * 1000).padStart(3, "0")}Z`
}
