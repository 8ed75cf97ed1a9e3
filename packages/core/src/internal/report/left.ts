import * as Predicate from "effect/Predicate"
import { chain } from "../chain.ts"
import { unwrap } from "./once.ts"

/** What a failure was left under: the name and the key of the effect that it ended. */
export interface About {
  readonly name: string
  readonly key?: string | undefined
}

/** A failure that a watched effect has left to the calls around it, which may try again. */
export interface Left {
  readonly failure: unknown
  readonly about: About
}

/** A value that calls share, with what was left to them. */
interface Holder {
  left?: Set<Left> | undefined
}

export const leave = (holder: Holder, failure: unknown, about: About): void => {
  holder.left ??= new Set()
  holder.left.add({ failure: unwrap(failure), about })
}

/** What a failure, or the first failure that it wraps, was left under. It is returned once. */
export const take = (holder: Holder | undefined, failure: unknown): About | undefined => {
  if (holder?.left === undefined) return undefined
  for (const value of partsOf(failure)) {
    for (const one of holder.left) {
      if (one.failure !== value) continue
      holder.left.delete(one)
      return one.about
    }
  }
  return undefined
}

/** Takes all that was left. */
export const takeAll = (holder: Holder): Iterable<Left> => {
  const { left = [] } = holder
  delete holder.left
  return left
}

const partsOf = (failure: unknown): ReadonlyArray<unknown> => {
  const own = unwrap(failure)
  return Predicate.isObjectKeyword(own) ? chain(failure).map(({ value }) => value) : [own]
}
