/**
 * `serve`: the crawl API, until it is interrupted.
 */
import { randomBytes } from "node:crypto"
import * as AlertmanagerSink from "@redrive/alert/AlertmanagerSink"
import * as FailureMetrics from "@redrive/alert/FailureMetrics"
import * as WebhookSink from "@redrive/alert/WebhookSink"
import { catalogue } from "@redrive/core/CrawlCatalogue"
import * as Log from "@redrive/log/Log"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as DatabaseName from "../service/DatabaseName.ts"
import * as PlainHttp from "../service/PlainHttp.ts"
import * as Service from "../service/Service.ts"
import * as Incidents from "../service/Incidents.ts"
import * as Web from "../watch/Web.ts"
import { unusable } from "./database.ts"
import { Problem } from "./Problem.ts"
import type * as Settings from "./Settings.ts"
import { endsByInterruption, endsWithin } from "./Signals.ts"

export const serve = (settings: Settings.Values) => {
  const operatorKey = settings.operatorKey ?? Redacted.make(randomBytes(18).toString("base64url"))
  return Effect.scoped(served(settings, operatorKey))
}

const served = (settings: Settings.Values, operatorKey: Redacted.Redacted) =>
  Effect.gen(function* () {
    yield* endsByInterruption
    const service = yield* Service.Service
    const { url } = service
    const key = settings.localAccount ? " (API key: local)" : ""
    yield* Console.log(`serving the crawl API on ${url}${key}; Ctrl-C stops it`)
    const signIn = settings.operatorKey === undefined ? ` (operator key: ${Redacted.value(operatorKey)})` : ""
    yield* Console.log(`watch it on ${url}/${signIn}`)
    if (settings.localAccount && !isLoopback(settings.host)) yield* Console.log(anybody)
    if (settings.demo)
      yield* Effect.catch(demoOf(service), (error) => Console.log(`the demo has no jobs: ${error.message}`))
    return yield* Effect.onInterrupt(Effect.never, () => stopping)
  }).pipe(
    Effect.provide(
      layerService(settings, operatorKey).pipe(
        Layer.provide(FailureMetrics.layer(catalogue)),
        Layer.provide(Log.layer())
      )
    ),
    Effect.catchTags({
      ServeError: ({ cause }) => addressProblem(settings, cause),
      DatabaseInUse: (inUse) =>
        new Problem({ wrong: `${inUse.message}.`, advice: "Stop that process, or give --database another file." }),
      HardLinked: ({ message }) =>
        new Problem({ wrong: `${message}.`, advice: "Remove all names but one, or give --database a copy." }),
      LockUnusable: ({ cause, file, message }) =>
        new Problem({
          wrong: `${message}.`,
          advice: isOfDisk(cause) ? checkDisk : `If no process serves the database, remove ${file}.`
        }),
      SqlError: (error) => databaseProblem(settings.database, error),
      OutboxError: (error) => databaseProblem(settings.database, error),
      StoreError: (error) => databaseProblem(settings.database, error),
      MigrationError: (error) => databaseProblem(settings.database, error)
    })
  )

/** A demo crawls a site on this machine. */
const layerService = (settings: Settings.Values, operatorKey: Redacted.Redacted) => {
  const page = Web.make({ operatorKey, isOpen: settings.demo })
  const options = { ...settings, grace, page, alerts: layerAlerts(settings) }
  if (!settings.demo) return Service.layer(options)
  const demo = Effect.promise(() => import("./serveDemo.ts"))
  return Layer.unwrap(
    Effect.map(demo, ({ policy, timeout }) => Service.layer({ ...options, allowPrivate: true, policy, timeout }))
  )
}

/** For pages that are under way; what is not finished then is taken up at the next start. Supervisors kill after ten seconds or more. */
const grace = "5 seconds" as const

const stopping = Effect.andThen(
  Console.log("stopping: pages under way are finished, for 5 seconds at most; a second Ctrl-C ends it at once"),
  // A server that is silent, and not gone, keeps its clients waiting. Nothing is lost with the process.
  endsWithin(20_000, "error: the database does not answer, so serve has ended without it.")
)

const otherFile = "Give --database a database that serve made, or a new file name."
const checkDisk = "Check its disk: it may be full."

const checkServer = "Check that PostgreSQL runs there, and that --database has the right user, password and database."

const databaseProblem = (database: string, error: Error) => {
  const advice = DatabaseName.isPostgres(database) ? checkServer : isOfDisk(error) ? checkDisk : otherFile
  return new Problem({ wrong: unusable(database, error), advice })
}

/** Whether SQLite could not write because of the disk. */
const isOfDisk = (error: unknown): boolean => {
  for (
    let link = error;
    Predicate.isObject(link);
    link = Predicate.hasProperty(link, "cause") ? link.cause : undefined
  ) {
    if (Predicate.hasProperty(link, "errcode") && diskErrors.has(Number(link.errcode) % 256)) return true
  }
  return false
}

/** SQLITE_FULL and SQLITE_IOERR; extended codes add multiples of 256. A full disk may be either. */
const diskErrors: ReadonlySet<number> = new Set([13, 10])

/** Whoever is to be told is told of everything: each is a sink, and the default route has all of them. */
const layerAlerts = ({ alertWebhook, alertmanager }: Settings.Values) => {
  const layer = Effect.gen(function* () {
    return Incidents.layer({
      ...(alertWebhook !== undefined && { webhook: WebhookSink.make({ url: alertWebhook }) }),
      ...(alertmanager.length > 0 && { alertmanager: yield* AlertmanagerSink.make({ urls: alertmanager }) })
    })
  })
  return Layer.provide(Layer.unwrap(layer), PlainHttp.layer)
}

const demoOf = (service: Service.Service["Service"]) =>
  Effect.flatMap(
    Effect.promise(() => import("./serveDemo.ts")),
    ({ start }) => start(service)
  )

const isLoopback = (host: string): boolean => /^(127\.|::1$)/.test(host)

const anybody =
  "warning: anybody who reaches this address has the account local; --no-local-account (REDRIVE_LOCAL_ACCOUNT=false) ends that"

const addressProblem = ({ host, port }: Settings.Values, cause: unknown): Problem => {
  const code = Predicate.hasProperty(cause, "code") ? String(cause.code) : String(cause)
  if (code === "EADDRINUSE")
    return new Problem({
      wrong: `port ${port} is in use.`,
      advice: "Choose another with --port; 0 takes any that is free."
    })
  return code === "EADDRNOTAVAIL"
    ? new Problem({ wrong: `this machine has no address ${host}.`, advice: "Choose another with --host." })
    : new Problem({ wrong: `cannot listen on port ${port}: ${code}.`, advice: "Choose another with --port." })
}
