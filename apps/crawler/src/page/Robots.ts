/**
 * What a site's robots.txt allows by RFC 9309: without a file everything is allowed; with one that cannot be fetched, nothing.
 */
import * as ItemError from "@redrive/core/ItemError"
import * as Cache from "effect/Cache"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Fetcher from "./Fetcher.ts"
import * as Pauses from "./Pauses.ts"
import * as RobotsRules from "./RobotsRules.ts"

/** Waits for a page's turn, if its site asks for a delay between requests. Fails where the page may not be fetched, and says why. */
export type Robots = (url: string) => Effect.Effect<void, ItemError.Reason>

/** Allows everything. */
export const ignored: Robots = () => Effect.void

/** Sites whose rules are remembered at a time, and for how long: the standard allows a day. */
const mostSites = 1000
const remembered = Duration.hours(1)

/** Asks each site once for its rules, when a page of it comes up; one that could not say is asked again. */
export const respected: Effect.Effect<Robots, never, Fetcher.Fetcher> = Effect.gen(function* () {
  const fetcher = yield* Fetcher.Fetcher
  const sites = yield* Cache.makeWith((origin: string) => Effect.flatMap(load(fetcher, origin), siteOf), {
    capacity: mostSites,
    timeToLive: (exit) => (Exit.isSuccess(exit) ? remembered : Duration.zero)
  })
  return Effect.fnUntraced(function* (url) {
    const { isAllowed, turn } = yield* Cache.get(sites, new URL(url).origin)
    if (!isAllowed(url)) return yield* new ItemError.WebsiteAccessDenied({ status: 0, detail: "robots" })
    yield* turn
  })
})

/** `turn` waits until the site may be asked once more. */
const siteOf = Effect.fnUntraced(
  function* ({ crawlDelay: window, isAllowed }: RobotsRules.Rules) {
    if (window === undefined) return { isAllowed, turn: Effect.void }
    const { consume } = yield* RateLimiter.make
    const turn = consume({ key: "", limit: 1, window, algorithm: "token-bucket", onExceeded: "delay" }).pipe(
      // Counting in memory does not fail.
      Effect.orDie,
      Effect.flatMap(({ delay }) => Effect.sleep(delay))
    )
    return { isAllowed, turn }
    // A count of its own: a shared one would remember every site for ever.
  },
  Effect.provide(Layer.fresh(RateLimiter.layerStoreMemory))
)

const load = (
  fetcher: Fetcher.Fetcher["Service"],
  origin: string
): Effect.Effect<RobotsRules.Rules, ItemError.Reason> =>
  fetcher.fetch(`${origin}/robots.txt`, { accept: "text/plain,*/*" }).pipe(
    Effect.map(({ text }) => RobotsRules.parse(text, product)),
    Effect.catch((reason) => {
      if (isOfEveryPage(reason)) return Effect.fail(reason)
      const status = "status" in reason ? (reason.status ?? 0) : 0
      const isUnavailable = status >= 400 && status < 500 && reason.verdict._tag !== "Throttled"
      if (isUnavailable) return Effect.succeed(RobotsRules.parse("", product))
      return Effect.fail(new ItemError.WebsiteAccessDenied({ status: 0, detail: "robots_unreachable", cause: reason }))
    })
  )

/** Whether any page of the site would fail like this: the failure is told as it is, since robots.txt has nothing to do with it. */
const isOfEveryPage = (reason: ItemError.Reason): boolean =>
  reason._tag === "NameNotResolved" ||
  reason._tag === "InternalError" ||
  reason.detail === "private_address" ||
  Pauses.waitOf(reason) !== undefined

/** The crawler's name in a robots.txt. */
const product = Fetcher.userAgent.replace(/\/.*/, "")
