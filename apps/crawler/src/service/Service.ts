/**
 * The crawl service: the API over HTTP, its store, and the crawler that works the jobs.
 */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type * as Outbox from "@redrive/alert/Outbox"
import * as SqlStores from "@redrive/durable/SqlStores"
import * as Store from "@redrive/durable/Store"
import type * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpServer from "effect/http/HttpServer"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as ByteSize from "effect/ByteSize"
import * as Extractor from "../page/Extractor.ts"
import * as Fetcher from "../page/Fetcher.ts"
import { Accounts } from "./Accounts.ts"
import * as App from "./App.ts"
import * as Crawler from "./Crawler.ts"
import * as Database from "./Database.ts"
import * as DatabaseName from "./DatabaseName.ts"
import * as Stories from "./Stories.ts"
import type { Story } from "../page/Story.ts"
import type { Incidents } from "./Incidents.ts"
import * as HostGates from "./HostGates.ts"
import { pagePolicy } from "./PagePolicy.ts"
import { Jobs } from "./Jobs.ts"
import { Pages } from "./Pages.ts"
import * as Webhooks from "./Webhooks.ts"

/** What a service is started with. */
export interface Options {
  /** The address to listen on. Default: `127.0.0.1`. */
  readonly host?: string | undefined
  /** The port to listen on. Default: any that is free. */
  readonly port?: number | undefined
  /** A file of SQLite, or the URL of a PostgreSQL. Default: in memory. */
  readonly database?: string | undefined
  /** Whether private and loopback addresses are crawled, and told by webhooks. Default: `false`. */
  readonly allowPrivate?: boolean | undefined
  /** How long one answer of a site may take. Default: 15 seconds. */
  readonly timeout?: Duration.Input | undefined
  /** How long pages that are under way may take when the service ends. Default: no time. */
  readonly grace?: Duration.Input | undefined
  /** How long a request may take to arrive as a whole. Default: 30 seconds. */
  readonly requestTimeout?: Duration.Input | undefined
  /** How a page is tried. Default: `pagePolicy`, 3 retries and a Retry-After of up to 2 minutes. */
  readonly policy?: RetryPolicy.RetryPolicy | undefined
  /** What converts pages. Default: `Extractor.layer()`. */
  readonly extractor?: Layer.Layer<Extractor.Extractor> | undefined
  /** What webhooks are signed with, as Standard Webhooks write it. Default: they are not signed. */
  readonly webhookSecret?: Redacted.Redacted | undefined
  /** How long jobs that have ended are kept. Default: 30 days. */
  readonly keep?: Duration.Input | undefined
  /**
   * The most requests of one account in a minute, all at once or evenly; more are answered with 429 and Retry-After. Processes that share a PostgreSQL count together.
   * Default: 6,000.
   */
  readonly requestsPerMinute?: number | undefined
  /** The page that people watch, and act on. Default: none. */
  readonly page?: App.Page | undefined
  /** Who is told of failures; kept in the same database. Default: nobody. */
  readonly alerts?: Alerts | undefined
  /** Whether there is the account `local`, whose key everybody knows; without it the key is refused, even if the database has the account. Default: `true`. */
  readonly localAccount?: boolean | undefined
  /** How often a page may take its process with it before it is given up; at least 1. Default: 3. */
  readonly kills?: number | undefined
  /** Hears of links that are not followed, page by page. Default: nobody does. */
  readonly onLeftOut?: Crawler.Options["onLeftOut"]
}

/** Alerts that are kept in the service's database, such as `Incidents.layer(sinks)`. */
export type Alerts = Layer.Layer<Incidents, Outbox.OutboxError | SqlError, SqlClient.SqlClient>

/** No request of the contract is larger. */
const maxRequest = ByteSize.kibibytes(64)

/** Connections at a time; a client that polls needs one. */
const maxConnections = 1000

/** A server that lets nobody keep a connection by sending slowly. */
const serverOf =
  ({ requestTimeout = "30 seconds" }: Options) =>
  () => {
    const limit = Duration.toMillis(requestTimeout)
    const options = { headersTimeout: Math.min(limit, 10_000), requestTimeout: limit }
    const server = createServer({ ...options, connectionsCheckingInterval: Math.min(limit, 1000) })
    server.maxConnections = maxConnections
    return server
  }

