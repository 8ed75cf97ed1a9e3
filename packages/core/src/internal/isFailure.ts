import * as Predicate from "effect/Predicate"

export const TypeId = "~@redrive/core/Failure"

/** Apart from the classes, since a report asks for this only. */
export const isFailure = (u: unknown): boolean => Predicate.hasProperty(u, TypeId)
