/**
 * What a site's robots.txt allows, as RFC 9309 reads it: none at all allows everything, one that cannot be had forbids everything.
 */
import * as ItemError from "@redrive/core/ItemError"
import * as Effect from "effect/Effect"
import RobotsParser from "robots-parser"
import * as Fetcher from "./Fetcher.ts"

// The package is CommonJS, and its declarations promise a default export that Node.js does not see.
const parse = RobotsParser as unknown as typeof RobotsParser.default

/** Says why a page may not be fetched, if it may not. */
export type Robots = (url: string) => ItemError.Reason | undefined

/** Fetches the robots.txt of a page's site, once. Never fails: not knowing is an answer too. */
export const load = Effect.fnUntraced(function* (page: string): Effect.fn.Return<Robots, never, Fetcher.Fetcher> {
  const fetcher = yield* Fetcher.Fetcher
  const address = new URL("/robots.txt", page).href
  return yield* fetcher.fetch(address, { accept: "text/plain,*/*" }).pipe(
    Effect.map(({ text }): Robots => {
      const rules = parse(address, text)
      return (url) =>
        rules.isAllowed(url, Fetcher.userAgent) === false
          ? new ItemError.WebsiteAccessDenied({ status: 0, detail: "robots" })
          : undefined
    }),
    Effect.catch((reason): Effect.Effect<Robots> => {
      const status = "status" in reason ? (reason.status ?? 0) : 0
      const missing = status >= 400 && status < 500 && status !== 429
      const unreachable = new ItemError.WebsiteAccessDenied({ status: 0, detail: "robots_unreachable", cause: reason })
      return Effect.succeed(() => (missing ? undefined : unreachable))
    })
  )
})
