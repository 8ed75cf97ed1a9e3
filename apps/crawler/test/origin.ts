import { createServer, type RequestListener } from "node:http"
import * as Program from "@redrive/testing/Program"
import * as Effect from "effect/Effect"

/** A web server on 127.0.0.1 for as long as the scope; gives its URL. */
export const serve = (listener: RequestListener) => Program.serve(createServer(listener))

/** A site of HTML pages by path; any other path is a 404. `requests` are the paths that were asked for. */
export const site = Effect.fnUntraced(function* (pages: { readonly [path: string]: string }) {
  const requests: Array<string> = []
  const url = yield* serve(({ url: path = "" }, response) => {
    requests.push(path)
    const page = pages[path]
    response.writeHead(page === undefined ? 404 : 200, { "content-type": "text/html" }).end(page)
  })
  return { requests, url }
})

/** A port of 127.0.0.1 where nothing listens. */
export const closedPort = Program.freePort
