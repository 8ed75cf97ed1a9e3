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
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Undici from "undici"
import * as Address from "./Address.ts"
import * as Charset from "./Charset.ts"
import * as Cookies from "./Cookies.ts"
import * as ContentEncoding from "./ContentEncoding.ts"
import * as MediaType from "./MediaType.ts"
import * as Pauses from "./Pauses.ts"
import * as Turns from "./Turns.ts"

/** How the crawler introduces itself. */
export const userAgent = "RedriveCrawler/0.1"

/** A page that answered. `url` is where its redirects led, `type` its media type in lower case, without parameters. */
export interface Page {
  readonly url: string
  readonly status: number
  readonly type: string
  readonly text: string
}

/** A redirect before it is followed: the `url` it leads to, and the `status` it came with. */
export interface Redirect {
  readonly url: string
  readonly status: number
}

/**
 * `accept`ed media types; `follow` fails if a redirect is not to be followed. Default: every redirect is followed. `unpack` opens a file that is a gzip
 * file, whatever its media type; `maxBytes` holds for what is in it, too. Default: false.
 */
export interface Request {
  readonly accept: string
  readonly unpack?: boolean | undefined
  readonly follow?: ((redirect: Redirect) => Effect.Effect<void, ItemError.Reason>) | undefined
}

/** How long one answer may take, its body included. */
export const answerTimeout: Duration.Input = "15 seconds"

/**
 * `allowPrivate` addresses (false), `connectionsPerHost` (4), `maxRedirects` (10), `maxBytes` of a body after decompression
 * (5 MiB), `timeout` of one answer, its body included (`answerTimeout`).
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
    /** The hosts that are left alone until a time. */
    readonly pauses: Pauses.Pauses
  }
>()("@redrive/crawler/page/Fetcher") {}

const make = Effect.fnUntraced(function* (options: Options) {
  const { allowPrivate = false, connectionsPerHost = 4, maxBytes = 5 * 1024 * 1024, maxRedirects = 10 } = options
  const { timeout = answerTimeout } = options
  const dispatcher = yield* dispatcherOf(allowPrivate, connectionsPerHost)
  const pauses = Pauses.make()
  const turns = yield* Turns.make(connectionsPerHost, pauses)

  const hop = (url: string, seen: ReadonlyArray<string>, asked: Asked): Effect.Effect<Page, ItemError.Reason> =>
    Effect.gen(function* () {
      const { accept, cookies, follow, unpack = false } = asked
      const { host, hostname, password, port, username } = new URL(url)
      if (username !== "" || password !== "" || blockedPorts.has(port)) return yield* ours("bad_link")
      if (!allowPrivate && Address.isPrivateHost(hostname)) return yield* ours("private_address")
      const answered = Effect.flatMap(request(dispatcher, url, { accept, cookie: cookies.of(url) }), (response) =>
        read(response, { accept, maxBytes, unpack })
      ).pipe(
        // A body that is not read to its end is cut before the permit goes back: a socket in use is a connection, too.
        Effect.scoped,
        Effect.timeout(timeout),
        Effect.catchTag("TimeoutError", (late) => Effect.fail(Classify.thrown(late)))
      )
      // Waiting for one's turn is not the site's slowness: the time begins with the permit.
      const answer = yield* turns.take(host, answered)
      if (answer._tag === "Page") return { ...answer, url }
      const next = targetOf(answer.location, url)
      if (next === undefined) return yield* ours("bad_redirect")
      cookies.set(answer.cookies, url)
      // The same page may answer otherwise to whoever brings its cookie.
      const place = placeOf(next, cookies)
      if (seen.includes(place) || seen.length > maxRedirects) return yield* ours("redirect_loop")
      if (follow !== undefined) yield* follow({ url: next, status: answer.status })
      return yield* hop(next, [...seen, place], asked)
    })

  return Fetcher.of({
    fetch: (url, request) =>
      Effect.suspend(() => {
        const cookies = Cookies.make()
        return hop(url, [placeOf(url, cookies)], { ...request, cookies })
      }),
    pauses
  })
})

/** A page as it is asked for: with the cookies that its redirects have set. */
interface Asked extends Request {
  readonly cookies: Cookies.Cookies
}

const placeOf = (url: string, cookies: Cookies.Cookies): string => `${url} ${cookies.of(url)}`

type OwnDetail =
  | "bad_encoding"
  | "bad_link"
  | "bad_redirect"
  | "no_content"
  | "private_address"
  | "redirect_loop"
  | "too_large"

/** A failure that the crawler itself finds in what a site does. `status` is that of an answer whose body is of no use. */
const ours = (detail: OwnDetail, status = 0) => new ItemError.HostReturnedError({ status, detail })

