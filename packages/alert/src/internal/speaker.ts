import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"

/** Logs in the context of the fiber heard last, since the alerter's own context may not have the program's log. */
export interface Speaker {
  /** Logs news, unless there was some of that kind within the last minute. */
  readonly say: (kind: string, saying: Effect.Effect<void>) => void
  readonly context: () => Context.Context<never>
  /** Logs what is said from now on, and what was before. */
  readonly start: Effect.Effect<Speaking, never, Scope.Scope>
}

/** A speaker that logs. */
export interface Speaking {
  readonly heard: (context: Context.Context<never>) => void
  /** Logs what was said last. */
  readonly end: Effect.Effect<void>
}

/** Of one kind of news no more is said in a minute. */
const quiet = Duration.toMillis("1 minute")

export const make = (): Speaker => {
  let context: Context.Context<never> = Context.empty()
  let sayings: Array<Effect.Effect<void>> = []
  const saidAt = new Map<string, number>()
  const news = Latch.makeUnsafe(false)

  const speak = Effect.suspend(() => {
    const all = sayings
    sayings = []
    return Effect.provideContext(
      Effect.forEach(all, (saying) => saying, { discard: true }),
      context
    )
  })
  const speakOfNews = Latch.await(news).pipe(
    Effect.andThen(Effect.sync(() => news.closeUnsafe())),
    Effect.andThen(speak)
  )

  return {
    say: (kind, saying) => {
      const isHeard = context.mapUnsafe.size > 0
      const now = isHeard ? Context.get(context, Clock.Clock).currentTimeMillisUnsafe() : Date.now()
      const before = saidAt.get(kind)
      if (before !== undefined && now - before < quiet) return
      saidAt.set(kind, now)
      sayings.push(saying)
      news.openUnsafe()
    },
    context: () => context,
    start: Effect.gen(function* () {
      context = yield* Effect.context()
      yield* Effect.forkScoped(Effect.forever(speakOfNews))
      return {
        heard: (one) => {
          context = one
        },
        end: speak
      }
    })
  }
}
