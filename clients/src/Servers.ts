/**
 * Servers on 127.0.0.1, each of which fails in one way, until the scope closes.
 *
 * @since 0.1.0
 */
import { spawn } from "node:child_process"
import { chownSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer, type RequestListener } from "node:http"
import { createServer as createSecureServer } from "node:https"
import { connect, createServer as createTcpServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import * as Program from "@redrive/testing/Program"
import * as Effect from "effect/Effect"

/**
 * A new folder that `owner` may write to. Default: the current user.
 *
 * @category running
 * @since 0.1.0
 */
export const folder = (owner?: { readonly uid: number; readonly gid: number }) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const path = mkdtempSync(join(tmpdir(), "redrive-clients-"))
      if (owner !== undefined) chownSync(path, owner.uid, owner.gid)
      return path
    }),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )

/** Answers by status. The body has AWS's own error names, which other clients do not read. */
const bodies: { readonly [path: string]: readonly [status: number, type: string] } = {
  "/429": [429, "RequestThrottled"],
  "/503": [503, "ServiceUnavailable"],
  "/404": [404, "com.amazonaws.sqs#QueueDoesNotExist"]
}

const listener: RequestListener = (request, response) => {
  request.resume()
  const { socket } = request
  // The AWS SDK ends the path of its endpoint with a slash.
  const path = request.url?.replace(/(?<=.)\/$/, "")
  if (path === "/reset") return void socket.resetAndDestroy()
  if (path === "/cut") {
    response.writeHead(200, { "content-type": "application/x-amz-json-1.0", "content-length": 1000 })
    response.write("{", () => setTimeout(() => socket.destroy(), 20))
    return
  }
  const [status, type] = bodies[path ?? ""] ?? []
  if (status === undefined) return
  response.writeHead(status, {
    "content-type": "application/x-amz-json-1.0",
    ...(status === 429 ? { "retry-after": "7" } : {})
  })
  response.end(JSON.stringify({ __type: type, message: "no" }))
}

/**
 * A web server: `/429` (with a Retry-After of 7 seconds), `/503` and `/404` are answers, `/reset` and `/cut` break the connection, and any
 * other path is never answered. Returns its URL.
 *
 * @category running
 * @since 0.1.0
 */
export const web = Effect.suspend(() => Program.serve(createServer(listener)))

/**
 * A key and an untrusted certificate.
 *
 * @category models
 * @since 0.1.0
 */
export interface Certificate {
  readonly key: Buffer
  readonly cert: Buffer
}

/**
 * Makes a self-signed certificate.
 *
 * @category running
 * @since 0.1.0
 */
export const certificate: Effect.Effect<Certificate, Program.ProgramError> = Effect.scoped(
  Effect.gen(function* () {
    const path = yield* folder()
    const [key, cert] = [join(path, "key"), join(path, "crt")]
    const made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    const named = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    yield* Program.output("openssl", [...made, ...named, "-keyout", key, "-out", cert])
    return { key: readFileSync(key), cert: readFileSync(cert) }
  })
)

/**
 * The web server with an untrusted certificate. Returns its URL.
 *
 * @category running
 * @since 0.1.0
 */
export const secureWeb = Effect.fnUntraced(function* (files: Certificate) {
  const url = yield* Program.serve(createSecureServer(files, listener))
  return url.replace("http:", "https:")
})

/**
 * A TCP server that runs a handler on each connection. Returns its port.
 *
 * @category running
 * @since 0.1.0
 */
export const tcp = (accept: (socket: Socket) => void) =>
  Effect.suspend(() => {
    const sockets = new Set<Socket>()
    const server = createTcpServer((socket) => {
      sockets.add(socket)
      socket.on("error", () => undefined)
      accept(socket)
    })
    const closeAllConnections = () => {
      for (const socket of sockets) socket.destroy()
    }
    return Effect.map(
      Program.serve({
        listen: (port, host, listening) => server.listen(port, host, listening),
        address: () => server.address(),
        close: (closed) => server.close(closed),
        closeAllConnections
      }),
      (url) => Number(new URL(url).port)
    )
  })

/** Listens, prints its port, and never accepts a connection. */
const deaf =
  `require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, function () {` +
  `require("fs").writeSync(1, this.address().port + "\\n"); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0) })`

/**
 * A port whose connection queue is full, so that a further connection is never established.
 *
 * @category running
 * @since 0.1.0
 */
export const fullPort = Effect.gen(function* () {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn(process.execPath, ["-e", deaf], { stdio: ["ignore", "pipe", "inherit"] })),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
  const port = yield* Effect.callback<number>((resume) => {
    child.stdout.once("data", (data: Buffer) => resume(Effect.succeed(Number(data.toString()))))
  })
  yield* Effect.acquireRelease(
    Effect.sync(() => Array.from({ length: 4 }, () => connect(port, "127.0.0.1").on("error", () => undefined))),
    (sockets) => Effect.sync(() => sockets.forEach((socket) => socket.destroy()))
  )
  yield* Effect.sleep("100 millis")
  return port
})