const reasonOf = (error: unknown): ItemError.Reason => {
  for (let link = error; link instanceof Error; link = link.cause) {
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
  | { readonly _tag: "Page"; readonly status: number; readonly type: string; readonly text: string }
  | {
      readonly _tag: "Redirect"
      readonly status: number
      readonly location: string
      readonly cookies: ReadonlyArray<string>
    }

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

const read = Effect.fnUntraced(function* (
  { body, cookies, headers, status }: Response,
  { accept, maxBytes, unpack }: { readonly accept: string; readonly maxBytes: number; readonly unpack: boolean }
): Effect.fn.Return<Answer, ItemError.Reason> {
  const { location } = headers
  const redirected = redirects.has(status) && location !== undefined
  const reason = redirected ? undefined : Classify.answered({ status, headers }, yield* Clock.currentTimeMillis)
  if (redirected || reason !== undefined) yield* drain(body)
  if (redirected) return { _tag: "Redirect", status, location, cookies }
  if (reason !== undefined) return yield* reason
  const { charset, type } = MediaType.parse(headers["content-type"])
  if (type !== undefined && !MediaType.accepts(accept, type)) {
    if (Number(headers["content-length"]) <= mostUnwanted) yield* drain(body)
    return yield* ours("no_content", status)
  }
  const decoded = ContentEncoding.decode(body, headers["content-encoding"])
  if (decoded === undefined) return yield* ours("bad_encoding")
  const file = yield* bytesOf(decoded, maxBytes, status)
  const isPacked = unpack && ContentEncoding.isGzip(file)
  const bytes = isPacked ? yield* bytesOf(ContentEncoding.unpacked(file), maxBytes, status) : file
  // Servers call files plain text that they know nothing of, or do not say what they are.
  const isUnsure = type === undefined || type === "text/plain"
  if (isUnsure && !accept.includes("*/*") && MediaType.isBinary(bytes)) return yield* ours("no_content", status)
  const known = type ?? MediaType.first(accept)
  return { _tag: "Page", status, type: known, text: Charset.decode(bytes, known, charset) }
})

/** The bytes and the time that an unwanted body may take: less than a new connection costs. */
const mostUnwanted = 64 * 1024
const unwantedTime = "250 millis"

/** Reads a small body that nobody wants, so that its connection can be used again. */
const drain = (body: Body): Effect.Effect<void> =>
  Effect.tryPromise((signal) => body.dump({ limit: mostUnwanted, signal })).pipe(
    Effect.timeout(unwantedTime),
    Effect.ignore
  )

const bytesOf = (
  decoded: ContentEncoding.Decoded,
  maxBytes: number,
  status: number
): Effect.Effect<Buffer, ItemError.Reason> =>
  Effect.tryPromise({
    try: async () => {
      const chunks: Array<Uint8Array> = []
      let size = 0
      for await (const chunk of decoded) {
        size += chunk.length
        if (size > maxBytes) return undefined
        chunks.push(chunk)
      }
      return Buffer.concat(chunks)
    },
    // As fetch does: it tells a body that breaks off from a connection that was refused.
    catch: (cause) => reasonOf(new TypeError("terminated", { cause }))
  }).pipe(
    Effect.onInterrupt(() => Effect.sync(() => decoded.destroy())),
    Effect.filterOrFail(
      (bytes) => bytes !== undefined,
      () => ours("too_large", status)
    )
  )

type Body = Undici.Dispatcher.ResponseData["body"]

interface Response {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  /** Its `Set-Cookie` headers. */
  readonly cookies: ReadonlyArray<string>
  readonly body: Body
}

/** Sends the request, and no header that tells a site about the crawler's own work. Closing the scope cuts the body. */
const request = (
  dispatcher: Undici.Dispatcher,
  url: string,
  { accept, cookie }: { readonly accept: string; readonly cookie: string }
): Effect.Effect<Response, ItemError.Reason, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: (signal) => {
        const headers = { ...constantHeaders, accept, ...(cookie === "" ? {} : { cookie }) }
        return Undici.request(url, { dispatcher, signal, headers })
      },
      catch: reasonOf
    }),
    ({ body }) =>
      Effect.sync(() => {
        body.on("error", () => undefined)
        body.destroy()
      }),
    { interruptible: true }
  ).pipe(
    Effect.map(({ body, headers, statusCode }) => ({
      body,
      headers: single(headers),
      cookies: [headers["set-cookie"] ?? []].flat(),
      status: statusCode
    }))
  )

const constantHeaders = {
  "user-agent": userAgent,
  "accept-encoding": ContentEncoding.accepted,
  "accept-language": "*"
}

/** Each header as one value, as fetch gives them. A redirect has one target: the first. */
const single = (headers: Undici.Dispatcher.ResponseData["headers"]): Response["headers"] => {
  const values: { [name: string]: string } = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    values[name] = typeof value === "string" ? value : name === "location" ? (value[0] ?? "") : value.join(", ")
  }
  return values
}

/** The ports on which other protocols listen, by the Fetch standard: a page's link must not make the crawler write to a mail server. */
const blockedPorts: ReadonlySet<string> = new Set(
  (
    "0 1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123 135 137 139 143 161 " +
    "179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080"
  ).split(" ")
)

/**
 * The undici dispatcher, which refuses a private address when it connects.
 *
 * It uses no layer and no `fetch` from the context: a memoised layer of another client would remove the address check.
 */
const dispatcherOf = (
  allowPrivate: boolean,
  connections: number
): Effect.Effect<Undici.Dispatcher, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(
      () => new Undici.Agent({ connections, ...(allowPrivate ? {} : { connect: { lookup: Address.publicLookup } }) })
    ),
    (agent) => Effect.promise(() => agent.destroy())
  )

export const layer = (options: Options = {}): Layer.Layer<Fetcher> => Layer.effect(Fetcher, make(options))
