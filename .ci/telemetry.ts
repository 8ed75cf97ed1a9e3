// What the retry engine reports and counts, heard from the engine itself: each event's log line, and each counter.
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"

const module = (name: string) => import(pathToFileURL(join(import.meta.dirname, "../packages", name)).href)
const ItemError: typeof import("../packages/core/src/ItemError.ts") = await module("core/src/ItemError.ts")
const JobError: typeof import("../packages/core/src/JobError.ts") = await module("core/src/JobError.ts")
const Observer: typeof import("../packages/core/src/Observer.ts") = await module("core/src/Observer.ts")
const Log: typeof import("../packages/log/src/Log.ts") = await module("log/src/Log.ts")
const Redrive: typeof import("../packages/retry/src/Redrive.ts") = await module("retry/src/Redrive.ts")
const Retry: typeof import("../packages/retry/src/Retry.ts") = await module("retry/src/Retry.ts")
const RetryPolicy: typeof import("../packages/retry/src/RetryPolicy.ts") = await module("retry/src/RetryPolicy.ts")

const backoff = { base: Duration.seconds(1), cap: Duration.seconds(1), jitter: "none" } as const

const fails = (status: number) =>
  new ItemError.ItemError({ url: "https://shop.example/", reason: new ItemError.HostReturnedError({ status }) })
const unpaid = new JobError.JobError({ operation: "create", reason: new JobError.InsufficientBalance() })

/** Succeeds at the second attempt. */
const flaky = (failure: Effect.Effect<never, unknown>) => {
  let attempts = 0
  return Effect.suspend(() => (++attempts === 1 ? failure : Effect.void))
}

/** A program for each event. */
const programs: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
  flaky(Effect.fail(fails(503))).pipe(Retry.retry(RetryPolicy.make({ steady: backoff }), { name: "price" })),
  Effect.fail(fails(404)).pipe(
    Retry.retry(RetryPolicy.make(), { name: "price" }),
    Retry.fallback(() => Effect.void)
  ),
  flaky(Effect.fail(fails(503))).pipe(
    Retry.retry(
      RetryPolicy.make({ steady: backoff, breaker: { trip: { _tag: "Consecutive", failures: 1 }, openFor: backoff } }),
      {
        name: "price",
        key: "shop.example"
      }
    )
  ),
  flaky(Effect.fail(unpaid)).pipe(
    Retry.retry(RetryPolicy.make({ parking: { probe: backoff } }), { name: "start", key: "account" })
  ),
  Effect.sleep("2 seconds").pipe(
    Retry.retry(RetryPolicy.make({ hedge: { after: "1 second", share: 1 } }), { name: "page" })
  ),
  Redrive.run([{ item: "/a", error: fails(503) }], {
    policy: RetryPolicy.make({ steady: backoff }),
    each: () => Effect.void
  })
]

const heard = Effect.gen(function* () {
  const tags: Array<string> = []
  const lines: Array<readonly [level: string, message: string]> = []
  const format = ({ level, message }: { readonly level: string; readonly message: string }) => {
    lines.push([level, message])
    return ""
  }
  const adapters = Layer.merge(
    Log.layer({ stream: { write: () => true }, format }),
    Observer.layer({ event: ({ _tag }) => void tags.push(_tag) })
  )
  const all = Effect.forEach(programs, (program) => Effect.ignore(program)).pipe(
    Effect.provide(adapters),
    Effect.provideService(References.MinimumLogLevel, "All")
  )
  const fiber = yield* Effect.forkChild(all)
  yield* TestClock.adjust("1 minute")
  yield* Effect.yieldNow
  if (fiber.pollUnsafe() === undefined) yield* Effect.die("the programs have not ended")
  if (tags.length !== lines.length) yield* Effect.die("an event has no log line")
  const rows = new Map(tags.map((tag, at) => [tag, [`\`${tag}\``, ...(lines[at] ?? [])]] as const).toReversed())
  const counted = new Map(
    (yield* Metric.snapshot).map(({ description = "", id }) => [id, [`\`${id}\``, description]] as const)
  )
  return {
    events: [...rows.values()].toSorted(([one = ""], [other = ""]) => one.localeCompare(other)),
    counters: [...counted.values()].toSorted(([one], [other]) => one.localeCompare(other))
  }
}).pipe(Effect.provideService(Metric.MetricRegistry, new Map()), Effect.provide(TestClock.layer()), Effect.runPromise)

/** Each event's tag, and the level and text of its log line. */
export const events: Promise<ReadonlyArray<ReadonlyArray<string>>> = heard.then((all) => all.events)

/** Each counter's name, and what it counts. */
export const counters: Promise<ReadonlyArray<ReadonlyArray<string>>> = heard.then((all) => all.counters)
