/**
 * Fetches one page, once: follows its redirects, bounds its size, and says by a reason why it could not be had.
 *
 * Connections are kept and shared; a host never sees more than `connectionsPerHost` at a time, and fewer once it has asked for fewer
 * requests. A host that said when to come back is not asked before. The fetcher never retries: policies do.
 */
import * as Classify from "@redrive/core/Classify"
import * as ItemError from "@redrive/core/ItemError"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as RcMap from "effect/RcMap"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Undici from "undici"
import * as Address from "./Address.ts"
import * as Lane from "./Lane.ts"
import * as Pauses from "./Pauses.ts"

/** How the crawler introduces itself. */
export const userAgent = "RedriveCrawler/0.1"

/** A page that answered. `url` is where its redirects led. */
export interface Page {
  readonly url: string
  readonly status: number
  readonly text: string
}

/** A redirect before it is followed: the `url` it leads to, and the `status` it came with. */
export interface Redirect {
  readonly url: string
  readonly status: number
}

/** `accept`ed media types; `follow` fails if a redirect is not to be followed. Default: every redirect is followed. */
export interface Request {
  readonly accept: string
  readonly follow?: ((redirect: Redirect) => Effect.Effect<void, ItemError.Reason>) | undefined
}

/**
 * `allowPrivate` addresses (false), `connectionsPerHost` (4), `maxRedirects` (10), `maxBytes` of a body after decompression
 * (5 MiB), `timeout` of one answer, its body included (15 seconds).
 */
export interface Options {
  readonly allowPrivate?: boolean | undefined
  readonly connectionsPerHost?: number | undefined
  readonly maxRedirects?: number | undefined
  readonly maxBytes?: number | undefined
  readonly timeout?: Duration.Input | undefined
}

export class Fetcher extends Context.Service<
  Fetcher,
  {
    readonly fetch: (url: string, request: Request) => Effect.Effect<Page, ItemError.Reason>
    /** What the host of a URL asked for when it last refused a request. `undefined` if it has answered since. */
    readonly pause: (url: string) => Pauses.Pause | undefined
  }
>()("@redrive/crawler/page/Fetcher") {}

const make = Effect.fnUntraced(function* (options: Options) {
  const { allowPrivate = false, connectionsPerHost = 4, maxBytes = 5 * 1024 * 1024, maxRedirects = 10 } = options
  const { timeout = "15 seconds" } = options
  const client = HttpClient.withScope(yield* clientOf(allowPrivate, connectionsPerHost))
  const hosts = yield* RcMap.make({
    lookup: (_host: string) => Lane.make(connectionsPerHost),
    idleTimeToLive: "1 minute"
  })
  const pauses = Pauses.make()

  const request = (url: string, accept: string) =>
    client.get(url, { headers: { accept, "user-agent": userAgent } }).pipe(Effect.mapError(reasonOf))

  const hop = (url: string, seen: ReadonlyArray<string>, asked: Request): Effect.Effect<Page, ItemError.Reason> =>
    Effect.gen(function* () {
      const { accept, follow } = asked
      const { host, hostname } = new URL(url)
      if (!allowPrivate && Address.isPrivateHost(hostname)) return yield* ours("private_address")
      const lane = yield* RcMap.get(hosts, host)
      const answered = Effect.flatMap(request(url, accept), (response) => read(response, accept, maxBytes)).pipe(
        // A body that is not read to its end is cut before the permit goes back: a socket in use is a connection, too.
        Effect.scoped,
        Effect.timeout(timeout),
        Effect.catchTag("TimeoutError", (late) => Effect.fail(Classify.thrown(late)))
      )
      // Waiting for one's turn is not the site's slowness: the time begins with the permit.
      const answer = yield* lane.permits.withPermit(
        Effect.gen(function* () {
          const refusal = pauses.refusal(host, yield* Clock.currentTimeMillis)
          if (refusal !== undefined) return yield* refusal
          const result = yield* Effect.result(answered)
          const now = yield* Clock.currentTimeMillis
          if (Result.isFailure(result) && Pauses.waitOf(result.failure) !== undefined) {
            if (pauses.failed(host, result.failure, now)) yield* lane.narrow
            return yield* result.failure
          }
          pauses.answered(host, now)
          yield* lane.widen
          return yield* Effect.fromResult(result)
        })
      )
      if (answer._tag === "Page") return { ...answer, url }
      const next = targetOf(answer.location, url)
      if (next === undefined) return yield* ours("bad_redirect")
      if (seen.includes(next) || seen.length > maxRedirects) return yield* ours("redirect_loop")
      if (follow !== undefined) yield* follow({ url: next, status: answer.status })
      return yield* hop(next, [...seen, next], asked)
    }).pipe(Effect.scoped)

  return Fetcher.of({ fetch: (url, request) => hop(url, [url], request), pause: (url) => pauses.of(new URL(url).host) })
})

