/** A crawl service with its page, open to this machine. Tells its URL; then, whenever it is asked, what it takes. */
import process from "node:process"
import * as Service from "@redrive/crawler/src/service/Service.ts"
import * as Incidents from "@redrive/crawler/src/service/Incidents.ts"
import * as Web from "@redrive/crawler/src/watch/Web.ts"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"

/** What the process takes: bytes, and seconds of all its threads. */
export interface Usage {
  readonly rss: number
  readonly heap: number
  readonly cpu: number
}

const [database = ":memory:"] = process.argv.slice(2)
const runtime = ManagedRuntime.make(
  Service.layer({
    allowPrivate: true,
    database,
    page: Web.make({ isOpen: true, operatorKey: Redacted.make("bench") }),
    alerts: Incidents.layer<never>({})
  })
)
const { url } = await runtime.runPromise(Service.Service.use(Effect.succeed))
process.on("message", () => {
  globalThis.gc?.()
  const { heapUsed: heap, rss } = process.memoryUsage()
  const { system, user } = process.cpuUsage()
  process.send?.({ rss, heap, cpu: (system + user) / 1e6 } satisfies Usage)
})
process.send?.(url)
