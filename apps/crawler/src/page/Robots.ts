/**
 * What a site's robots.txt allows by RFC 9309: without a file everything is allowed; with one that cannot be fetched, nothing.
 */
import * as ItemError from "@redrive/core/ItemError"
import * as Cache from "effect/Cache"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import RobotsParser from "robots-parser"
import * as Fetcher from "./Fetcher.ts"

// The package is CommonJS, and its declarations promise a default export that Node.js does not see.
const parse = RobotsParser as unknown as typeof RobotsParser.default

/** Fails where a page may not be fetched, and says why. */
export type Robots = (url: string) => Effect.Effect<void, ItemError.Reason>

/** Allows everything. */
export const ignored: Robots = () => Effect.void

/** Sites whose rules are remembered at a time. */
const mostSites = 1000

/** Asks each site once for its rules, when a page of it comes up; one that could not say is asked again. */
export const respected: Effect.Effect<Robots, never, Fetcher.Fetcher> = Effect.gen(function* () {
  const fetcher = yield* Fetcher.Fetcher
  const rules = yield* Cache.makeWith((origin: string) => load(fetcher, `${origin}/robots.txt`), {
    capacity: mostSites,
    timeToLive: (exit) => (Exit.isSuccess(exit) ? Duration.infinity : Duration.zero)
  })
  return (url) =>
    Effect.flatMap(Cache.get(rules, new URL(url).origin), (isAllowed) =>
      isAllowed(url) ? Effect.void : Effect.fail(new ItemError.WebsiteAccessDenied({ status: 0, detail: "robots" }))
    )
})

type Rules = (url: string) => boolean

const load = (fetcher: Fetcher.Fetcher["Service"], address: string): Effect.Effect<Rules, ItemError.Reason> =>
  fetcher.fetch(address, { accept: "text/plain,*/*" }).pipe(
    Effect.map(({ text }): Rules => {
      const robots = parse(address, text)
      return (url) => robots.isAllowed(url, Fetcher.userAgent) !== false
    }),
    Effect.catch((reason) => {
      const status = "status" in reason ? (reason.status ?? 0) : 0
      if (status >= 400 && status < 500 && reason.verdict._tag !== "Throttled") return Effect.succeed<Rules>(() => true)
      return Effect.fail(new ItemError.WebsiteAccessDenied({ status: 0, detail: "robots_unreachable", cause: reason }))
    })
  )
