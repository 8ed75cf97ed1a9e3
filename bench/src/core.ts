/** What naming a failure costs: making an error, classifying what was thrown, reading a job, reporting a cause. */
import * as Classify from "@redrive/core/Classify"
import * as Failure from "@redrive/core/Failure"
import * as ItemError from "@redrive/core/ItemError"
import * as Report from "@redrive/core/Report"
import * as Judge from "@redrive/core/Judge"
import * as Wire from "@redrive/core/Wire"
import * as Cause from "effect/Cause"
import { jobOf } from "./jobs.ts"
import { report } from "./measure.ts"

const url = "https://example.com/a?token=t"
const make = () => new ItemError.ItemError({ url, reason: new ItemError.HostReturnedError({ status: 503 }) })

const socket = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", syscall: "read" })
const thrown = new TypeError("fetch failed", { cause: new AggregateError([socket]) })
const headers = { "retry-after": "30" }

const json = jobOf(1000)

const failed = Cause.fail(
  new ItemError.ItemError({ url, jobId: "j1", itemId: "i1", reason: new ItemError.InternalError({ cause: thrown }) })
)
const prebuilt = make()

await report("core.md", "What naming a failure costs", [
  { path: "make an error", name: "new Error", run: () => new Error("x"), bytes: true },
  { path: "make an error", name: "ItemError with a reason", run: make, bytes: true },
  { path: "make an error", name: "the same without stacks", run: () => Failure.withoutStack(make), bytes: true },
  { path: "name what happened", name: "new Error", run: () => new Error("x"), bytes: true },
  { path: "name what happened", name: "Classify.thrown, three deep", run: () => Classify.thrown(thrown), bytes: true },
  {
    path: "name what happened",
    name: "Classify.answered, 503 with Retry-After",
    run: () => Classify.answered({ status: 503, headers }, 0),
    bytes: true
  },
  {
    path: "name what happened",
    name: "Judge.verdictOf an ItemError",
    run: () => Judge.verdictOf(prebuilt),
    bytes: true
  },
  { path: "read a job of 1,000 items", name: "JSON.parse", run: () => JSON.parse(json) as unknown, bytes: true },
  {
    path: "read a job of 1,000 items",
    name: "and Wire.readJob",
    run: () => Wire.readJob(JSON.parse(json)),
    bytes: true
  },
  { path: "report a failure", name: "new Error", run: () => new Error("x"), bytes: true },
  { path: "report a failure", name: "Report.fromCause, four deep", run: () => Report.fromCause(failed), bytes: true },
  {
    path: "report a failure",
    name: "JSON.stringify of the report",
    run: () => JSON.stringify(Report.fromCause(failed)),
    bytes: true
  }
])
