/**
 * Extracts pages in worker threads, each within a bound of time and memory: a page that is slow to convert must not keep the API waiting,
 * and one that would fill the memory must not end the process.
 */
import { availableParallelism } from "node:os"
import * as ItemError from "@redrive/core/ItemError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import { Piscina } from "piscina"
import * as Bounds from "./Bounds.ts"
import type * as Extract from "./Extract.ts"
import type * as ExtractWorker from "./ExtractWorker.ts"
import type * as Fetcher from "./Fetcher.ts"

/** Bounds of the extraction. */
export interface Options {
  /** The pages that are converted at a time, each in a thread of its own. Default: one less than there are processors, 1 to 4. */
  readonly threads?: number | undefined
  /** The time that one page may take. Default: 10 seconds. */
  readonly timeout?: Duration.Input | undefined
  /** The memory that one page may take, in MiB. Default: 256. */
  readonly memory?: number | undefined
}

export class Extractor extends Context.Service<
  Extractor,
  {
    /** A page's content. One that goes beyond a bound fails as `too_large`. */
    readonly extract: (
      page: Fetcher.Page,
      options?: Extract.Options
    ) => Effect.Effect<Extract.Content, ItemError.Reason>
  }
>()("@redrive/crawler/page/Extractor") {}

/** What a thread may put on its stack, in MiB: pages are as deep as they like. */
const stack = 16

/** How long a thread waits for another page. */
const idle = Duration.toMillis("30 seconds")

const make = Effect.fnUntraced(function* (options: Options) {
  const {
    memory = 256,
    threads = Math.min(4, Math.max(1, availableParallelism() - 1)),
    timeout = "10 seconds"
  } = options
  const pool = yield* Effect.acquireRelease(
    Effect.sync(
      () =>
        new Piscina<ExtractWorker.Task, Extract.Content>({
          filename: new URL("./ExtractWorker.ts", import.meta.url).href,
          minThreads: 0,
          maxThreads: threads,
          idleTimeout: idle,
          // A thread that waits for its next page in a system call could not be ended in time.
          atomics: "disabled",
          execArgv: ["--disable-warning=ExperimentalWarning"],
          resourceLimits: { maxOldGenerationSizeMb: memory, stackSizeMb: stack }
        })
    ),
    (pool) => Effect.promise(() => pool.destroy())
  )
  // The time begins with the page's turn.
  const turns = yield* Semaphore.make(threads)
  const extract = ({ status, text, type, url }: Fetcher.Page, options: Extract.Options = {}) =>
    turns.withPermit(
      Effect.tryPromise({
        // A signal that aborts ends the thread.
        try: (signal) => pool.run({ text, type, url, options }, { signal }),
        catch: (cause) => reasonOf(cause, status)
      }).pipe(Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(tooLarge(status)) }))
    )
  return Extractor.of({ extract })
})

const tooLarge = (status: number, cause?: unknown) =>
  new ItemError.HostReturnedError({ status, detail: "too_large", cause })

const reasonOf = (cause: unknown, status: number): ItemError.Reason =>
  isTooLarge(cause) ? tooLarge(status, cause) : new ItemError.InternalError({ detail: "defect", cause })

const isTooLarge = (cause: unknown): boolean =>
  cause instanceof Error &&
  (cause.message === Bounds.tooLarge || ("code" in cause && cause.code === "ERR_WORKER_OUT_OF_MEMORY"))

export const layer = (options: Options = {}): Layer.Layer<Extractor> => Layer.effect(Extractor, make(options))