/** The running service; its accounts are there for whoever runs it, and so are the stories of its pages, by the pages' ids. */
export class Service extends Context.Service<
  Service,
  {
    readonly url: string
    readonly accounts: Accounts["Service"]
    readonly stories: (jobIds: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, Story>, SqlError>
  }
>()("@redrive/crawler/service/Service") {}

/** Accounts, jobs, pages and tasks of a database. */
const storeOf = (localAccount: boolean) =>
  Layer.merge(Jobs.layer, Pages.layer()).pipe(
    Layer.provideMerge(Layer.merge(localAccount ? Accounts.layer : Accounts.layerWithoutLocal, Store.layer()))
  )

/** What works on jobs, and tells their receivers. */
const workOf = ({ keep, policy, ...options }: Options & { readonly keep: Duration.Duration }) => {
  const {
    allowPrivate = false,
    extractor = Extractor.layer(),
    grace,
    kills,
    onLeftOut,
    timeout,
    webhookSecret
  } = options
  return Layer.mergeAll(
    Crawler.layer({ policy, grace, kills, onLeftOut }).pipe(Layer.provide(HostGates.layer)),
    Webhooks.layer({ allowPrivate, keep, secret: webhookSecret })
  ).pipe(Layer.provide(Layer.merge(Fetcher.layer({ allowPrivate, timeout }), extractor)))
}

/** Counts the requests of accounts. What processes share they count together; a store that does not answer refuses nobody. */
const countsOf = (database: string) =>
  Layer.provide(
    RateLimiter.layer,
    DatabaseName.isPostgres(database)
      ? SqlStores.layerRateLimiterStore({ prefix: "requests " })
      : RateLimiter.layerStoreMemory
  )

/** Deletes jobs that ended long ago, each hour. */
const expiring = (keep: Duration.Duration) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const jobs = yield* Jobs
      const turn = Effect.flatMap(DateTime.now, (now) => jobs.expire(DateTime.subtractDuration(now, keep)))
      yield* turn.pipe(
        // A connection that is lost within a transaction is a defect to Effect.
        Effect.catchCause((cause) => Effect.logWarning("jobs could not be deleted", cause)),
        Effect.andThen(Effect.sleep("1 hour")),
        Effect.forever,
        Effect.forkScoped
      )
    })
  )

/** A function, so that each service has a layer of its own: Effect builds a layer that is one value only once. */
const serviceOf = () =>
  Layer.effect(
    Service,
    Effect.gen(function* () {
      const { address } = yield* HttpServer.HttpServer
      const sql = yield* SqlClient.SqlClient
      return Service.of({
        url: HttpServer.formatAddress(address),
        accounts: yield* Accounts,
        stories: (jobIds) => Effect.provideService(Stories.of(jobIds), SqlClient.SqlClient, sql)
      })
    })
  )

export const layer = (options: Options = {}) => {
  const { allowPrivate = false, database = ":memory:", host = "127.0.0.1", localAccount = true, port = 0 } = options
  const { policy = pagePolicy, requestsPerMinute = 6000 } = options
  const page = options.page?.(policy) ?? Layer.empty
  const keep = Duration.fromInputUnsafe(options.keep ?? "30 days")
  const data = Database.layer(database)
  const store = Layer.provide(storeOf(localAccount), data)
  const work = Layer.provideMerge(workOf({ ...options, keep, policy }), store)
  const server = NodeHttpServer.layer(serverOf(options), {
    port,
    host,
    gracefulShutdownTimeout: "1 second"
  })
  const served = Layer.unwrap(
    Effect.map(App.make({ allowPrivate, requestsPerMinute, page }), (app) => HttpServer.serve(app))
  )
  return Layer.mergeAll(serviceOf(), served, expiring(keep)).pipe(
    Layer.provide(server),
    Layer.provide(work),
    Layer.provide(options.alerts ?? Layer.empty),
    Layer.provide(data),
    Layer.provide(Layer.provide(countsOf(database), data)),
    Layer.provide(Layer.succeed(HttpIncomingMessage.MaxBodySize, maxRequest))
  )
}
