import type { IncomingMessage, ServerResponse } from "node:http"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { Request } from "./visits.ts"

/** The options of a site with their defaults filled in, and a port that refuses connections. */
export interface Setup {
  readonly seed: number
  readonly retryAfter: Duration.Duration
  readonly delay: Duration.Duration
  readonly hugeBytes: number
  readonly refusedPort: number
}

/** One request and all that its answer may depend on; `wait` notes until when the client was asked to stay away. */
export interface Exchange extends Request {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly setup: Setup
  readonly wait: (until: number) => void
}

/** Answers a request, or fails to in its own way. */
export type Handler = (exchange: Exchange) => Effect.Effect<void>
