import * as Program from "@redrive/testing/Program"
import * as Effect from "effect/Effect"

/** A site of HTML pages by path; any other path is a 404. `requests` are the paths that were asked for. */
export const site = Effect.fnUntraced(function* (pages: { readonly [path: string]: string }) {
  const requests: Array<string> = []
  const url = yield* Program.serve(({ url: path = "" }, response) => {
    requests.push(path)
    const page = pages[path]
    response.writeHead(page === undefined ? 404 : 200, { "content-type": "text/html" }).end(page)
  })
  return { requests, url }
})
