/**
 * gRPC's client, without its own retries, sending a creation to a server that fails.
 *
 * @since 0.1.0
 */
import { createSecureServer, createServer } from "node:http2"
import * as grpc from "@grpc/grpc-js"
import * as Effect from "effect/Effect"
import * as Program from "@redrive/testing/Program"
import { ample, brief, thrown } from "./Failed.ts"
import * as Servers from "./Servers.ts"

const bytes = (value: Buffer) => value

/** Answers a call with a status. */
type Handle = (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => void

/**
 * Starts a real gRPC server with one method, and returns its address.
 *
 * @category running
 * @since 0.1.0
 */
export const server = (handle: Handle) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<readonly [grpc.Server, number]>((resume) => {
        const server = new grpc.Server()
        const method = { path: "/test/create", requestStream: false, responseStream: false } as const
        const codec = { requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes }
        const definition = { create: { ...method, ...codec, responseDeserialize: bytes } }
        server.addService(definition, { create: handle })
        server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (_, port) =>
          resume(Effect.succeed([server, port]))
        )
      }),
      ([server]) => Effect.sync(() => server.forceShutdown())
    ),
    ([, port]) => `127.0.0.1:${port}`
  )

/**
 * Calls the server's method; `start` runs once the call is under way.
 *
 * @category running
 * @since 0.1.0
 */
export const create = (
  address: string,
  { credentials = grpc.credentials.createInsecure(), limit = ample, start }: Options = {}
): Promise<unknown> => {
  const client = new grpc.Client(address, credentials, {
    "grpc.enable_retries": 0,
    // Node.js warns about a server name that is an address.
    "grpc.ssl_target_name_override": "localhost"
  })
  const called = new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + limit }
    const done = (error: Error | null, value: unknown) => (error === null ? resolve(value) : reject(error))
    const call = client.makeUnaryRequest("/test/create", bytes, bytes, Buffer.from("x"), options, done)
    start?.(call)
  })
  return called.finally(() => client.close())
}

interface Options {
  readonly credentials?: grpc.ChannelCredentials
  readonly limit?: number
  readonly start?: (call: grpc.ClientUnaryCall) => void
}

/** A server that fails with a status, and says in its metadata when to retry. */
const failing = (code: grpc.status, pushback?: string) =>
  server((_, done) => {
    const metadata = new grpc.Metadata()
    if (pushback !== undefined) metadata.set("grpc-retry-pushback-ms", pushback)
    done({ code, details: "no", metadata })
  })

/** An HTTP/2 server that begins to answer, and then breaks the connection. */
const cutting = Effect.suspend(() => {
  const server = createServer()
  const sessions = new Set<{ readonly destroy: () => void }>()
  server.on("session", (session) => sessions.add(session))
  server.on("stream", (stream) => {
    stream.on("error", () => undefined)
    stream.respond({ ":status": 200, "content-type": "application/grpc" })
    stream.write(Buffer.from([0, 0, 0, 0, 9]))
    setTimeout(() => stream.session?.destroy(), 20)
  })
  return Program.serve({
    listen: (port, host, listening) => server.listen(port, host, listening),
    address: () => server.address(),
    close: (closed) => server.close(closed),
    closeAllConnections: () => sessions.forEach((session) => session.destroy())
  })
})

/** An HTTP/2 server with an untrusted certificate. */
const secure = (files: Servers.Certificate) =>
  Effect.suspend(() => {
    const server = createSecureServer(files)
    return Program.serve({
      listen: (port, host, listening) => server.listen(port, host, listening),
      address: () => server.address(),
      close: (closed) => server.close(closed),
      closeAllConnections: () => undefined
    })
  })

/** Cancels a call after a moment. */
const start = (call: grpc.ClientUnaryCall) => void setTimeout(() => call.cancel(), 50)

const hostOf = (url: string) => new URL(url).host

/**
 * All failures of the client.
 *
 * @category running
 * @since 0.1.0
 */
export const failures = Effect.fnUntraced(function* (certificate: Servers.Certificate | undefined) {
  const refused = yield* Program.freePort
  const deaf = yield* Servers.fullPort
  const silent = yield* server(() => undefined)
  const reset = yield* Servers.tcp((socket) => socket.once("data", () => socket.resetAndDestroy()))
  const cut = yield* cutting
  const exhausted = yield* failing(grpc.status.RESOURCE_EXHAUSTED, "7000")
  const unavailable = yield* failing(grpc.status.UNAVAILABLE)
  const notFound = yield* failing(grpc.status.NOT_FOUND)
  const tls = certificate && (yield* secure(certificate))
  const credentials = grpc.credentials.createSsl()
  const calls = [
    thrown("refused connection", () => create(`127.0.0.1:${refused}`)),
    thrown("name that does not exist", () => create("nowhere.invalid:443")),
    thrown("no connection in time", () => create(`127.0.0.1:${deaf}`, { limit: brief })),
    thrown("no answer in time", () => create(silent, { limit: brief })),
    thrown("reset before the answer", () => create(`127.0.0.1:${reset}`)),
    thrown("cut within the answer", () => create(hostOf(cut))),
    thrown("RESOURCE_EXHAUSTED with a pushback of 7 s", () => create(exhausted)),
    thrown("UNAVAILABLE", () => create(unavailable)),
    thrown("NOT_FOUND", () => create(notFound)),
    ...(tls === undefined ? [] : [thrown("untrusted certificate", () => create(hostOf(tls), { credentials }))]),
    thrown("called off by the caller", () => create(silent, { start }))
  ]
  return yield* Effect.all(calls, { concurrency: "unbounded" })
})
