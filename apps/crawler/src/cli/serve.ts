/**
 * `serve`: the crawl API, until it is interrupted.
 */
import * as Alerter from "@redrive/alert/Alerter"
import * as WebhookSink from "@redrive/alert/WebhookSink"
import * as Log from "@redrive/log/Log"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Service from "../service/Service.ts"
import * as Options from "./Options.ts"
import { Problem } from "./Problem.ts"

const options = {
  port: Options.int("port", 0, 65_535).pipe(
    Flag.withDescription("Port on 127.0.0.1 (8080); 0 takes any that is free"),
    Flag.withDefault(8080)
  ),
  database: Flag.String("database").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Where accounts and jobs are kept, made where there is none (in memory)"),
    Flag.withDefault(":memory:")
  ),
  alertWebhook: Flag.Redacted("alert-webhook").pipe(
    Flag.withMetavar("URL"),
    Flag.withDescription("Where alerts are posted, also read from REDRIVE_ALERT_WEBHOOK (nowhere)"),
    Flag.withFallbackConfig(Config.Redacted("REDRIVE_ALERT_WEBHOOK")),
    Flag.filter(
      (url) => Options.isHttpUrl(Redacted.value(url)),
      () => "Expected: an absolute http or https URL"
    ),
    Flag.optional
  ),
  allowPrivate: Options.allowPrivate
}

type Flags = Command.Command.Config.Infer<typeof options>

export const command = Command.make("serve", options, (flags) => serve(flags)).pipe(
  Command.withDescription("Serve the crawl API on 127.0.0.1"),
  Command.withExamples([
    { command: "serve --port 9000 --database crawl.db", description: "Keep accounts and jobs in a file" }
  ])
)

const serve = (flags: Flags) =>
  Effect.gen(function* () {
    const { url } = yield* Service.Service
    yield* Console.log(`serving the crawl API on ${url} (API key: local); Ctrl-C stops it`)
    return yield* Effect.never
  }).pipe(
    Effect.provide(Service.layer(flags).pipe(Layer.provide(layerAlerts(flags)), Layer.provide(Log.layer()))),
    Effect.catchTags({
      ServeError: ({ cause }) => portProblem(flags.port, cause),
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

const layerAlerts = ({ alertWebhook }: Flags) =>
  Option.match(alertWebhook, {
    onNone: () => Layer.empty,
    onSome: (url) =>
      Alerter.layer().pipe(Layer.provide(WebhookSink.layer({ url })), Layer.provide(FetchHttpClient.layer))
  })

const portProblem = (port: number, cause: unknown): Problem => {
  const code = Predicate.hasProperty(cause, "code") ? String(cause.code) : String(cause)
  return code === "EADDRINUSE"
    ? new Problem({ wrong: `port ${port} is in use.`, advice: "Choose another with --port; 0 takes any that is free." })
    : new Problem({ wrong: `cannot listen on port ${port}: ${code}.`, advice: "Choose another with --port." })
}
