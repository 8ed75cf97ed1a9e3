/**
 * Tells receivers that jobs have ended. A delivery carries the id of its job, by which a receiver knows repeats.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Worker from "@redrive/durable/Worker"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { Webhook } from "standardwebhooks"
import * as Address from "../page/Address.ts"
import * as Deliveries from "./Deliveries.ts"
import { Jobs, whole } from "./Jobs.ts"
import * as Links from "./Links.ts"

/** `secret` that deliveries are signed with (none), `allowPrivate` receivers, `keep` of jobs that have ended. */
export interface Options {
  readonly secret?: Redacted.Redacted | undefined
  readonly allowPrivate: boolean
  readonly keep: Duration.Duration
}

const signatureOf = (secret: Redacted.Redacted, id: string, at: number, body: string) => ({
  "webhook-signature": new Webhook(Redacted.value(secret)).sign(id, new Date(at), body)
})

/** Delivers. Redirects are refused: what a job says is for the receiver that was named. */
export const layer = ({ allowPrivate, keep, secret }: Options) => {
  const deliver = Effect.fnUntraced(function* ({ accountId, jobId, origin, url }: Deliveries.Delivery) {
    const jobs = yield* Jobs
    const client = yield* HttpClient.HttpClient
    const now = yield* Clock.currentTimeMillis
    const links = Links.make(yield* jobs.secret, origin, jobId, now)
    const body = yield* jobs.answer(accountId, jobId, links, whole)
    // The job was deleted meanwhile.
    if (Option.isNone(body)) return
    const headers = {
      "webhook-id": jobId,
      "webhook-timestamp": String(Math.floor(now / 1000)),
      ...(secret !== undefined && signatureOf(secret, jobId, now, body.value))
    }
    const request = HttpClientRequest.post(url, { headers }).pipe(
      HttpClientRequest.bodyText(body.value, "application/json")
    )
    yield* Effect.scoped(Effect.flatMap(client.execute(request), HttpClientResponse.filterStatusOk))
  })
  // A delivery takes no process with it: one that is under way whenever the service is killed is not to blame. A job tells what became of its delivery,
  // so both are kept for as long.
  return Worker.layer(Deliveries.queue, deliver, { kills: 1000, keepDone: keep, keepFailed: keep }).pipe(
    Layer.provide(NodeHttpClient.layerUndiciNoDispatcher),
    Layer.provide(
      NodeHttpClient.layerDispatcherOptions(allowPrivate ? {} : { connect: { lookup: Address.publicLookup } })
    )
  )
}
