import type { Socket } from "node:net"
import * as Effect from "effect/Effect"
import { html, pageOf } from "./answers.ts"
import type { Exchange, Handler } from "./exchange.ts"

/** Below HTTP: what is written to the socket itself. The response object of the server stays unused. */
const onSocket =
  (act: (socket: Socket, exchange: Exchange) => void): Handler =>
  (exchange) =>
    Effect.sync(() => act(exchange.request.socket, exchange))

/** The connection is reset before a byte is answered. */
export const reset: Handler = onSocket((socket) => socket.resetAndDestroy())

/** An answer that is not HTTP. */
export const malformed: Handler = onSocket((socket) => close(socket, "HTTP/1.1 TWO HUNDRED\r\n: no name\r\n\r\n"))

/** A page whose announced length never comes. */
export const truncated: Handler = (exchange) =>
  Effect.map(pageOf(exchange), (body) => cut(exchange, `content-length: ${Buffer.byteLength(body) * 2}`, body))

/** A page in chunks, the last of which is cut short. */
export const chunkCut: Handler = (exchange) =>
  Effect.map(pageOf(exchange), (body) => {
    const size = (Buffer.byteLength(body) * 2).toString(16)
    cut(exchange, "transfer-encoding: chunked", `${size}\r\n${body}`)
  })

const cut = ({ request }: Exchange, framing: string, body: string) =>
  close(request.socket, `HTTP/1.1 200 OK\r\ncontent-type: ${html["content-type"]}\r\n${framing}\r\n\r\n${body}`)

/** Writes what there is, then closes in the regular way: what comes too short was never meant to be longer. */
const close = (socket: Socket, text: string) => {
  socket.write(text)
  socket.destroySoon()
}
