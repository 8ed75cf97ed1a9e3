/**
 * Whose turn it is to fetch a suspect: a page that was under way when its process was lost, and may have taken the process with it.
 *
 * A process fetches one suspect at a time, and no other page of its job beside it. If the process is lost once more, that page counts as the
 * cause, and no other suspect does.
 */
export interface Suspects {
  /** Gives a job the turn, unless a job has it. */
  readonly admit: (jobId: string) => boolean
  /** Whether a job has the turn. */
  readonly has: (jobId: string) => boolean
  /** Ends the turn of a job, if it has it. */
  readonly leave: (jobId: string) => void
}

export const make = (): Suspects => {
  let turn: string | undefined
  const has = (jobId: string) => turn === jobId
  return {
    has,
    admit: (jobId) => {
      if (turn !== undefined) return false
      turn = jobId
      return true
    },
    leave: (jobId) => {
      if (has(jobId)) turn = undefined
    }
  }
}
