import { createServer, type RequestListener, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import * as Effect from "effect/Effect"

const stop = (server: Server) =>
  Effect.promise(async () => {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  })

/** A web server on 127.0.0.1 for as long as the scope; gives its URL. */
export const serve = (listener: RequestListener) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const server = createServer(listener)
      await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening))
      return server
    }),
    stop
  ).pipe(Effect.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`))

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
export const closedPort = Effect.map(Effect.scoped(serve(() => undefined)), (url) => new URL(url).port)
