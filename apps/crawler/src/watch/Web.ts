/**
 * The page: its views as HTML and as JSON, their changes as server-sent events, and the actions that people take on it.
 *
 * Whoever acts has signed in with the operator's key. Reading asks for the same, unless the page is open, and then for a loopback name.
 */
import { randomUUID } from "node:crypto"
import type { Store, StoreError } from "@redrive/durable/Store"
import type * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Cache from "effect/Cache"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { Accounts } from "../service/Accounts.ts"
import { Crawler } from "../service/Crawler.ts"
import { Jobs } from "../service/Jobs.ts"
import * as Acting from "./Acting.ts"
import * as Assets from "./Assets.ts"
import { fromQuery } from "./Filter.ts"
import { Incidents } from "./Incidents.ts"
import * as Live from "./Live.ts"
import type { Frame, Shown, View } from "./Model.ts"
import * as Reading from "./Reading.ts"
import * as Render from "./Render.ts"
import * as Session from "./Session.ts"
import { Wrong } from "./Wrong.ts"

/** What the page is made with. */
export interface Options {
  /** Whoever has it may act, and look. */
  readonly operatorKey: Redacted.Redacted
  /** Whether everybody who reaches the page by a loopback name may look. */
  readonly isOpen: boolean
  /** The policy in force, which is shown, and by which failed pages go again. */
  readonly policy: RetryPolicy.RetryPolicy
}

type Needs = Accounts | Crawler | Jobs | SqlClient.SqlClient | Store

const headers = {
  "content-security-policy": Render.contentSecurityPolicy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin",
  "cache-control": "no-store"
}

const isLoopback = (host = ""): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i.test(host)

const queryOf = ({ url }: HttpServerRequest.HttpServerRequest) => new URL(url, "http://localhost").searchParams

/** Where to go on after an action or a sign-in: within the page. A browser reads a backslash as a slash. */
const within = (to: string): string => (/^\/(?![/\\])/.test(to) ? to : "/")

const signIn = (to: string, wrong?: string): View => ({
  view: "sign in",
  to: within(to),
  ...(wrong !== undefined && { wrong })
})

