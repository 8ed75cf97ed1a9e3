import type * as Deferred from "effect/Deferred"
import type { End, StoreError } from "../../Store.ts"

/** An end that is to be recorded. */
export interface Ending extends End {
  /** Whether the claim was still held. */
  readonly held: Deferred.Deferred<boolean, StoreError>
}

/** The ends that the next turns take along, in their order. */
export interface Ends {
  readonly isEmpty: () => boolean
  readonly add: (ending: Ending) => void
  /** The first ones, as many as are recorded together. */
  readonly next: () => ReadonlyArray<Ending>
  /** Takes these away. */
  readonly take: () => ReadonlyArray<Ending>
  /** Puts back what was taken, ahead of what came later. */
  readonly putBack: (endings: ReadonlyArray<Ending>) => void
  readonly all: ReadonlyArray<Ending>
}

/** The most characters of results that a turn records: a statement has little time. One result may have more. */
const mostText = 8_000_000

/** How many of these ends, from the first one on, are recorded together. */
const together = (ends: ReadonlyArray<End>): number => {
  let text = 0
  const isTooMuch = ({ what }: End, at: number) => {
    text += what._tag === "Done" ? what.result.length : 0
    return at > 0 && text > mostText
  }
  const first = ends.findIndex(isTooMuch)
  return first === -1 ? ends.length : first
}

export const make = (): Ends => {
  const ends: Array<Ending> = []
  return {
    isEmpty: () => ends.length === 0,
    add: (ending) => {
      ends.push(ending)
    },
    next: () => ends.slice(0, together(ends)),
    take: () => ends.splice(0, together(ends)),
    putBack: (endings) => {
      ends.unshift(...endings)
    },
    all: ends
  }
}