/** A failure that the crawler itself finds in what a site does. */
const ours = (detail: "bad_redirect" | "no_content" | "private_address" | "redirect_loop" | "too_large") =>
  new ItemError.HostReturnedError({ status: 0, detail })

const reasonOf = (error: HttpClientError.HttpClientError): ItemError.Reason => {
  for (let link: unknown = error; link instanceof Error; link = link.cause) {
    if ("code" in link && link.code === Address.privateAddress) return ours("private_address")
  }
  return Classify.thrown(error)
}

/** Where a redirect leads. A URL that carries credentials, or is not on the web, is the site's mistake. */
const targetOf = (location: string, base: string): string | undefined => {
  const reference = octetsOf(location)
  if (!URL.canParse(reference, base)) return undefined
  const url = new URL(reference, base)
  if (url.username !== "" || url.password !== "") return undefined
  return url.protocol === "http:" || url.protocol === "https:" ? url.href : undefined
}

/** A header's octets beyond ASCII, which come as Latin-1, as a URL writes them: sites send UTF-8 or an older charset, and know it again. */
const octetsOf = (value: string): string =>
  value.replace(/[\x80-\xff]/g, (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase()}`)

type Answer =
  | { readonly _tag: "Page"; readonly status: number; readonly text: string }
  | { readonly _tag: "Redirect"; readonly status: number; readonly location: string }

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

const read = Effect.fnUntraced(function* (
  response: HttpClientResponse.HttpClientResponse,
  accept: string,
  maxBytes: number
): Effect.fn.Return<Answer, ItemError.Reason> {
  const { headers, status } = response
  const { location } = headers
  const redirected = redirects.has(status) && location !== undefined
  const reason = redirected ? undefined : Classify.answered(response, yield* Clock.currentTimeMillis)
  if (redirected || reason !== undefined) yield* drain(response)
  if (redirected) return { _tag: "Redirect", status, location }
  if (reason !== undefined) return yield* reason
  const type = (headers["content-type"] ?? "").trim().toLowerCase()
  const bytes = yield* bodyOf(response, maxBytes)
  if (bytes.length > 0 && !accepts(accept, type)) return yield* ours("no_content")
  return { _tag: "Page", status, text: decode(bytes, /charset="?([\w-]+)/i.exec(type)?.[1]) }
})

/** The bytes and the time that an unwanted body may take: less than a new connection costs. */
const mostUnwanted = 64 * 1024
const unwantedTime = "250 millis"

/** Reads a small body that nobody wants, so that its connection can be used again. */
const drain = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<void> =>
  bodyOf(response, mostUnwanted).pipe(Effect.timeout(unwantedTime), Effect.ignore)

/** A type that is not declared is taken for what was asked for. */
const accepts = (accept: string, type: string): boolean =>
  type === "" || accept.split(",").some((accepted) => accepted === "*/*" || type.startsWith(accepted))

const bodyOf = (
  response: HttpClientResponse.HttpClientResponse,
  maxBytes: number
): Effect.Effect<Uint8Array, ItemError.Reason> =>
  response.stream.pipe(
    Stream.mapError((error): ItemError.Reason =>
      error.reason._tag === "EmptyBodyError" ? ours("no_content") : reasonOf(error)
    ),
    Stream.runFoldEffect(
      () => ({ chunks: Array<Uint8Array>(), size: 0 }),
      (body, chunk) => {
        if (body.size + chunk.length > maxBytes) return Effect.fail(ours("too_large"))
        return Effect.succeed({ chunks: [...body.chunks, chunk], size: body.size + chunk.length })
      }
    ),
    Effect.map(({ chunks }) => Buffer.concat(chunks))
  )

/** Text by its declared charset; an unknown one is read as UTF-8, which damages letters but loses no page. */
const decode = (bytes: Uint8Array, charset = "utf-8"): string => {
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch {
    return new TextDecoder().decode(bytes)
  }
}

/**
 * The undici client: it leaves redirects to the fetcher, and refuses a private address when it connects.
 *
 * It uses no layer and no `fetch` from the context: a memoised layer of another client would remove the address check.
 */
const clientOf = Effect.fnUntraced(function* (
  allowPrivate: boolean,
  connections: number
): Effect.fn.Return<HttpClient.HttpClient, never, Scope.Scope> {
  const dispatcher = yield* Effect.acquireRelease(
    Effect.sync(
      () => new Undici.Agent({ connections, ...(allowPrivate ? {} : { connect: { lookup: Address.publicLookup } }) })
    ),
    (agent) => Effect.promise(() => agent.destroy())
  )
  return HttpClient.make((request, url, signal) =>
    Effect.tryPromise({
      try: () => Undici.fetch(url, { dispatcher, headers: request.headers, redirect: "manual", signal }),
      catch: (cause) =>
        new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) })
    }).pipe(Effect.map((response) => HttpClientResponse.fromWeb(request, response as unknown as Response)))
  )
})

export const layer = (options: Options = {}): Layer.Layer<Fetcher> => Layer.effect(Fetcher, make(options))
