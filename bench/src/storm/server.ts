/**
 * A service in a process of its own: 20 workers, each of which answers after 200 ms on average, and a queue of 400 before them. It goes on with
 * what nobody waits for any more, as most services do. Half a minute of trouble makes it three times as slow.
 *
 * `GET /degrade`, `/restore`, `/reset` and `/stats` are for the bench; everything else is work.
 */
import { createServer, type ServerResponse } from "node:http"
import process from "node:process"
import { exponential, seeded } from "./chance.ts"

const workers = 20
const most = 400
const healthy = 5
const degraded = 1.5

/** The results of a run; `arrived` by second since the last reset, `twice` creations that were carried out more than once. */
export interface Stats {
  readonly arrived: ReadonlyArray<number>
  readonly refused: number
  readonly twice: number
}

let random = seeded(1)
let rate = healthy
let idle = workers
let begun = Date.now()
let refused = 0
let arrived: Array<number> = []
let created = new Map<string, number>()
const queue: Array<{ readonly url: URL; readonly response: ServerResponse }> = []

const stats = (): Stats => ({ arrived, refused, twice: [...created.values()].filter((times) => times > 1).length })

const reset = () => {
  random = seeded(1)
  rate = healthy
  begun = Date.now()
  refused = 0
  arrived = []
  created = new Map()
  queue.length = 0
}

const work = () => {
  const next = queue.shift()
  if (next === undefined) return
  idle--
  const { response, url } = next
  const done = () => {
    const id = url.searchParams.get("create")
    if (id !== null) created.set(id, (created.get(id) ?? 0) + 1)
    if (!response.destroyed) response.end("done")
    idle++
    work()
  }
  setTimeout(done, exponential(random, rate) * 1000)
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://127.0.0.1")
  switch (url.pathname) {
    case "/degrade":
      rate = degraded
      return void response.end()
    case "/restore":
      rate = healthy
      return void response.end()
    case "/reset":
      reset()
      return void response.end()
    case "/stats":
      return void response.end(JSON.stringify(stats()))
  }
  const second = Math.floor((Date.now() - begun) / 1000)
  arrived[second] = (arrived[second] ?? 0) + 1
  if (queue.length >= most) {
    refused++
    response.statusCode = 503
    return void response.end()
  }
  queue.push({ url, response })
  if (idle > 0) work()
})

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  process.send?.(typeof address === "object" ? address?.port : undefined)
})
process.once("disconnect", () => process.exit())
