import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/**
 * Values of one kind that many layers give to one program, each under a key of its own. When layers are merged, Effect keeps the last value
 * of a key: with one key for all, the adapters in one `Layer.mergeAll` would silence each other.
 */
export interface Bindings<A> {
  /** A layer that adds a value. Each time it is built it adds one more, for as long as its scope is open. */
  readonly layer: (value: A) => Layer.Layer<never>
  /** The values that a context has, those of outer scopes first. */
  readonly of: (context: Context.Context<never>) => ReadonlyArray<A>
}

interface Bound<out A> {
  readonly value: A
  /** The value alone: most programs have one, and ask for it with each line of their log. */
  readonly only: ReadonlyArray<A>
  /** Counts what was built, in every scope: an outer scope was built before those within. */
  readonly since: number
}

/** With so many keys in use, a look at what a context has costs less than a look for each of them. */
const mostLookups = 16

const none: ReadonlyArray<never> = []

export const make = <A>(name: string): Bindings<A> => {
  const prefix = `${name}/`
  /**
   * As many keys as layers were ever open at once. A key that is given back is taken again, and looked for all the while: a scope that
   * closes still speaks.
   */
  const keys: Array<Context.Service<Bound<A>, Bound<A>>> = []
  const free: Array<number> = []
  let built = 0

  const take = Effect.sync(() => free.pop() ?? keys.push(Context.Service<Bound<A>>(`${prefix}${keys.length}`)) - 1)
  const give = (taken: number) => Effect.sync(() => void free.push(taken))

  const listed = (context: Context.Context<never>): ReadonlyArray<A> => {
    const found: Array<Bound<A>> = []
    for (const [key, value] of context.mapUnsafe) if (key.startsWith(prefix)) found.push(value as Bound<A>)
    return inOrder(found)
  }

  return {
    layer: (value) =>
      Layer.effectContext(
        Effect.map(Effect.acquireRelease(take, give), (taken) =>
          Context.makeUnsafe(new Map([[`${prefix}${taken}`, { value, only: [value], since: built++ }]]))
        )
      ),
    of: (context) => {
      if (keys.length > mostLookups) return listed(context)
      let first: Bound<A> | undefined
      let all: Array<Bound<A>> | undefined
      for (const key of keys) {
        const one = Context.getOrUndefined(context, key)
        if (one === undefined) continue
        if (first === undefined) first = one
        else (all ??= [first]).push(one)
      }
      return all !== undefined ? inOrder(all) : first === undefined ? none : first.only
    }
  }
}

const inOrder = <A>(all: Array<Bound<A>>): ReadonlyArray<A> =>
  all.toSorted((one, other) => one.since - other.since).map(({ value }) => value)
