import { randomUUID } from "node:crypto"
import * as Effect from "effect/Effect"
import type { Captured } from "./event.ts"
import type { Client, Identified } from "./sdk.ts"

/** Delivers events, and counts those that Sentry did not accept and those without an answer. */
export interface Delivery {
  /** Hands an event to its client, which may throw. */
  readonly send: (captured: Captured) => void
  /** Ends when every event that was handed over is accepted, refused, or left out by the client's own rules; `within` milliseconds. */
  readonly settled: (within: number) => Effect.Effect<void>
  readonly refused: () => number
  readonly unheard: () => number
  /** Stops listening to the clients. */
  readonly close: () => void
}

/**
 * Where an event is: `given` to its client; `prepared`, so that from now on only rules of the program's own leave it out, such as
 * `beforeSend`; or `sent`, and its answer awaited.
 */
type State = "given" | "prepared" | "sent"

/** A transport that never answers gets no more than so many. */
const mostUnheard = 1000

export const make = (): Delivery => {
  const states = new Map<string, State>()
  const hooks = new Map<Client, () => void>()
  let refused = 0
  let answered: (() => void) | undefined

  const step = (event: Identified, state: State) => {
    if (event.event_id !== undefined && states.has(event.event_id)) states.set(event.event_id, state)
  }

  /** A client that has not asked for a random sample gives up nothing by itself, unless it is full of what others send. */
  const leaveOut = (client: Client) => {
    for (const [id, state] of states) {
      if (state === "sent") continue
      states.delete(id)
      if (state === "given" && client.getOptions().sampleRate === undefined) refused++
    }
  }

  const listen = (client: Client) => {
    if (hooks.has(client)) return
    const off = [
      client.on("preprocessEvent", (event) => step(event, "prepared")),
      client.on("beforeSendEvent", (event) => step(event, "sent")),
      client.on("afterSendEvent", (event, { statusCode = 0 }) => {
        if (event.event_id === undefined || !states.delete(event.event_id)) return
        // An event that met a rate limit, a full buffer or no network has no status.
        if (statusCode < 200 || statusCode > 299) refused++
        answered?.()
      })
    ]
    hooks.set(client, () => off.forEach((stop) => stop()))
  }

  const heard = Effect.callback<void>((resume) => {
    const look = () => {
      if (states.size === 0) resume(Effect.void)
    }
    answered = look
    look()
  })

  return {
    send: ({ client, event, isolation, scope }) => {
      if (states.size >= mostUnheard) return void refused++
      listen(client)
      const id = randomUUID().replaceAll("-", "")
      states.set(id, "given")
      try {
        // An event is sent later, when another request may be the current one: Sentry takes a request's scope from here.
        const sdkProcessingMetadata = { capturedSpanIsolationScope: isolation }
        client.captureEvent({ ...event, event_id: id, sdkProcessingMetadata }, { event_id: id }, scope)
      } catch (error) {
        states.delete(id)
        throw error
      }
    },
    settled: (within) =>
      Effect.gen(function* () {
        for (const client of hooks.keys()) {
          yield* Effect.promise(() => Promise.resolve(client.flush(within)))
          leaveOut(client)
        }
        yield* heard
      }),
    refused: () => refused,
    unheard: () => states.size,
    close: () => hooks.forEach((off) => off())
  }
}
