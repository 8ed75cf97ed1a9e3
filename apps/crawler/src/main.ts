/**
 * The command line: `crawl`, `serve`, `config`, `accounts`, `demo`, `rules`, `dashboard`, `alerts`, `durable` and `explain`.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { command } from "./cli/commands.ts"
import * as Problem from "./cli/Problem.ts"
import { version } from "./cli/version.ts"
import { secondEndsAtOnce, teardown } from "./cli/Signals.ts"

secondEndsAtOnce.pipe(
  Effect.andThen(Command.run(command, { version })),
  Effect.tapCause(Problem.show),
  Effect.provide(Layer.merge(Problem.layerPresenter, NodeServices.layer)),
  NodeRuntime.runMain({ disableErrorReporting: true, teardown })
)
