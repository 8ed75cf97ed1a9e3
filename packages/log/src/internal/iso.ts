let second = NaN
let upToSecond = ""

/** A date in ISO 8601. Everything but the milliseconds is kept for the other lines of the same second. */
export const isoOf = (date: Date): string => {
  const time = date.getTime()
  const begun = Math.floor(time / 1000)
  if (begun !== second) {
    upToSecond = date.toISOString().slice(0, -"000Z".length)
    second = begun
  }
  return `${upToSecond}${String(time - begun * 1000).padStart(3, "0")}Z`
}
