/**
 * `explain`: what a retry policy does, for somebody who did not write it.
 */
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Explanation from "../explain/Explanation.ts"
import * as ExplanationText from "../explain/ExplanationText.ts"
import { visible } from "../explain/words.ts"
import * as HostWait from "../service/HostWait.ts"
import { pagePolicy } from "../service/PagePolicy.ts"
import type { ExplainFlags } from "./commands.ts"
import { Problem, whyOf } from "./Problem.ts"
import * as WholeFile from "./WholeFile.ts"

const advice = "docs/policies.md has an example, and packages/retry/README.md says what each field does."

/** A policy, and its name for people. */
interface Named {
  readonly name: string
  readonly policy: RetryPolicy.RetryPolicy
}

/** The policy of a page, whose attempts the fetcher ends. */
const ofService = Effect.gen(function* () {
  const { answerTimeout } = yield* Effect.promise(() => import("../page/Fetcher.ts"))
  const { retries } = HostWait.policyOf(pagePolicy)
  yield* Console.error(
    `no policy given: this is how the service fetches a page; one whose host sends a Retry-After has ${retries} retries`
  )
  return {
    name: "the default policy of the service (with its fetcher's timeout)",
    policy: RetryPolicy.make({ ...pagePolicy, attemptTimeout: answerTimeout })
  } satisfies Named
})

const textOf = Effect.fnUntraced(function* (file: string, name: string) {
  const fs = yield* FileSystem.FileSystem
  const { stdin } = yield* Stdio.Stdio
  const problem = Effect.mapError(
    (error: PlatformError) => new Problem({ wrong: `cannot read ${name}: ${whyOf(error)}.`, advice })
  )
  if (file === "-") return yield* problem(Stream.mkString(Stream.decodeText(stdin)))
  const { type } = yield* problem(fs.stat(file))
  if (type === "Directory") return yield* new Problem({ wrong: `cannot read ${name}: it is a folder.`, advice })
  return yield* problem(fs.readFileString(file))
})

/** The policy in a JSON file; what is wrong with it is named, with the place. */
const read = Effect.fnUntraced(function* (file: string) {
  const name = file === "-" ? "standard input" : visible(file)
  const text = yield* textOf(file, name)
  const json = yield* Effect.try({
    try: (): unknown => JSON.parse(text),
    catch: (error) => new Problem({ wrong: `${name} is no JSON: ${oneLine(error)}.`, advice })
  })
  const policy = yield* Effect.mapError(
    RetryPolicy.fromJson(json),
    (error) => new Problem({ wrong: `${name} has a wrong policy: ${oneLine(error)}.`, advice })
  )
  return { name, policy } satisfies Named
})

const oneLine = (error: unknown): string =>
  visible((error instanceof Error ? error.message : String(error)).trim().replace(/\s*\n\s*/g, "; "))

/** The files that were asked for, before there is anything to write. */
const files = Effect.fnUntraced(function* ({ html, svg }: ExplainFlags) {
  const path = yield* Path.Path
  const [page, picture] = [Option.getOrUndefined(html), Option.getOrUndefined(svg)]
  if (page !== undefined && picture !== undefined && path.resolve(page) === path.resolve(picture)) {
    return yield* new Problem({
      wrong: `${page} cannot be both the page and the picture.`,
      advice: "Give --html and --svg a file each."
    })
  }
  return {
    page: page === undefined ? undefined : yield* WholeFile.open(page, "--html"),
    picture: picture === undefined ? undefined : yield* WholeFile.open(picture, "--svg")
  }
})

const write = (to: WholeFile.WholeFile, text: string, file: Option.Option<string>) =>
  Effect.andThen(
    Effect.andThen(to.append(text), to.end),
    Console.error(`wrote ${visible(Option.getOrElse(file, () => ""))}`)
  )

/** What one client can plausibly call, and a simulation can show. */
const mostOfClient = 100

export const explain = Effect.fnUntraced(function* (flags: ExplainFlags) {
  if (flags.rate > mostOfClient * flags.clients) {
    return yield* new Problem({
      wrong: `${flags.rate} calls a second are more than ${mostOfClient} for each client.`,
      advice: "Give more --clients, or a lower --rate."
    })
  }
  const { name, policy } = yield* Option.match(flags.policy, { onNone: () => ofService, onSome: read })
  const { page, picture } = yield* files(flags)
  const explanation = yield* Explanation.make(policy, {
    name,
    clients: flags.clients,
    callsPerSecond: flags.rate,
    outage: flags.outage
  })
  yield* Console.log(flags.json ? JSON.stringify(explanation, null, 2) : ExplanationText.lines(explanation).join("\n"))
  if (page === undefined && picture === undefined) return
  // A terminal needs no views, which take a while to load.
  const { document } = yield* Effect.promise(() => import("../explain/ExplanationPage.ts"))
  const { svg } = yield* Effect.promise(() => import("../explain/pictures.ts"))
  if (page !== undefined) yield* write(page, document(explanation), flags.html)
  if (picture !== undefined) yield* write(picture, svg(explanation), flags.svg)
})