export const layer = (options: Options) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const context = yield* Effect.context<Needs>()
      const incidents = yield* Effect.serviceOption(Incidents)
      const sessions = Session.make(options.operatorKey, yield* (yield* Jobs).secret)
      const assets = Assets.make()
      const reading = Reading.make(options.policy, Option.getOrUndefined(incidents))
      const inContext = <A, E>(self: Effect.Effect<A, E, Needs>) => Effect.provideContext(self, context)

      // Who watches the same view is answered from one reading.
      const views = yield* Cache.make({
        capacity: 500,
        timeToLive: "1 second",
        lookup: (url: string) => inContext(reading.view(new URL(url, "http://localhost")))
      })
      const forget = Cache.invalidateAll(views)
      const live = yield* Live.make(inContext(reading.stamps), forget)
      if (Option.isSome(incidents)) yield* Effect.provideContext(Reading.keepSilences(incidents.value), context)

      const frameOf = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
        const now = yield* Clock.currentTimeMillis
        const session = request.cookies[Session.cookie] ?? ""
        const mayAct = sessions.isGood(session, now)
        return { now, mayAct, token: mayAct ? sessions.token(session) : "", formId: randomUUID() } satisfies Frame
      })

      const answer = (request: HttpServerRequest.HttpServerRequest, view: View, frame: Frame, status = 200) => {
        const shown: Shown = { ...view, frame }
        const isJson = request.headers["accept"]?.startsWith("application/json") === true
        return isJson
          ? HttpServerResponse.jsonUnsafe(shown, { status, headers })
          : HttpServerResponse.text(Render.html(shown, assets), {
              status,
              contentType: "text/html; charset=utf-8",
              headers
            })
      }

      /** Answers with a view, if whoever asks may look. */
      const looking = (
        use: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<View, Wrong | SqlError | StoreError>
      ) =>
        Effect.gen(function* () {
          const request = yield* HttpServerRequest.HttpServerRequest
          const frame = yield* frameOf(request)
          if (!frame.mayAct && !(options.isOpen && isLoopback(request.headers["host"])))
            return answer(request, signIn(request.url), frame, 401)
          const view = yield* use(request)
          return answer(request, view, frame)
        }).pipe(said)

      /** What went wrong, as a view. */
      const said = <R>(self: Effect.Effect<HttpServerResponse.HttpServerResponse, Wrong | SqlError | StoreError, R>) =>
        Effect.catch(self, (error) =>
          Effect.gen(function* () {
            const request = yield* HttpServerRequest.HttpServerRequest
            const frame = yield* frameOf(request)
            if (error._tag === "Wrong") {
              const { advice, status, wrong } = error
              return answer(request, { view: "problem", wrong, advice }, frame, status)
            }
            yield* Effect.logError("the page could not be read", error)
            const advice = "The database does not answer. The service goes on trying; so can you, in a while."
            return answer(request, { view: "problem", wrong: "This could not be read", advice }, frame, 503)
          })
        )

      /** Takes an action of whoever has signed in, and comes back to a view. */
      const acting = (action: Acting.Action) =>
        Effect.gen(function* () {
          const request = yield* HttpServerRequest.HttpServerRequest
          const frame = yield* frameOf(request)
          const form = yield* formOf(request)
          if (!frame.mayAct) return answer(request, signIn("/"), frame, 401)
          if (form.get("token") !== frame.token)
            return yield* new Wrong({
              status: 403,
              wrong: "This form is not of your session",
              advice:
                "You have signed in anew since it was shown, or another page has sent it. Go back, and do it once more."
            })
          const to = yield* action({ form, filter: fromQuery(form), policy: options.policy }).pipe(inContext)
          yield* forget
          return HttpServerResponse.redirect(within(to), { status: 303, headers })
        }).pipe(said)

      const enter = Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        const form = yield* formOf(request)
        const to = form.get("to") ?? "/"
        if (!sessions.isKey(form.get("key") ?? "")) {
          // A guesser does not hurry.
          yield* Effect.sleep("1 second")
          return answer(request, signIn(to, "This is not the operator's key"), yield* frameOf(request), 403)
        }
        const session = sessions.make(yield* Clock.currentTimeMillis)
        return HttpServerResponse.setCookieUnsafe(
          HttpServerResponse.redirect(within(to), { status: 303, headers }),
          Session.cookie,
          session,
          cookieOf(request)
        )
      }).pipe(said)

      const leave = Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        yield* formOf(request)
        const back = HttpServerResponse.redirect("/", { status: 303, headers })
        return HttpServerResponse.setCookieUnsafe(back, Session.cookie, "", { ...cookieOf(request), maxAge: 0 })
      }).pipe(said)

      const watching = Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        const { mayAct } = yield* frameOf(request)
        if (!mayAct && !(options.isOpen && isLoopback(request.headers["host"])))
          return HttpServerResponse.empty({ status: 401 })
        return HttpServerResponse.stream(live.events(request.headers["last-event-id"]), {
          contentType: "text/event-stream",
          headers: { "cache-control": "no-store", "x-accel-buffering": "no" }
        })
      })

      const asset = Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        const found = assets.byPath.get(new URL(request.url, "http://localhost").pathname)
        if (found === undefined) return HttpServerResponse.empty({ status: 404 })
        const { body, contentType, etag, gzip } = found
        const isZipped = request.headers["accept-encoding"]?.includes("gzip") === true
        const about = {
          "cache-control": assets.cacheControl,
          etag,
          vary: "accept-encoding",
          "x-content-type-options": "nosniff"
        }
        return isZipped
          ? HttpServerResponse.uint8Array(gzip, { contentType, headers: { ...about, "content-encoding": "gzip" } })
          : HttpServerResponse.text(body, { contentType, headers: about })
      })

      const view = looking(({ url }) => Cache.get(views, url))
      // Whoever signs in is not in yet.
      const asked = Effect.map(
        Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
          Effect.map(frameOf(request), (frame) => [request, frame] as const)
        ),
        ([request, frame]) => answer(request, signIn(queryOf(request).get("to") ?? "/"), frame)
      )
      const viewed = Reading.paths.map((path) => HttpRouter.add("GET", path, view))
      const acted = Object.entries(Acting.actions).map(([name, action]) =>
        HttpRouter.add("POST", `/act/${name}`, acting(action))
      )
      return Layer.mergeAll(
        HttpRouter.add("GET", "/sign-in", asked),
        HttpRouter.add("POST", "/sign-in", enter),
        HttpRouter.add("POST", "/sign-out", leave),
        HttpRouter.add("GET", "/live", watching),
        HttpRouter.add("GET", "/assets/*", asset),
        ...viewed,
        ...acted
      )
    })
  )

const cookieOf = ({ headers }: HttpServerRequest.HttpServerRequest) => ({
  httpOnly: true,
  sameSite: "strict" as const,
  secure: headers["x-forwarded-proto"] === "https",
  path: "/",
  maxAge: Session.lasting
})

/** A form that a page of ours has sent: browsers say which page one comes from. */
const formOf = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
  const { host, origin, "sec-fetch-site": site } = request.headers
  const isOurs =
    origin === undefined
      ? site === undefined || site === "same-origin"
      : URL.canParse(origin) && new URL(origin).host === host
  const text = isOurs ? yield* Effect.option(request.text) : Option.none()
  if (Option.isSome(text)) return new URLSearchParams(text.value)
  return yield* new Wrong({
    status: 403,
    wrong: "This form was not sent from here",
    advice: "Another page has sent it. If that was you, open this page and do it here."
  })
})
