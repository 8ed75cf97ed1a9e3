/** The lines that were handed to a stream and are not known to be written. */
export interface Waiting {
  readonly add: (bytes: number) => void
  /** Forgets what is written: a stream writes in order, so what waits are the last lines that come to so many bytes. */
  readonly settle: (bytes: number) => void
  readonly count: () => number
}

/** Of a stream whose bytes are seen: the lengths of its lines, oldest first. */
export const seen = (): Waiting => {
  let lengths: Array<number> = []
  let head = 0
  let total = 0
  return {
    add: (bytes) => {
      lengths.push(bytes)
      total += bytes
    },
    settle: (bytes) => {
      for (let oldest = lengths[head]; oldest !== undefined && total - oldest >= bytes; oldest = lengths[head]) {
        total -= oldest
        head++
      }
      // Forgotten lines are removed when they are most of the list, so that no line is moved often.
      if (head < 1024 || head * 2 < lengths.length) return
      lengths = lengths.slice(head)
      head = 0
    },
    count: () => lengths.length - head
  }
}

/** Of a stream that only says when it has flushed: their number. */
export const unseen = (): Waiting => {
  let count = 0
  return {
    add: () => {
      count++
    },
    settle: (bytes) => {
      if (bytes === 0) count = 0
    },
    count: () => count
  }
}
