/**
 * Shows what a crawl came to, and writes what it paid for.
 */
import type * as Job from "@redrive/core/Job"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type * as JsonFile from "./JsonFile.ts"
import type * as Output from "./Output.ts"
import { Problem } from "./Problem.ts"
import type * as ReportFile from "./ReportFile.ts"
import type * as Progress from "./Progress.ts"
import type * as Run from "./Run.ts"
import * as RunWire from "./RunWire.ts"
import * as Summary from "./Summary.ts"
import * as Texts from "./Texts.ts"

/** The API that a crawl uses. */
export class Api extends Context.Service<Api, Texts.Options>()("@redrive/crawler/cli/Keep/Api") {}

/** What pages are written to, and whether the addresses of their texts outlive the crawl. */
export interface Keeping {
  readonly output: Option.Option<Output.Output>
  readonly json: Option.Option<JsonFile.JsonFile>
  readonly report: Option.Option<ReportFile.ReportFile>
  readonly progress: Progress.Progress
  readonly isServed: boolean
}

/** Prints what a crawl came to, and writes its pages. Texts that cannot be had are a problem only after all others are written. */
export const keeping = ({ isServed, json, output, progress, report }: Keeping) =>
  Effect.fnUntraced(function* (run: Run.Run) {
    progress.clear()
    yield* Console.log(Summary.lines(run).join("\n"))
    // A report has no texts, which may take long.
    if (Option.isSome(report)) yield* report.value.write(run)
    if (Option.isNone(json) && Option.isNone(output)) return
    yield* write(json, ({ begin }) => begin({ ...RunWire.outcome(run), jobs: RunWire.jobs(run, isServed) }))
    const missing: Array<Texts.Missing> = []
    yield* Stream.runForEach(
      Texts.of(doneOf(run), yield* Api),
      Result.match({
        onFailure: (one) => Effect.sync(() => void missing.push(one)),
        onSuccess: (page) =>
          Effect.andThen(
            write(output, (to) => to.page(page)),
            write(json, (to) => to.page({ ...RunWire.pageOf(page.item), markdown: page.markdown }))
          )
      })
    )
    yield* write(output, ({ index }) => index(run))
    yield* write(json, ({ end }) => end)
    return missingOf(missing)
  })

const write = <A>(to: Option.Option<A>, how: (to: A) => Effect.Effect<void, Problem>) =>
  Option.isSome(to) ? how(to.value) : Effect.void

/** The pages that were paid for, each once. */
const doneOf = (run: Run.Run): ReadonlyArray<Job.Item> => {
  const items = new Map<string, Job.Item>()
  for (const item of run.jobs.flatMap(({ items }) => items)) {
    if (item.status === "done" && !items.has(item.url)) items.set(item.url, item)
  }
  return [...items.values()]
}

const missingOf = ([first, ...more]: ReadonlyArray<Texts.Missing>): Problem | undefined =>
  first === undefined
    ? undefined
    : new Problem({
        wrong: `the text of ${first.item.url} could not be had${more.length > 0 ? `, nor ${more.length} more` : ""}: ${first.why}.`,
        advice: "The same command with --resume tries again."
      })
