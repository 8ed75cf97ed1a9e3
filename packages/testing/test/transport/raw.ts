import { createServer, type Socket } from "node:net"
import * as Effect from "effect/Effect"

/** A TCP server on 127.0.0.1 that does this to whoever has sent something; gives its port. */
export const serveRaw = (answer: (socket: Socket) => void) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly close: Effect.Effect<void> }>((resume) => {
      const sockets = new Set<Socket>()
      const server = createServer((socket) => {
        sockets.add(socket)
        socket.on("error", () => undefined)
        socket.once("data", () => answer(socket))
      })
      const close = Effect.callback<void>((done) => {
        server.close(() => done(Effect.void))
        for (const socket of sockets) socket.destroy()
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed({ port: typeof address === "object" && address ? address.port : 0, close }))
      })
    }),
    ({ close }) => close
  ).pipe(Effect.map(({ port }) => port))
