import * as Http from "node:http"
import type { Socket } from "node:net"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"

/** A server on a free port of 127.0.0.1; at the end of its scope every socket is destroyed, in whatever state it is. */
export const listen: Effect.Effect<Http.Server, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.callback<{ readonly server: Http.Server; readonly sockets: ReadonlySet<Socket> }>((resume) => {
      const sockets = new Set<Socket>()
      // The default would do for the long URL, but not for it and a client's cookies.
      const server = Http.createServer({ maxHeaderSize: 64 * 1024 })
      server.on("connection", (socket) => {
        sockets.add(socket)
        socket.once("close", () => sockets.delete(socket))
      })
      server.once("error", (error) => resume(Effect.die(error)))
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed({ server, sockets })))
    }),
    ({ server, sockets }) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        for (const socket of sockets) socket.destroy()
      })
  ),
  ({ server }) => server
)

export const portOf = (server: { readonly address: () => unknown }): number => {
  const address = server.address()
  return Predicate.hasProperty(address, "port") ? Number(address.port) : 0
}

/** A port that was free a moment ago and that nothing listens on. */
export const closedPort: Effect.Effect<number> = Effect.scoped(Effect.map(listen, portOf))
