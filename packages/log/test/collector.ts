import * as Program from "@redrive/testing/Program"
import * as Effect from "effect/Effect"
import { createServer } from "node:http"
import { json } from "node:stream/consumers"

/** A collector that decodes the JSON of OTLP, for as long as the scope. */
export const collector = Effect.gen(function* () {
  const bodies: Array<[path: string, body: unknown]> = []
  const url = yield* Program.serve(
    createServer(async (request, response) => {
      bodies.push([request.url ?? "", await json(request)])
      response.setHeader("content-type", "application/json")
      response.end("{}")
    })
  )
  return { bodies, url: url.slice(0, -1) }
})

/** Everything under a name, however deep. */
export const all = <A>(value: unknown, name: string): ReadonlyArray<A> => {
  if (typeof value !== "object" || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    key === name ? (inner as ReadonlyArray<A>) : all<A>(inner, name)
  )
}
