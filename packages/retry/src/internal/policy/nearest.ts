/** The name that needs the fewest changes, unless that is a wholly different one. Case and separators do not count. */
export const nearest = (names: ReadonlyArray<string>, given: string): string | undefined => {
  const key = plain(given)
  const [first] = names
    .map((name) => ({ name, changes: distance(key, plain(name)) }))
    .toSorted((one, other) => one.changes - other.changes)
  return first === undefined || first.changes > key.length / 2 ? undefined : first.name
}

/** A name without case and separators. */
export const plain = (name: string): string => name.replaceAll(/[^a-z0-9]/gi, "").toLowerCase()

/** How many letters must be added, taken away or replaced to make one text of another: Levenshtein's distance. */
const distance = (one: string, other: string): number => {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [i, letter] of one.split("").entries()) {
    const next = [i + 1]
    for (const [j, wanted] of other.split("").entries()) {
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (letter === wanted ? 0 : 1)))
    }
    row = next
  }
  return row[other.length]!
}
