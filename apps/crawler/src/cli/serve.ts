/**
 * `serve`: the crawl API, until it is interrupted.
 */
import * as Alerter from "@redrive/alert/Alerter"
import * as WebhookSink from "@redrive/alert/WebhookSink"
import * as Log from "@redrive/log/Log"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as PlainHttp from "../service/PlainHttp.ts"
import * as Service from "../service/Service.ts"
import type { ServeFlags } from "./commands.ts"
import { Problem } from "./Problem.ts"

export const serve = (flags: ServeFlags) =>
  Effect.gen(function* () {
    const { url } = yield* Service.Service
    yield* Console.log(`serving the crawl API on ${url} (API key: local); Ctrl-C stops it`)
    return yield* Effect.never
  }).pipe(
    Effect.provide(Service.layer(flags).pipe(Layer.provide(layerAlerts(flags)), Layer.provide(Log.layer()))),
    Effect.catchTags({
      ServeError: ({ cause }) => portProblem(flags.port, cause),
      DatabaseInUse: (inUse) =>
        new Problem({ wrong: `${inUse.message}.`, advice: "Stop that process, or give --database another file." }),
      SqlError: ({ reason }) =>
        new Problem({
          wrong: `${reason.message}.`,
          advice: "Give --database a database that serve made, or a new file name."
        }),
      MigrationError: ({ message }) =>
        new Problem({
          wrong: `cannot use the database ${flags.database}: ${message}.`,
          advice: "Give --database a database that serve made, or a new file name."
        })
    })
  )

const layerAlerts = ({ alertWebhook }: ServeFlags) =>
  Option.match(alertWebhook, {
    onNone: () => Layer.empty,
    onSome: (url) => Alerter.layer().pipe(Layer.provide(WebhookSink.layer({ url })), Layer.provide(PlainHttp.layer))
  })

const portProblem = (port: number, cause: unknown): Problem => {
  const code = Predicate.hasProperty(cause, "code") ? String(cause.code) : String(cause)
  return code === "EADDRINUSE"
    ? new Problem({ wrong: `port ${port} is in use.`, advice: "Choose another with --port; 0 takes any that is free." })
    : new Problem({ wrong: `cannot listen on port ${port}: ${code}.`, advice: "Choose another with --port." })
}
