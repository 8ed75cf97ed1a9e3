/** A sliding sum in slices, which expire one by one. Times are in milliseconds. */
export interface Window {
  readonly add: (now: number, amount: number) => void
  readonly sum: (now: number) => number
}

export const make = (length: number, slices: number): Window => {
  const slice = Math.max(1, length / slices)
  const counts = new Float64Array(slices)
  let total = 0
  let latest: number | undefined

  /** The index of a time's slice, after clearing the slices that have left the window. A clock that was set back stands still. */
  const at = (now: number): number => {
    const current = Math.max(latest ?? -Infinity, Math.floor(now / slice))
    const passed = latest === undefined ? 0 : Math.min(slices, current - latest)
    for (let step = 0; step < passed; step++) {
      const index = indexOf(current - step)
      total -= counts[index] ?? 0
      counts[index] = 0
    }
    latest = current
    return indexOf(current)
  }

  const indexOf = (slice: number) => ((slice % slices) + slices) % slices

  return {
    add: (now, amount) => {
      const index = at(now)
      counts[index] = (counts[index] ?? 0) + amount
      total += amount
    },
    sum: (now) => {
      at(now)
      return total
    }
  }
}
