/**
 * The file of `--report`: made from a crawl as it ended, or from as much of it as is known.
 */
import process from "node:process"
import * as JobError from "@redrive/core/JobError"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import * as Stdio from "effect/Stdio"
import * as CommandLine from "../report/CommandLine.ts"
import * as LeftOut from "../report/LeftOut.ts"
import type { Policy } from "../report/Report.ts"
import type { Stories as Told } from "../report/Tell.ts"
import { pagePolicy } from "../service/PagePolicy.ts"
import type { CrawlFlags } from "./commands.ts"
import { Problem } from "./Problem.ts"
import type { Run } from "./Run.ts"
import { version } from "./version.ts"
import * as WholeFile from "./WholeFile.ts"

/** What the service of a crawl tells of the pages of its jobs. Default: nothing, as a service elsewhere. */
export const Stories = Context.Reference<
  (jobIds: ReadonlyArray<string>) => Effect.Effect<Option.Option<NonNullable<Told>>>
>("@redrive/crawler/cli/ReportFile/Stories", { defaultValue: () => () => Effect.succeedNone })

export interface ReportFile {
  /** Writes how far a crawl came. */
  readonly write: (run: Run) => Effect.Effect<void, Problem>
  /** Hears of the links that the crawl's own service does not follow. */
  readonly leaveOut: LeftOut.LeftOut["see"]
  /** Writes what is known of a crawl that ended before its time, with the reason. */
  readonly ended: (cause: Cause.Cause<unknown>) => Effect.Effect<void, Problem>
}

/** Makes sure that the file can be written, and begins to simulate the policy, which takes a while. */
export const open = Effect.fnUntraced(function* (
  file: string,
  flags: CrawlFlags,
  redrivePolicy: RetryPolicy.RetryPolicy
) {
  const path = yield* Path.Path
  if (Option.isSome(flags.json) && path.resolve(flags.json.value) === path.resolve(file)) {
    return yield* new Problem({
      wrong: `${file} cannot be both the report and the JSON file.`,
      advice: "Give --report and --json a file each."
    })
  }
  const to = yield* WholeFile.open(file, "--report")
  const policy = yield* Effect.forkScoped(policyOf(flags, redrivePolicy))
  const args = yield* (yield* Stdio.Stdio).args
  const secrets = [Redacted.value(flags.apiKey)].filter((key) => key.length >= mostGuessable)
  const command = CommandLine.shown("redrive", args, secrets)
  const leftOut = LeftOut.make()
  let known: { readonly run: Run; readonly stories: Told } | undefined
  const save = Effect.fnUntraced(function* (stopped: ReadonlyArray<string>) {
    const [now, shown, { Render, Tell }] = [yield* Clock.currentTimeMillis, yield* Fiber.join(policy), yield* views]
    const told = Option.isSome(flags.api) ? {} : { leftOut, isResumed: flags.resume }
    const facts = { now, program, command, policy: shown, stopped, ...told }
    const report = known === undefined ? Tell.ofNothing(flags.url, facts) : Tell.of(known.run, known.stories, facts)
    yield* to.append(Render.html(report))
    yield* to.end
  })
  return {
    leaveOut: leftOut.see,
    write: Effect.fnUntraced(function* (run) {
      const stories = yield* yield* Effect.map(Stories, (of) => of(run.jobs.map(({ id }) => id)))
      known = { run, stories: Option.getOrUndefined(stories) }
      yield* save(stoppedOf(run))
    }),
    ended: (cause) => {
      const error = Cause.squash(cause)
      if (JobError.isJobError(error)) return save([`${error.code}: ${error.lastError}.`])
      return Cause.hasInterruptsOnly(cause) && known === undefined
        ? save(["It was interrupted before a job was created."])
        : Effect.void
    }
  } satisfies ReportFile
})

/** A shorter key is one that everybody knows, such as `local`: it would be found in other words too. */
const mostGuessable = 8

const program = `redrive ${version}, Node.js ${process.versions.node}`

/** A crawl without a report needs no views. */
const views = Effect.promise(async () => ({
  Render: await import("../report/Render.ts"),
  Tell: await import("../report/Tell.ts")
}))

const policyOf = Effect.fnUntraced(function* ({ api, rounds }: CrawlFlags, redrivePolicy: RetryPolicy.RetryPolicy) {
  const again = { rounds: rounds === 0 ? [] : RetryPolicy.describe(redrivePolicy) }
  if (Option.isSome(api)) return again satisfies Policy
  const { viewOf } = yield* Effect.promise(() => import("../watch/Policies.ts"))
  return { ...again, pages: yield* viewOf(pagePolicy) } satisfies Policy
})

const stoppedOf = ({ error, isCut, jobs }: Run): ReadonlyArray<string> => {
  if (error !== undefined) return ["pages that were found later are missing, and no failed page was tried again."]
  if (isCut) return ["the crawl was interrupted; this is how far it came."]
  return jobs[0].status === "cancelled" ? ["the job was cancelled."] : []
}
