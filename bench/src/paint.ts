/** When a browser paints the views of `serve --demo` for the first time: by its own paint timing, with an empty cache and with a full one. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { availableParallelism, loadavg, tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { createInterface } from "node:readline"
import { browser } from "@redrive/crawler/test/watch/browser.ts"
import * as Effect from "effect/Effect"
import { table, write } from "./measure.ts"

const rounds = 5

const main = join(import.meta.dirname, "../../apps/crawler/src/main.ts")

/** The demo, with the address that it prints. */
const demo = Effect.acquireRelease(
  Effect.promise(async () => {
    const child = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", main, "serve", "--demo", "--port", "0"],
      { cwd: tmpdir(), stdio: ["ignore", "pipe", "ignore"] }
    )
    for await (const line of createInterface(child.stdout)) {
      const url = /^watch it on (\S+)/.exec(line)?.[1]
      if (url === undefined) continue
      child.stdout.resume()
      return { child, url }
    }
    throw new Error("the demo has ended without an address")
  }),
  ({ child }) =>
    Effect.promise(async () => {
      const exit = once(child, "exit")
      child.kill()
      await exit
    })
)

interface Shown {
  readonly jobs: ReadonlyArray<{ readonly id: string; readonly failed: number }>
  /** Of a job. */
  readonly stories?: ReadonlyArray<{ readonly id: string; readonly story: ReadonlyArray<unknown> }>
}

const read = (url: URL) =>
  Effect.promise(async (): Promise<Shown> => {
    const response = await fetch(url, { headers: { accept: "application/json" } })
    return (await response.json()) as Shown
  })

/** The views that are opened, once the demo has something to show. */
const viewsOf = Effect.fnUntraced(function* (url: string) {
  for (;;) {
    const { jobs } = yield* read(new URL(url))
    const id = jobs.toSorted((one, other) => other.failed - one.failed)[0]?.id ?? ""
    const { stories = [] } = yield* read(new URL(`/jobs/${id}`, url))
    const tried = stories.find(({ story }) => story.length > 1)
    if (tried !== undefined)
      return [
        // It has no script and little else: what any page takes here.
        ["sign in", "/sign-in"],
        ["overview", "/"],
        ["a job", `/jobs/${id}`],
        ["a page", `/jobs/${id}/items/${tried.id}`],
        ["pages that failed", "/items?status=failed"],
        ["pages that go again", "/items?next=1h"]
      ] as const
    yield* Effect.sleep("200 millis")
  }
})

/** Milliseconds since the browser went to the address. */
interface Times {
  /** When the whole answer of the service was there. */
  readonly answer: number
  readonly paint: number
}

const timing = `new Promise((found) => new PerformanceObserver((list) => {
  const paint = list.getEntriesByName("first-contentful-paint")[0]
  if (paint === undefined) return
  const [navigation] = performance.getEntriesByType("navigation")
  found({ answer: navigation.responseEnd, paint: paint.startTime })
}).observe({ type: "paint", buffered: true }))`

/** Opens an address twice in a new profile: with an empty cache, then with a full one. */
const visit = (chromium: Effect.Success<typeof browser>, url: string) =>
  Effect.promise(async (): Promise<readonly [cold: Times, warm: Times]> => {
    const context = await chromium.newContext()
    const page = await context.newPage()
    const times = async () => {
      // A page without end of its events is never idle, and need not be.
      await page.goto(url, { waitUntil: "load" })
      return page.evaluate<Times>(timing)
    }
    const cold = await times()
    const warm = await times()
    await context.close()
    return [cold, warm]
  })

const median = (values: ReadonlyArray<number>): string =>
  (values.toSorted((one, other) => one - other)[values.length >> 1] ?? NaN).toFixed(0)

const measured = Effect.gen(function* () {
  const { url } = yield* demo
  const views = yield* viewsOf(url)
  const chromium = yield* browser
  // The first page of all waits for the browser's own start.
  yield* visit(chromium, url)
  const found = views.map(() => Array<readonly [cold: Times, warm: Times]>())
  for (let round = 0; round < rounds; round++)
    for (const [index, [, path]] of views.entries()) found[index]?.push(yield* visit(chromium, new URL(path, url).href))
  const rows = views.map(([name], index) => {
    const [cold, warm] = [0, 1].map((which) => (found[index] ?? []).flatMap((both) => both[which] ?? []))
    const paints = [cold, warm].flatMap((times = []) => [
      median(times.map(({ answer }) => answer)),
      median(times.map(({ paint }) => paint)),
      Math.max(...times.map(({ paint }) => paint)).toFixed(0)
    ])
    return [name, ...paints]
  })
  const head = [
    "view",
    ...["empty cache", "full cache"].flatMap((how) => [`${how}: answered`, "painted", "painted, at most"])
  ]
  return [chromium.version(), table(head, 1, rows)] as const
})

const [load = NaN] = loadavg()
const [version, body] = await Effect.runPromise(Effect.scoped(measured))
write(
  "paint.md",
  "The first paint of the live page",
  `Chromium ${version}; \`serve --demo\` and the browser on the same machine, whose ${availableParallelism()} cores had a load of ${load.toFixed(1)} before. Milliseconds from going to an address to the end of its answer and to the first contentful paint, the median of ${rounds} visits. Aim: painted within 200 ms.`,
  body
)
