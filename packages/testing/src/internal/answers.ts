import { pipeline, Readable } from "node:stream"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import type { Exchange, Handler } from "./exchange.ts"
import { type Link, render } from "./pages.ts"

type Fields = { readonly [name: string]: string }

export const html = { "content-type": "text/html; charset=utf-8" }

const httpDate = (millis: number) => Headers.formatHttpDate(DateTime.makeUnsafe(millis))

/** Status and headers; the date is the clock's, as the dates in Retry-After are. */
const head = ({ at, response }: Exchange, status: number, headers: Fields) => {
  response.sendDate = false
  return response.writeHead(status, { date: httpDate(at), ...headers })
}

/** The same answer whatever was asked. */
export const send =
  (status: number, headers: Fields = {}, body: string | Uint8Array = ""): Handler =>
  (exchange) =>
    Effect.sync(() => {
      head(exchange, status, { ...headers, "content-length": `${Buffer.byteLength(body)}` }).end(body)
    })

/** The page that the seed draws for a path. */
export const pageOf = ({ path, setup }: Exchange, links: ReadonlyArray<Link> = []): Effect.Effect<string> =>
  render(setup.seed, path, links)

/** A page of the seed. */
export const page =
  (links: ReadonlyArray<Link> = [], status = 200, headers: Fields = {}): Handler =>
  (exchange) =>
    Effect.flatMap(pageOf(exchange, links), (body) => send(status, { ...html, ...headers }, body)(exchange))

const home: ReadonlyArray<Link> = [{ href: "/", text: "start" }]

/** An ordinary page, with a link back to the start. */
export const good = page(home)

/** An error page of the seed. */
export const status = (code: number, headers: Fields = {}): Handler => page(home, code, headers)

export const redirect =
  (code: number, target: string | ((exchange: Exchange) => string)): Handler =>
  (exchange) =>
    send(code, { location: typeof target === "string" ? target : target(exchange) })(exchange)

/** Another answer to the first visits. */
export const failsFirst =
  (times: number, failure: Handler): Handler =>
  (exchange) =>
    exchange.attempt <= times ? failure(exchange) : good(exchange)

/** Refuses the first visit and every one that comes before the wait has ended; each refusal asks for the whole wait again. */
const patient =
  (code: number, end: (exchange: Exchange) => number, header: (exchange: Exchange, end: number) => string): Handler =>
  (exchange) => {
    if (exchange.attempt > 1 && !exchange.tooEarly) return good(exchange)
    const until = end(exchange)
    exchange.wait(until)
    return status(code, { "retry-after": header(exchange, until) })(exchange)
  }

/** A moment rounded up to what an HTTP date can tell. */
const wholeSecond = (millis: number) => Math.ceil(millis / 1000) * 1000

const millisOf = ({ setup }: Exchange) => Duration.toMillis(setup.retryAfter)

/** A refusal whose Retry-After is a number of seconds. */
export const retryAfterSeconds = (code: number): Handler =>
  patient(
    code,
    (exchange) => exchange.at + wholeSecond(millisOf(exchange)),
    ({ at }, end) => `${(end - at) / 1000}`
  )

/** A refusal whose Retry-After is a date. */
export const retryAfterDate = (code: number): Handler =>
  patient(
    code,
    (exchange) => wholeSecond(exchange.at + millisOf(exchange)),
    (_, end) => httpDate(end)
  )

/** Nothing at all for the delay, then a good page. */
export const slowHeaders: Handler = (exchange) => Effect.delay(good(exchange), exchange.setup.delay)

/** Half of a page, nothing for the delay, then the rest. */
export const stalledBody: Handler = Effect.fnUntraced(function* (exchange) {
  const body = Buffer.from(yield* pageOf(exchange))
  const half = body.length >> 1
  head(exchange, 200, { ...html, "content-length": `${body.length}` }).write(body.subarray(0, half))
  yield* Effect.sleep(exchange.setup.delay)
  exchange.response.end(body.subarray(half))
})

const line = "<p>one more line of a page without an end</p>\n"
const block = Buffer.from(line.repeat(Math.ceil((64 * 1024) / line.length)))

function* blocks(bytes: number) {
  for (let left = bytes; left > 0; left -= block.length) yield left < block.length ? block.subarray(0, left) : block
}

/** A page that is made while it is read, and whose size is not told in advance. */
export const huge: Handler = (exchange) =>
  Effect.callback((resume) => {
    const body = Readable.from(blocks(exchange.setup.hugeBytes))
    // A client that leaves early is no failure of the site.
    pipeline(body, head(exchange, 200, html), () => resume(Effect.void))
    return Effect.sync(() => body.destroy())
  })
