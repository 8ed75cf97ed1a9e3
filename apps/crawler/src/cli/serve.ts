/**
 * `serve`: the crawl API, until it is interrupted.
 */
import * as Alerter from "@redrive/alert/Alerter"
import * as FailureMetrics from "@redrive/alert/FailureMetrics"
import * as WebhookSink from "@redrive/alert/WebhookSink"
import { catalogue } from "@redrive/core/CrawlCatalogue"
import * as Log from "@redrive/log/Log"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Database from "../service/Database.ts"
import * as PlainHttp from "../service/PlainHttp.ts"
import * as Service from "../service/Service.ts"
import type { ServeFlags } from "./commands.ts"
import { admit, unusable } from "./database.ts"
import { Problem } from "./Problem.ts"
import { endsWithin } from "./Signals.ts"

export const serve = (flags: ServeFlags) => Effect.andThen(admit(flags.database), served(flags))

const served = (flags: ServeFlags) =>
  Effect.gen(function* () {
    const { url } = yield* Service.Service
    yield* Console.log(`serving the crawl API on ${url} (API key: local); Ctrl-C stops it`)
    return yield* Effect.onInterrupt(Effect.never, () => stopping)
  }).pipe(
    Effect.provide(
      Service.layer({ ...flags, webhookSecret: Option.getOrUndefined(flags.webhookSecret), grace }).pipe(
        Layer.provide(layerAlerts(flags)),
        Layer.provide(FailureMetrics.layer(catalogue)),
        Layer.provide(Log.layer())
      )
    ),
    Effect.catchTags({
      ServeError: ({ cause }) => portProblem(flags.port, cause),
      DatabaseInUse: (inUse) =>
        new Problem({ wrong: `${inUse.message}.`, advice: "Stop that process, or give --database another file." }),
      HardLinked: ({ message }) =>
        new Problem({ wrong: `${message}.`, advice: "Remove all names but one, or give --database a copy." }),
      LockUnusable: ({ cause, file, message }) =>
        new Problem({
          wrong: `${message}.`,
          advice: isOfDisk(cause) ? checkDisk : `If no process serves the database, remove ${file}.`
        }),
      SqlError: (error) => databaseProblem(flags.database, error),
      StoreError: (error) => databaseProblem(flags.database, error),
      MigrationError: (error) => databaseProblem(flags.database, error)
    })
  )

/** For pages that are under way; what is not finished then is taken up at the next start. Supervisors kill after ten seconds or more. */
const grace = "5 seconds"

const stopping = Effect.andThen(
  Console.log("stopping: pages under way are finished, for 5 seconds at most; a second Ctrl-C ends it at once"),
  // A server that is silent, and not gone, keeps its clients waiting. Nothing is lost with the process.
  endsWithin(20_000, "error: the database does not answer, so serve has ended without it.")
)

const otherFile = "Give --database a database that serve made, or a new file name."
const checkDisk = "Check its disk: it may be full."

const checkServer = "Check that PostgreSQL runs there, and that --database has the right user, password and database."

const databaseProblem = (database: string, error: Error) => {
  const advice = Database.isPostgres(database) ? checkServer : isOfDisk(error) ? checkDisk : otherFile
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
