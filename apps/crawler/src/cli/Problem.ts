/**
 * What is told to a person whose command did not work: one line that says what is wrong and what to do.
 */
import type * as JobError from "@redrive/core/JobError"
import * as Cause from "effect/Cause"
import type * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { PlatformError } from "effect/PlatformError"
import * as Predicate from "effect/Predicate"
import * as Runtime from "effect/Runtime"

/** `wrong` and `advice` are sentences. `exitCode` is the process's: 1, or 2 for what `--strict` objects to. */
export class Problem extends Data.TaggedError("Problem")<{
  readonly wrong: string
  readonly advice: string
  readonly exitCode?: 1 | 2
}> {
  override readonly [Runtime.errorExitCode] = this.exitCode ?? 1

  override get message(): string {
    return `${this.wrong} ${this.advice}`
  }
}

/** What went wrong, as a line for a person; a defect of ours keeps its stack. */
export const show = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  const failure = Cause.squash(cause)
  // The presenter has shown what is wrong with an invocation.
  if (Cause.hasInterruptsOnly(cause) || Predicate.isTagged(failure, "ShowHelp")) return Effect.void
  return Console.error(failure instanceof Problem ? `error: ${failure.message}` : Cause.pretty(cause))
}

/** An invocation that cannot be read is a line too, and points at the help instead of printing it. */
export const layerPresenter = CliOutput.layerPresenter({
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? // One wrong word may be read as several; the first one says where to look.
        Effect.forEach(event.errors.slice(0, 1), (error) =>
          Console.error(`error: ${sentence(error)} --help lists what there is.`)
        )
      : CliOutput.defaultPresenter.present(event)
})

/** Why a file or a folder cannot be used, in words. */
export const whyOf = ({ reason }: PlatformError): string => reasons[reason._tag] ?? reason._tag

const reasons: { readonly [tag: string]: string } = {
  AlreadyExists: "something of that name is there already",
  BadResource: "a part of the path is a file where there must be a folder, or a folder where there must be a file",
  Busy: "it is busy",
  NotFound: "there is no such folder or file",
  PermissionDenied: "permission denied",
  Unknown: "the system refuses it"
}

const sentence = (error: CliError.NonShowHelpErrors): string => {
  const line = error.message.replace(/\s*\n\s*/g, " ").trim()
  return /[.?!]$/.test(line) ? line : `${line}.`
}

const advice: { readonly [Tag in JobError.Reason["_tag"]]: string } = {
  InsufficientBalance: "Top up the account, or ask for fewer pages with --items-limit.",
  InvalidRequest: "Correct it and try again.",
  InternalError: "Try again later; the service's log says more.",
  Unauthorized: "Give the account's key with --api-key or in REDRIVE_API_KEY.",
  JobNotFound: "Check that --api names the service that made the job.",
  ApiThrottled: "Try again later.",
  ApiUnreachable: "Check that --api is right and that the service runs.",
  MalformedResponse: "Check that --api is the address of a crawl API.",
  Unrecognized: "See the service's documentation for this code."
}

/** A job that could not run. */
export const ofJob = (error: JobError.JobError): Problem =>
  new Problem({
    wrong: `the job could not run: ${error.code}: ${error.lastError}${error.jobId === undefined ? "" : ` (job ${error.jobId})`}.`,
    advice: advice[error.reason._tag]
  })
