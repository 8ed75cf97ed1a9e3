import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as ClusterWorkflowEngine from "effect/cluster/ClusterWorkflowEngine"
import * as SingleRunner from "effect/cluster/SingleRunner"
import * as Digest from "effect/crypto/Digest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Workflow from "effect/workflow/Workflow"

const Fetch = Workflow.make("Fetch", {
  payload: { url: Schema.String },
  success: Schema.String,
  error: ItemError.ItemError,
  idempotencyKey: ({ url }) => url
})

const failure = (url: string) =>
  new ItemError.ItemError({
    url,
    itemId: "i1",
    jobId: "j1",
    reason: new ItemError.HostReturnedError({ status: 503, retryAfter: Duration.seconds(30), cause: new Error("busy") })
  })

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "redrive-workflow-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

/** An engine that keeps its workflows in a database. */
const engine = (filename: string) =>
  ClusterWorkflowEngine.layer.pipe(
    Layer.provideMerge(
      SingleRunner.layer({ runnerStorage: "sql", shardingConfig: { entityMessagePollInterval: "50 millis" } })
    ),
    Layer.provideMerge(Sqlite.layer({ filename })),
    Layer.provide(Digest.layerWebCrypto)
  )

it.live("a failure that a durable workflow ended with is the same to another process", () =>
  Effect.gen(function* () {
    const filename = join(yield* folder, "workflows.sqlite")
    const url = "https://example.com/a"
    let runs = 0
    const running = Fetch.toLayer((payload) =>
      Effect.suspend(() => {
        runs++
        return Effect.fail(failure(payload.url))
      })
    )
    // Each provides an engine of its own: what the second one knows, it has from the database.
    const executed = Fetch.execute({ url }).pipe(
      Effect.exit,
      Effect.provide(running.pipe(Layer.provideMerge(engine(filename))), { local: true })
    )
    for (const exit of [yield* executed, yield* executed]) {
      const error = Exit.isFailure(exit) ? Exit.findErrorOption(exit) : assert.fail("it succeeded")
      assert.isTrue(error._tag === "Some" && error.value instanceof ItemError.ItemError)
      if (error._tag === "None") continue
      const { itemId, jobId, message, verdict } = error.value
      assert.deepStrictEqual({ itemId, jobId, message }, { itemId: "i1", jobId: "j1", message: failure(url).message })
      assert.deepStrictEqual(verdict, failure(url).verdict)
    }
    assert.strictEqual(runs, 1)
  })
)
