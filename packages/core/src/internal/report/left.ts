import * as Predicate from "effect/Predicate"
import { chain } from "../chain.ts"
import { unwrap } from "./once.ts"

/** What a failure was left under: the name and the key of the effect that it ended. */
export interface Left {
  readonly name: string
  readonly key?: string | undefined
}

const left = new WeakMap<object, Left>()
let isAny = false

/** Leaves a failure to the outer call, which may try again. A failure that is not an object cannot be recognized later: `false`. */
export const leave = (failure: unknown, about: Left): boolean => {
  const own = unwrap(failure)
  if (!Predicate.isObjectKeyword(own)) return false
  left.set(own, about)
  isAny = true
  return true
}

/** What a failure, or the first failure that it wraps, was left under. It is returned once. Most programs leave none, so it costs them nothing. */
export const take = (failure: unknown): Left | undefined => {
  if (!isAny) return undefined
  for (const { value } of chain(failure)) {
    const about = left.get(value)
    if (about === undefined) continue
    left.delete(value)
    return about
  }
  return undefined
}
