import * as Predicate from "effect/Predicate"

export const withoutStack = <A>(make: () => A): A => {
  const limit = Error.stackTraceLimit
  try {
    Error.stackTraceLimit = 0
  } catch {
    // Hardened programs freeze it.
    return make()
  }
  try {
    return make()
  } finally {
    Error.stackTraceLimit = limit
  }
}

/** A class that makes nothing: one that extends it adds its private fields to the object that is given. */
const Given = function (given: object) {
  return given
} as unknown as new (given: object) => object

/** Marks a reason that has stack frames. Nothing shows a private field, and unlike a `WeakSet` it takes no time. */
class Traced extends Given {
  #isTraced = true

  static has(reason: unknown): boolean {
    return Predicate.isObjectKeyword(reason) && #isTraced in reason && reason.#isTraced
  }
}

/** Marks a reason, just made, if it has stack frames. */
export const trace = <A extends object>(reason: A): A =>
  Error.stackTraceLimit > 0 ? (new Traced(reason) as A) : reason

/**
 * Makes an error of a reason. To look for stack frames is the main cost of an error, and those of its reason say more: where it failed,
 * rather than where that was said. So an error whose reason has them shows these below its own name and message.
 */
export const withStackOf = <A extends object | undefined>(facts: { readonly reason: object }, make: () => A): A => {
  if (!Traced.has(facts.reason) || !(Error.stackTraceLimit > 0)) return make()
  const error = withoutStack(make)
  return error && Object.defineProperty(error, "stack", borrowed)
}

const borrowed: PropertyDescriptor & ThisType<{ readonly reason: object }> = {
  configurable: true,
  get() {
    const { stack } = this.reason as { readonly stack?: unknown }
    const title = titleOf(this.reason)
    // An engine that writes no title, or a program that makes its own stacks, has other ones.
    return typeof stack === "string" && stack.startsWith(title) ? `${titleOf(this)}${stack.slice(title.length)}` : stack
  },
  set(value: unknown) {
    Object.defineProperty(this, "stack", { configurable: true, writable: true, value })
  }
}

const titleOf = (error: object): string => Error.prototype.toString.call(error)
