import * as Program from "@redrive/testing/Program"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ParsedMail, simpleParser } from "mailparser"
import type { Socket } from "node:net"
import { text } from "node:stream/consumers"
import { SMTPServer, type SMTPServerOptions } from "smtp-server"

/** An email that a server has taken. */
export interface Received {
  readonly raw: string
  readonly mail: ParsedMail
  /** The recipients that the server has taken it for. */
  readonly recipients: ReadonlyArray<string>
}

/** What a test makes of each step; nothing said is a yes. */
export interface Behaviour {
  /** The refusal of a recipient, such as `450 4.2.0 greylisted`. */
  readonly recipient?: (address: string) => string | undefined
  /** The refusal of an email, once it has come. */
  readonly data?: () => string | undefined
  readonly onData?: SMTPServerOptions["onData"]
  readonly options?: SMTPServerOptions
}

export interface Mailbox {
  readonly url: string
  readonly received: ReadonlyArray<Received>
  readonly sockets: ReadonlySet<Socket>
  /** The number of connections so far. */
  readonly connections: () => number
}

const refusal = (reply: string | undefined): Error | undefined => {
  if (reply === undefined) return undefined
  return Object.assign(new Error(reply.slice(4)), { responseCode: Number(reply.slice(0, 3)) })
}

/** A mail server on a free port of 127.0.0.1, for as long as the scope. */
export const mailbox = Effect.fnUntraced(function* (
  behaviour: Behaviour = {}
): Effect.fn.Return<Mailbox, never, Scope.Scope> {
  const received: Array<Received> = []
  const sockets = new Set<Socket>()
  let connections = 0
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    closeTimeout: 100,
    onRcptTo: ({ address }, _, done) => done(refusal(behaviour.recipient?.(address))),
    onData: async (stream, { envelope }, done) => {
      const raw = await text(stream)
      const refused = refusal(behaviour.data?.())
      if (refused !== undefined) return done(refused)
      const recipients = envelope.rcptTo.map(({ address }) => address)
      received.push({ raw, mail: await simpleParser(raw), recipients })
      done()
    },
    ...(behaviour.onData === undefined ? {} : { onData: behaviour.onData }),
    ...behaviour.options
  })
  // Clients that go away in mid-session are what some tests are about.
  server.on("error", () => undefined)
  server.server.on("connection", (socket: Socket) => {
    connections++
    sockets.add(socket)
    socket.once("close", () => sockets.delete(socket))
  })
  const url = yield* Program.serve({
    listen: (port, host, listening) => server.listen(port, host, listening),
    address: () => server.server.address(),
    close: (closed) => server.close(closed),
    closeAllConnections: () => sockets.forEach((socket) => socket.destroy())
  })
  return { url: `smtp://127.0.0.1:${new URL(url).port}`, received, sockets, connections: () => connections }
})
