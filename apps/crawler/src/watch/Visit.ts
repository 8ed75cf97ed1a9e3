/**
 * One request of somebody who watches: who it is, what may be looked at, and how a view is answered.
 */
import { randomUUID } from "node:crypto"
import type { StoreError } from "@redrive/durable/Store"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import type { SqlError } from "effect/sql/SqlError"
import type { Assets } from "./Assets.ts"
import type { Live } from "./Live.ts"
import type { Frame, Shown, View } from "./Model.ts"
import * as Render from "./Render.ts"
import * as Session from "./Session.ts"
import { Wrong } from "./Wrong.ts"

/** What every answer needs. */
export interface Desk {
  readonly sessions: Session.Sessions
  readonly assets: Assets
  readonly live: Live
  /** Whether everybody who reaches the page by a loopback name may look. */
  readonly isOpen: boolean
}

type Request = HttpServerRequest.HttpServerRequest

export type Failure = Wrong | SqlError | StoreError

const headers = {
  "content-security-policy": Render.contentSecurityPolicy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin",
  "cache-control": "no-store",
  vary: "accept"
}

/** It is made before the view is read: what changes in between is told again, where it would be missed. */
export const frameOf = Effect.fnUntraced(function* ({ live, sessions }: Desk, request: Request) {
  const now = yield* Clock.currentTimeMillis
  const session = request.cookies[Session.cookie] ?? ""
  const mayAct = sessions.isGood(session, now)
  const token = mayAct ? sessions.token(session) : ""
  return { now, after: live.lastEventId(), mayAct, token, formId: randomUUID() } satisfies Frame
})

const isLoopback = (host = ""): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i.test(host)

/** Whether somebody may look. A page of another name that leads to this machine is a stranger's. */
export const mayLook = ({ isOpen }: Desk, { mayAct }: Frame, request: Request): boolean =>
  mayAct || (isOpen && isLoopback(request.headers["host"]))

const texts = new WeakMap<View, string>()

/** A `Shown`. Whoever watches the same view gets the same text of it, which is made once; only the frame is their own. */
const jsonOf = (view: View, frame: Frame): string => {
  const text = texts.get(view) ?? JSON.stringify(view)
  texts.set(view, text)
  return `${text.slice(0, -1)},"frame":${JSON.stringify(frame)}}`
}

/** Answers with a view: as JSON for the page itself, else as HTML. */
export const answer = ({ assets }: Desk, request: Request, view: View, frame: Frame, status = 200) => {
  const isJson = request.headers["accept"]?.startsWith("application/json") === true
  const shown: Shown = { ...view, frame }
  return isJson
    ? HttpServerResponse.text(jsonOf(view, frame), { status, contentType: "application/json", headers })
    : HttpServerResponse.text(Render.html(shown, assets), {
        status,
        contentType: "text/html; charset=utf-8",
        headers
      })
}

/** Goes on to another view, within the page. A browser reads a backslash as a slash. */
export const goOn = (to: string) => HttpServerResponse.redirect(within(to), { status: 303, headers })

const within = (to: string): string => (/^\/(?![/\\])/.test(to) ? to : "/")

export const signIn = (to: string, wrong?: string): View => ({
  view: "sign in",
  to: within(to),
  ...(wrong !== undefined && { wrong })
})

/** What went wrong, as a view. */
export const said = <R>(desk: Desk, self: Effect.Effect<HttpServerResponse.HttpServerResponse, Failure, R>) =>
  Effect.catch(self, (error) =>
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const frame = yield* frameOf(desk, request)
      if (error._tag === "Wrong") {
        const { advice, status, wrong } = error
        return answer(desk, request, { view: "problem", wrong, advice }, frame, status)
      }
      yield* Effect.logError("the page could not be read", error)
      const advice = "The database does not answer. The service goes on trying; so can you, in a while."
      return answer(desk, request, { view: "problem", wrong: "This could not be read", advice }, frame, 503)
    })
  )

/** A form that a page of ours has sent: browsers say which page one comes from. */
export const formOf = Effect.fnUntraced(function* (request: Request) {
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
