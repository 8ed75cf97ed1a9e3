import { assert, describe, it } from "@effect/vitest"
import * as Sentry from "@redrive/sentry/Sentry"
import * as core11 from "@sentry/core"
import * as server11 from "@sentry/core/server"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import { execFile } from "node:child_process"
import { join } from "node:path"
import process from "node:process"
import * as latest10 from "sentry-10"
import * as first10 from "sentry-10.0"
import * as first11 from "sentry-11.0"
import * as firstServer11 from "sentry-11.0/server"
import { post, receiver } from "./receiver.ts"

const report = ErrorReporter.report(Cause.fail(new Error("failure")))

/** What is used of a version of Sentry. */
interface Version {
  readonly SDK_VERSION: string
  readonly ServerRuntimeClient: new (options: never) => Sentry.Client & { init(): void }
  readonly createStackParser: (parser: never) => unknown
  readonly nodeStackLineParser: () => unknown
  readonly createTransport: (options: never, request: ReturnType<typeof post>) => unknown
  getCurrentScope(): Scope
  getIsolationScope(): Scope
}

interface Scope {
  setClient(client: object | undefined): void
  setTag(name: string, value: string | undefined): unknown
}

const versions: ReadonlyArray<Version> = [
  first10,
  latest10,
  { ...first11, ...firstServer11 },
  { ...core11, ...server11 }
]

const clientOf = (version: Version, dsn: string) => {
  const options = {
    dsn,
    integrations: [],
    stackParser: version.createStackParser(version.nodeStackLineParser() as never),
    transport: (to: { readonly url: string }) => version.createTransport(to as never, post(to.url))
  }
  // Each version has a type of its own for the same options.
  const client = new version.ServerRuntimeClient(options as never)
  client.init()
  return client
}

/** A receiver with a client of a version that has tags in its scopes, and is the program's for as long as the scope. */
const initialised = Effect.fnUntraced(function* (version: Version) {
  const { dsn, events } = yield* receiver
  const client = clientOf(version, dsn)
  const [current, isolation] = [version.getCurrentScope(), version.getIsolationScope()]
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      current.setClient(client)
      current.setTag("tenant", version.SDK_VERSION)
      isolation.setTag("request", version.SDK_VERSION)
    }),
    () =>
      Effect.sync(() => {
        current.setClient(undefined)
        current.setTag("tenant", undefined)
        isolation.setTag("request", undefined)
      })
  )
  return { client, events }
})

const named = versions.map((version) => [version.SDK_VERSION, version] as const)

describe("of several versions of Sentry in a program", () => {
  it.live.each(named)("the one that has a client is found, with its scopes: %s", ([name, version]) =>
    Effect.gen(function* () {
      // Every version has been used, and has no client.
      versions.forEach((one) => one.getCurrentScope())
      const { events } = yield* initialised(version)
      yield* Effect.provide(report, Sentry.layer())
      assert.lengthOf(events, 1)
      assert.deepNestedInclude(events[0], { "tags.tenant": name, "tags.request": name })
    })
  )

  it.live.each(named)("a given client is used with the scopes of its own: %s", ([name, version]) =>
    Effect.gen(function* () {
      // Others have clients, too.
      for (const other of versions) if (other !== version) yield* initialised(other)
      const { client, events } = yield* initialised(version)
      yield* Effect.provide(report, Sentry.layer({ client }))
      assert.lengthOf(events, 1)
      assert.deepNestedInclude(events[0], { "tags.tenant": name, "tags.request": name })
    })
  )

  it("each has clients of the type that the option has", () => {
    const typed = {
      first10: (client: first10.Client) => Sentry.layer({ client }),
      latest10: (client: latest10.Client) => Sentry.layer({ client }),
      first11: (client: first11.Client | undefined) => Sentry.layer({ client }),
      latest11: (client: core11.Client | undefined) => Sentry.layer({ client })
    }
    assert.lengthOf(Object.keys(typed), versions.length)
  })
})

/** What a program says on stderr that makes its client in some way. */
const said = (way: string, dsn: string) =>
  Effect.callback<ReadonlyArray<string>>((resume) => {
    const file = join(import.meta.dirname, "fixtures/starts.ts")
    const options = ["--disable-warning=ExperimentalWarning", file, way, dsn]
    execFile(process.execPath, options, (error, _, stderr) =>
      resume(error === null ? Effect.succeed(stderr.trim().split("\n")) : Effect.die(error))
    )
  })

const nothingYet = (why: string) =>
  `Sentry.layer sends nothing yet: ${why}. Call Sentry.init with a DSN before the layer is built, or give the layer a client.`
const lost = "1 failure did not reach Sentry"

describe("a layer without a client", () => {
  it.live.each([
    ["none", [nothingYet("no Sentry SDK was initialised"), "built", lost]],
    ["loaded", [nothingYet(`Sentry ${core11.SDK_VERSION} is loaded and was not initialised`), "built", lost]],
    ["no DSN", [nothingYet("the client has no DSN"), "built", lost]],
    ["late", [nothingYet("no Sentry SDK was initialised"), "built"]],
    ["init", ["built"]],
    ["given", ["built"]]
  ] as const)("says so when it starts, and what to do: %s", ([way, lines]) =>
    Effect.gen(function* () {
      const { dsn, events } = yield* receiver
      assert.deepStrictEqual(yield* said(way, dsn), [...lines])
      assert.lengthOf(events, lines.some((line) => line === lost) ? 0 : 1)
    })
  )
})
