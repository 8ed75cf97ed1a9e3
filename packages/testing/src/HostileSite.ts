/**
 * A real HTTP site on 127.0.0.1 that misbehaves in the ways that crawlers meet.
 *
 * Its behaviours are a table that tests can loop over: each row has a path, a summary, and the failure that a client should see. Texts come
 * from a seed and times from `Clock`, so a run can be repeated. Closing the scope ends every socket at once.
 *
 * @since 0.1.0
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Check from "@redrive/core/Check"
import type { Behaviour } from "./Behaviour.ts"
import { handlerOf, rows } from "./internal/behaviours.ts"
import * as Server from "./internal/server.ts"
import * as Visits from "./internal/visits.ts"

/**
 * One request that the site received.
 *
 * @category models
 * @since 0.1.0
 */
export type Request = Visits.Request

/**
 * The texts of the site, and how slow and large its answers are.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The seed of all texts, an integer. Default: 1. */
  readonly seed?: number | undefined
  /** The Retry-After of 429 and 503, rounded up to whole seconds. Default: 1 second. */
  readonly retryAfter?: Duration.Input | undefined
  /** The delay of slow headers and of a stalled body. Default: 30 seconds. */
  readonly delay?: Duration.Input | undefined
  /** The size of the huge page in bytes. Default: 20 MiB. */
  readonly hugeBytes?: number | undefined
}

const rules: Check.Rules<Options> = {
  seed: Check.int(Number.MIN_SAFE_INTEGER),
  retryAfter: Check.duration(),
  delay: Check.duration({ isEndless: true }),
  hugeBytes: Check.int(0)
}

/**
 * A running site.
 *
 * @category models
 * @since 0.1.0
 */
export interface HostileSite {
  /** The URL of the start page, which links to every behaviour. */
  readonly url: string
  /** The table of behaviours. */
  readonly behaviours: ReadonlyArray<Behaviour>
  /** The requests since the last `reset`, in the order of arrival. */
  readonly requests: Effect.Effect<ReadonlyArray<Request>>
  /** Forgets all requests, so that the next visit of each path is the first. */
  readonly reset: Effect.Effect<void>
}

/**
 * The hostile site that a test uses.
 *
 * @category services
 * @since 0.1.0
 */
export const HostileSite: Context.Service<HostileSite, HostileSite> =
  Context.Service<HostileSite>("@redrive/testing/HostileSite")

/**
 * Starts a site of its own on a free port, and stops it with the scope. Throws if an option is wrong.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): Effect.Effect<HostileSite, never, Scope.Scope> =>
  siteOf(Check.options("HostileSite", rules, options))

const siteOf = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<HostileSite, never, Scope.Scope> {
  const server = yield* Server.listen
  const setup = {
    seed: options.seed ?? 1,
    retryAfter: Duration.fromInputUnsafe(options.retryAfter ?? "1 second"),
    delay: Duration.fromInputUnsafe(options.delay ?? "30 seconds"),
    hugeBytes: options.hugeBytes ?? 20 * 1024 * 1024,
    // Looked for while the site listens, so that it cannot be the site's own port.
    refusedPort: yield* Server.closedPort
  }
  const visits = Visits.make()

  const answer = Effect.fnUntraced(function* (request: IncomingMessage, response: ServerResponse) {
    const path = (request.url ?? "/").replace(/[?#].*$/s, "")
    const now = yield* Clock.currentTimeMillis
    const visit = visits.visit(path, now)
    yield* handlerOf(path)({ ...visit, request, response, setup, wait: (until) => visits.wait(path, until) })
  })

  const run = yield* FiberSet.makeRuntime()
  server.on("request", (request, response) => {
    const fiber = run(answer(request, response))
    response.once("close", () => fiber.interruptUnsafe())
  })
  return {
    url: `http://127.0.0.1:${Server.portOf(server)}/`,
    behaviours: rows.map(({ isPassing, name, outcome, path, summary }) => ({
      path,
      name,
      summary,
      outcome,
      isPassing
    })),
    requests: Effect.sync(visits.log),
    reset: Effect.sync(visits.reset)
  }
})

/**
 * Provides a site of its own on a free port, stopped with its scope. Throws if an option is wrong.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<HostileSite> => Layer.effect(HostileSite, make(options))
