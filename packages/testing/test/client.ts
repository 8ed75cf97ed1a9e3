import * as Classify from "@redrive/core/Classify"
import type { Behaviour, Outcome } from "@redrive/testing/Behaviour"
import type * as HostileSite from "@redrive/testing/HostileSite"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** What came back: the body is read to its end. */
export interface Answer {
  readonly status: number
  readonly headers: { readonly [name: string]: string | undefined }
  readonly body: string
  readonly url: string
}

/** How long a client waits where a row expects it to lose patience; elsewhere it is a limit that only a bug reaches. */
const patience = ({ outcome }: Behaviour) => (outcome !== "ok" && outcome.detail === "response_timeout" ? 300 : 20_000)

/** The global fetch; fails with what it throws. */
export const get = (site: HostileSite.HostileSite, path: string, limit = 20_000): Effect.Effect<Answer, unknown> =>
  Effect.tryPromise(async () => {
    const response = await fetch(new URL(path, site.url), { signal: AbortSignal.timeout(limit) })
    const body = Buffer.from(await response.arrayBuffer()).toString("latin1")
    return { status: response.status, headers: Object.fromEntries(response.headers), body, url: response.url }
  })

/** What core makes of a visit. */
export const outcomeOf = (
  site: HostileSite.HostileSite,
  row: Behaviour
): Effect.Effect<Outcome | { readonly code: string; readonly detail: string | undefined }> =>
  get(site, row.path, patience(row)).pipe(
    Effect.flatMap((answer) => Effect.map(Clock.currentTimeMillis, (now) => Classify.answered(answer, now))),
    Effect.catch((cause) => Effect.succeed(Classify.thrown(cause))),
    Effect.map((reason) => (reason === undefined ? "ok" : { code: reason.code, detail: reason.detail }))
  )

/** Status of an answer. */
export const statusOf = (site: HostileSite.HostileSite, path: string): Effect.Effect<number, unknown> =>
  Effect.map(get(site, path), ({ status }) => status)

/** Absolute URLs of a page's links, in order. */
export const linksOf = ({ body, url }: Answer): ReadonlyArray<string> =>
  [
    ...Buffer.from(body, "latin1")
      .toString()
      .matchAll(/<a href="([^"]*)">/g)
  ].map(([, href]) => new URL(href ?? "", url).href)
