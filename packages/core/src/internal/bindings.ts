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
  /** Counts what was built, in every scope: an outer scope was built before those within. */
  readonly since: number
}

/** With so many keys in use, a look at what a context has costs less than a look for each of them. */
const mostLookups = 16

const none: ReadonlyArray<never> = []

export const make = <A>(name: string): Bindings<A> => {
  const keys: Array<Context.Service<Bound<A>, Bound<A>>> = []
  /** The numbers of keys that were in use and are free; a process has as many keys as it had layers open at once. */
  const free: Array<number> = []
  let built = 0

  const take = Effect.sync(() => {
    const taken = free.pop() ?? keys.length
    keys[taken] ??= Context.Service<Bound<A>>(`${name}/${taken}`)
    return taken
  })
  const give = (taken: number) => Effect.sync(() => void free.push(taken))

  const bound = (context: Context.Context<never>): Array<Bound<A>> => {
    const found: Array<Bound<A>> = []
    if (keys.length > mostLookups) {
      for (const [key, value] of context.mapUnsafe) if (key.startsWith(`${name}/`)) found.push(value as Bound<A>)
      return found
    }
    for (const key of keys) {
      const one = Context.getOrUndefined(context, key)
      if (one !== undefined) found.push(one)
    }
    return found
  }

  return {
    layer: (value) =>
      Layer.effectContext(
        Effect.map(Effect.acquireRelease(take, give), (taken): Context.Context<never> => {
          const key = keys[taken]
          return key === undefined
            ? Context.empty()
            : (Context.make(key, { value, since: built++ }) as Context.Context<unknown> as Context.Context<never>)
        })
      ),
    of: (context) => {
      if (keys.length === 0) return none
      const found = bound(context)
      if (found.length > 1) found.sort((one, other) => one.since - other.since)
      return found.length === 0 ? none : found.map(({ value }) => value)
    }
  }
}
