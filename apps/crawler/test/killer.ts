import process from "node:process"
import * as Effect from "effect/Effect"
import { serve } from "./origin.ts"

/**
 * A site whose `/bad` kills the process `victim`, `/slow` takes a second, and `/` leads to `/bad` and three other pages. The first time,
 * `/bad` waits until `/slow` is under way, too. `asked` are the paths that were asked for.
 */
export const killer = Effect.gen(function* () {
  const asked: Array<string> = []
  const site = { asked, url: "", victim: 0, deaths: 0 }
  const later = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))
  site.url = yield* serve(async ({ url: path = "" }, response) => {
    asked.push(path)
    if (path === "/bad") {
      while (!asked.includes("/slow")) await later(10)
      await later(100)
      process.kill(site.victim, "SIGKILL")
      site.deaths++
      return
    }
    if (path === "/slow") await later(1000)
    const links = path === "/" ? ["/bad", "/1", "/2", "/3"] : []
    const body = links.map((link) => `<a href="${link}">${link}</a>`).join("")
    response.writeHead(200, { "content-type": "text/html" }).end(`<p>the page ${path}</p>${body}`)
  })
  return site
})
