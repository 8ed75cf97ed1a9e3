/**
 * Alerts as messages in Slack: by an incoming webhook, or by a bot, whose message about an incident is edited when the incident goes on and ends.
 *
 * Slack posts a message that is sent twice twice. It takes one message a second in a channel.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as Verdict from "@redrive/core/Verdict"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Http from "./internal/http.ts"
import { layer as layerSink, type Service, type Sink, SinkError } from "./Sink.ts"
import * as SlackWire from "./SlackWire.ts"

/**
 * The incoming webhook that messages go to.
 *
 * @category options
 * @since 0.1.0
 */
export interface WebhookOptions {
  /** The webhook's URL. Required. */
  readonly url: Redacted.Redacted
}

/**
 * The bot that posts messages, and where.
 *
 * @category options
 * @since 0.1.0
 */
export interface BotOptions {
  /** The bot's token, which needs the scope `chat:write`. Required. */
  readonly token: Redacted.Redacted
  /** The channel's id or name. Required. */
  readonly channel: string
  /** The address of Slack's API, for tests. Default: `https://slack.com/api`. */
  readonly api?: string | undefined
}

const webhookRules: Check.Rules<WebhookOptions> = {
  url: Check.required(Check.secret("http or https URL", Check.isHttpUrl))
}

const botRules: Check.Rules<BotOptions> = {
  token: Check.required(Check.secret("token", (token) => token !== "")),
  channel: Check.required(Check.text),
  api: Check.where("an http or https URL", (url) => typeof url === "string" && Check.isHttpUrl(url))
}

const facts = {
  kind: "slack",
  batch: 1,
  digestFrom: 20,
  pace: "1 second",
  isIdempotent: false,
  proves: "shown"
} as const

/** What Slack calls a channel that takes nothing until somebody mends it. */
const gone =
  /no_service|no_active_hooks|no_team|team_disabled|channel_(?:not_found|is_archived)|is_archived|not_in_channel|action_prohibited|posting_to_general|invalid_(?:token|auth)|not_authed|account_inactive|token_(?:revoked|expired)|missing_scope|user_not_found/

/** Reads the word with which Slack refuses a message, whatever the status. */
const refusalOf = (word: string): Http.Refusal => {
  const message = `refused: ${word.slice(0, 100)}`
  if (/rate_?limited/.test(word)) return { message, reason: "busy", verdict: Verdict.throttled() }
  if (gone.test(word)) return { message, reason: "gone", verdict: Verdict.permanent }
  if (/internal_error|fatal_error|service_unavailable|rollup_error|request_timeout/.test(word))
    return { message, reason: "failed", verdict: Verdict.transient("steady") }
  return { message, reason: "refused", verdict: Verdict.permanent }
}

/**
 * A sink that posts to an incoming webhook. Each alert is a message of its own, since a webhook cannot edit.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: WebhookOptions): Service<HttpClient.HttpClient> => {
  const { url } = Check.options("SlackSink", webhookRules, options)
  const channel: Http.Channel = {
    kind: "slack",
    // A webhook says `ok`; anything else with a 200 is a proxy's page or an error.
    refusal: ({ text }) => (text.trim() === "ok" ? undefined : refusalOf(text.trim() || "no answer")),
    reads: ({ text }) => (/^[a-z_]{3,60}$/.test(text.trim()) ? refusalOf(text.trim()) : undefined)
  }
  return {
    ...facts,
    send: ([alert]) => {
      const body = JSON.stringify(SlackWire.message(alert))
      const request = HttpClientRequest.post(Redacted.value(url)).pipe(
        HttpClientRequest.bodyText(body, "application/json")
      )
      return Effect.asVoid(Http.send(request, channel))
    }
  }
}

/** A message that is on the channel: Slack knows it by its channel and time. */
interface Posted {
  readonly channel: string
  readonly ts: string
}

const idOf = ({ channel, ts }: Posted): string => `${channel} ${ts}`

const postedOf = (id: string | undefined): Posted | undefined => {
  const [channel, ts] = id?.split(" ") ?? []
  return channel === undefined || ts === undefined ? undefined : { channel, ts }
}

/**
 * A sink that posts as a bot. The first alert of an incident is a message, and what follows edits it; a message that is gone is posted anew.
 *
 * @category constructors
 * @since 0.1.0
 */
export const bot = (options: BotOptions): Service<HttpClient.HttpClient> => {
  const { api = "https://slack.com/api", channel, token } = Check.options("SlackSink.bot", botRules, options)

  const call = (method: string, body: object): Effect.Effect<Posted, SinkError, HttpClient.HttpClient> => {
    const request = HttpClientRequest.post(`${api}/${method}`).pipe(
      HttpClientRequest.bearerToken(Redacted.value(token)),
      HttpClientRequest.bodyText(JSON.stringify(body), "application/json; charset=utf-8")
    )
    return Effect.flatMap(Http.send(request, { kind: "slack", refusal: ({ text }) => refusalIn(text) }), ({ text }) => {
      const answer = parsed(text)
      const [at, ts] = [answer["channel"], answer["ts"]]
      return Effect.succeed({ channel: typeof at === "string" ? at : channel, ts: typeof ts === "string" ? ts : "" })
    })
  }

  return {
    ...facts,
    isEdited: true,
    check: Effect.asVoid(call("auth.test", {})),
    send: ([alert], messageOf) =>
      Effect.gen(function* () {
        const message = SlackWire.message(alert)
        const before = postedOf(messageOf(alert.incident))
        const edited =
          before === undefined
            ? undefined
            : yield* Effect.catch(call("chat.update", { ...message, ...before }), (error) =>
                /message_not_found|cant_update_message|edit_window_closed/.test(error.message)
                  ? Effect.succeed(undefined)
                  : Effect.fail(error)
              )
        const now = edited ?? (yield* call("chat.postMessage", { ...message, channel }))
        return { id: idOf(now) }
      })
  }
}

const refusalIn = (text: string): Http.Refusal | undefined => {
  const { error, ok } = parsed(text)
  if (ok === true) return undefined
  return refusalOf(typeof error === "string" ? error : "no answer of Slack's")
}

const parsed = (text: string): { readonly [name: string]: unknown } => {
  try {
    const value: unknown = JSON.parse(text)
    return Predicate.isObject(value) ? value : {}
  } catch {
    return {}
  }
}

/**
 * The sink of an alerter that has one, by an incoming webhook.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: WebhookOptions): Layer.Layer<Sink, never, HttpClient.HttpClient> =>
  layerSink(make(options))
