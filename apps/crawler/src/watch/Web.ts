/**
 * The page: its views as HTML and as JSON, their changes as server-sent events, and the actions that people take on it.
 *
 * Whoever acts has signed in with the operator's key. Reading asks for the same, unless the page is open, and then for a loopback name.
 */
import * as Cache from "effect/Cache"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { Page, PageNeeds } from "../service/App.ts"
import { Jobs } from "../service/Jobs.ts"
import * as Actions from "./Actions.ts"
import * as Assets from "./Assets.ts"
import { fromQuery } from "./Filter.ts"
import { Incidents } from "../service/Incidents.ts"
import * as Live from "./Live.ts"
import type { View } from "./Model.ts"
import * as Reading from "./Reading.ts"
import * as Session from "./Session.ts"
import * as Visit from "./Visit.ts"
import { Wrong } from "./Wrong.ts"

/** What the page is made with. */
export interface Options {
  /** Whoever has it may act, and look. */
  readonly operatorKey: Redacted.Redacted
  /** Whether everybody who reaches the page by a loopback name may look. */
  readonly isOpen: boolean
}

const urlOf = ({ url }: HttpServerRequest.HttpServerRequest): URL => new URL(url, "http://localhost")

/** Makes the page of a service; `policy` is the one in force, which is shown, and by which failed pages go again. */
export const make =
  (options: Options): Page =>
  (policy) =>
    Layer.unwrap(
      Effect.gen(function* () {
        const context = yield* Effect.context<PageNeeds>()
        const incidents = yield* Effect.serviceOption(Incidents)
        const sessions = Session.make(options.operatorKey, yield* (yield* Jobs).secret)
        const reading = Reading.make(policy, Option.getOrUndefined(incidents))
        const inContext = <A, E>(self: Effect.Effect<A, E, PageNeeds>) => Effect.provideContext(self, context)

        // Who watches the same view is answered from one reading.
        const views = yield* Cache.make({
          capacity: 500,
          timeToLive: "1 second",
          lookup: (url: string) => inContext(reading.view(new URL(url, "http://localhost")))
        })
        const forget = Cache.invalidateAll(views)
        const live = yield* Live.make(inContext(reading.stamps), forget)
        const desk: Visit.Desk = { sessions, assets: Assets.make(), live, isOpen: options.isOpen }
        if (Option.isSome(incidents)) yield* Effect.provideContext(Reading.keepSilences(incidents.value), context)

        const view = looking(desk, ({ url }) => Cache.get(views, url))
        const doing = (action: Actions.Action) => (form: URLSearchParams) =>
          Effect.ensuring(inContext(action({ form, filter: fromQuery(form), policy })), forget)
        return Layer.mergeAll(
          HttpRouter.add("GET", "/sign-in", asked(desk)),
          HttpRouter.add("POST", "/sign-in", enter(desk)),
          HttpRouter.add("POST", "/sign-out", leave(desk)),
          HttpRouter.add("GET", "/live", watching(desk)),
          HttpRouter.add("GET", "/assets/*", asset(desk)),
          ...Reading.paths.map((path) => HttpRouter.add("GET", path, view)),
          ...Object.entries(Actions.actions).map(([name, action]) =>
            HttpRouter.add("POST", `/act/${name}`, acting(desk, doing(action)))
          )
        )
      })
    )

/** Answers with a view, if whoever asks may look. */
const looking = (
  desk: Visit.Desk,
  use: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<View, Visit.Failure>
) =>
  Visit.said(
    desk,
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const frame = yield* Visit.frameOf(desk, request)
      if (!Visit.mayLook(desk, frame, request))
        return Visit.answer(desk, request, Visit.signIn(request.url), frame, 401)
      return Visit.answer(desk, request, yield* use(request), frame)
    })
  )

/** Takes an action of whoever has signed in, and goes on to a view. */
const acting = (desk: Visit.Desk, action: (form: URLSearchParams) => Effect.Effect<string, Visit.Failure>) =>
  Visit.said(
    desk,
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const frame = yield* Visit.frameOf(desk, request)
      const form = yield* Visit.formOf(request)
      if (!frame.mayAct) return Visit.answer(desk, request, Visit.signIn("/"), frame, 401)
      if (form.get("token") !== frame.token)
        return yield* new Wrong({
          status: 403,
          wrong: "This form is not of your session",
          advice:
            "You have signed in anew since it was shown, or another page has sent it. Go back, and do it once more."
        })
      return Visit.goOn(yield* action(form))
    })
  )

const asked = (desk: Visit.Desk) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const to = urlOf(request).searchParams.get("to") ?? "/"
    return Visit.answer(desk, request, Visit.signIn(to), yield* Visit.frameOf(desk, request))
  })

const enter = (desk: Visit.Desk) =>
  Visit.said(
    desk,
    Effect.gen(function* () {
      const { sessions } = desk
      const request = yield* HttpServerRequest.HttpServerRequest
      const form = yield* Visit.formOf(request)
      const to = form.get("to") ?? "/"
      if (!sessions.isKey(form.get("key") ?? "")) {
        // A guesser does not hurry.
        yield* Effect.sleep("1 second")
        const wrong = Visit.signIn(to, "This is not the operator's key")
        return Visit.answer(desk, request, wrong, yield* Visit.frameOf(desk, request), 403)
      }
      const session = sessions.make(yield* Clock.currentTimeMillis)
      return HttpServerResponse.setCookieUnsafe(Visit.goOn(to), Session.cookie, session, cookieOf(request))
    })
  )

const leave = (desk: Visit.Desk) =>
  Visit.said(
    desk,
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      yield* Visit.formOf(request)
      const over = { ...cookieOf(request), maxAge: 0 }
      return HttpServerResponse.setCookieUnsafe(Visit.goOn("/"), Session.cookie, "", over)
    })
  )

const cookieOf = ({ headers }: HttpServerRequest.HttpServerRequest) => ({
  httpOnly: true,
  sameSite: "strict" as const,
  secure: headers["x-forwarded-proto"] === "https",
  path: "/",
  maxAge: Session.lasting
})

const watching = (desk: Visit.Desk) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const frame = yield* Visit.frameOf(desk, request)
    if (!Visit.mayLook(desk, frame, request)) return HttpServerResponse.empty({ status: 401 })
    // A browser that connects again names the last event that it had; until then the page names the one that its view was read after.
    const last = request.headers["last-event-id"] ?? urlOf(request).searchParams.get("after") ?? undefined
    return HttpServerResponse.stream(desk.live.events(last), {
      contentType: "text/event-stream",
      headers: { "cache-control": "no-store", "x-accel-buffering": "no" }
    })
  })

const asset = ({ assets }: Visit.Desk) =>
  Effect.map(HttpServerRequest.HttpServerRequest, (request) => {
    const found = assets.byPath.get(urlOf(request).pathname)
    if (found === undefined) return HttpServerResponse.empty({ status: 404 })
    const { body, contentType, etag, gzip } = found
    const isZipped = request.headers["accept-encoding"]?.includes("gzip") === true
    const headers = {
      "cache-control": assets.cacheControl,
      etag,
      vary: "accept-encoding",
      "x-content-type-options": "nosniff"
    }
    return isZipped
      ? HttpServerResponse.uint8Array(gzip, { contentType, headers: { ...headers, "content-encoding": "gzip" } })
      : HttpServerResponse.text(body, { contentType, headers })
  })
