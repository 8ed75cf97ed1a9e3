/**
 * What a retry policy does, as plain data: its delays, its worst case, what an outage makes of it, and what to object to.
 *
 * The policy itself computes everything, on virtual time and with fixed seeds, so the same policy has the same explanation. All times are in
 * milliseconds. It survives JSON. Texts of a policy's file, such as the codes of overrides, are as `visible` makes them.
 */
import * as Verdict from "@redrive/core/Verdict"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Fleet } from "./fleet.ts"
import * as Outage from "./outage.ts"
import * as Series from "./series.ts"
import * as Warnings from "./warnings.ts"
import { count, retries, visible } from "./words.ts"
import * as Worst from "./worst.ts"

/** The delays after failures of one pace; `server` are those of a server that throttles, if they have a backoff of their own. */
export interface Pace {
  readonly pace: Verdict.Pace | "server"
  /** The first retries. */
  readonly retries: ReadonlyArray<Series.Retry>
  /** How many more the policy allows. */
  readonly more: number
}

/** A rule for one code. */
export interface Override {
  readonly code: string
  /** The rule in words. */
  readonly rule: string
  /** The most attempts of a call that fails so, and the longest time that they take, attempts that fail at once. */
  readonly attempts: number
  readonly lasts: number
}

/** What a policy does. */
export interface Explanation {
  /** The policy's name for people, such as its file. */
  readonly name: string
  /** The settings in effect, one line per strategy. */
  readonly settings: ReadonlyArray<string>
  readonly warnings: ReadonlyArray<Warnings.Warning>
  /** The longest that a call may take; `null` if nothing ends it. */
  readonly longest: number | null
  readonly paces: ReadonlyArray<Pace>
  /** The longest Retry-After that a call waits for. */
  readonly retryAfter: { readonly longest: number; readonly isCutByDeadline: boolean }
  readonly overrides: ReadonlyArray<Override>
  /** How many more overrides there are. */
  readonly moreOverrides: number
  readonly worst: ReadonlyArray<Worst.Worst>
  readonly outage: Outage.Outage
  /** The policy as JSON, its defaults filled in. */
  readonly policy: unknown
}

/** What an explanation needs besides the policy. */
export interface Options extends Fleet {
  /** The policy's name for people. Default: `the policy`. */
  readonly name?: string | undefined
}

/** Overrides that are shown. */
const shown = 30

const paceNames = ["quick", "steady", "slow"] as const

const paces = (policy: RetryPolicy.RetryPolicy): ReadonlyArray<Pace> => {
  const of = (pace: Pace["pace"], verdict: Verdict.Verdict): Pace => {
    const made = Series.of(policy, verdict)
    return { pace, retries: made, more: made.length < Series.shown ? 0 : policy.retries - made.length }
  }
  return [
    ...paceNames.map((pace) => of(pace, Verdict.transient(pace))),
    ...(policy.server === undefined ? [] : [of("server", Verdict.throttled())])
  ]
}

const ruleOf = (override: RetryPolicy.RetryPolicy["overrides"][string]): string => {
  if (override.giveUp === true) return "given up at once"
  const most = override.retries === undefined ? [] : [`${retries(override.retries)} at most`]
  return [...most, ...(override.backoff === undefined ? [] : ["waits of its own"])].join(", ")
}

/** An override's worst case, of whichever pace its verdict has. */
const overrides = (policy: RetryPolicy.RetryPolicy): ReadonlyArray<Override> =>
  Object.entries(policy.overrides)
    .slice(0, shown)
    .map(([key, override]) => {
      const [code = key, ...detail] = key.split("/")
      const failed = { code, ...(detail.length > 0 && { detail: detail.join("/") }) }
      const all = paceNames.map((pace) => Worst.bound(policy, { ...failed, verdict: Verdict.transient(pace) }, 0))
      return {
        code: visible(key),
        rule: ruleOf(override),
        attempts: Math.max(...all.map(({ attempts }) => attempts)),
        lasts: Math.max(...all.map(({ lasts }) => lasts))
      }
    })

/** The longest of all cases. A deadline that ends some calls may end any: a shorter wait can lead to a longer call. */
const longestOf = (
  { deadline }: RetryPolicy.RetryPolicy,
  paces: ReadonlyArray<Pace>,
  cases: ReadonlyArray<Pick<Worst.Worst, "lasts"> & { readonly because?: Worst.Worst["because"] }>
): number | null => {
  const isEnded =
    cases.some(({ because }) => because === "deadline") ||
    paces.some(({ retries }) => retries.some(({ reached }) => reached < 1))
  return deadline !== undefined && isEnded ? Duration.toMillis(deadline) : Worst.longest(cases)
}

const encode = Schema.encodeSync(RetryPolicy.RetryPolicy)

/** Explains a policy. It takes a second or two at most: long simulations are cut, and say so. */
export const make = Effect.fnUntraced(function* (policy: RetryPolicy.RetryPolicy, options: Options = {}) {
  const { name = "the policy", ...fleet } = options
  const rules = overrides(policy)
  const worst = yield* Worst.of(policy)
  const series = paces(policy)
  const longestAsked = Worst.longestAsked(policy)
  const facts = {
    name: visible(name),
    settings: RetryPolicy.describe(policy).map(visible),
    longest: longestOf(policy, series, [...worst, ...rules]),
    paces: series,
    retryAfter: {
      longest: longestAsked,
      isCutByDeadline: longestAsked < Duration.toMillis(policy.maxRetryAfter)
    },
    overrides: rules,
    moreOverrides: Math.max(0, Object.keys(policy.overrides).length - shown),
    worst,
    outage: yield* Outage.of(policy, fleet),
    policy: encode(policy)
  }
  return { ...facts, warnings: Warnings.of(policy, facts) } satisfies Explanation
})

/** How much of the policy an outage multiplies: the requests for each call, of the kind of failure that brings the most. */
export const amplification = ({ outage }: Pick<Explanation, "outage">): number =>
  outage.loads.filter(({ isLimited }) => isLimited).reduce((most, load) => Math.max(most, load.amplification), 0)

/** The most attempts of one call. */
export const attempts = ({ worst }: Pick<Explanation, "worst">): number =>
  worst.filter(({ how }) => how !== "parked").reduce((most, one) => Math.max(most, one.attempts), 1)

/** The number of warnings in words. */
export const warned = ({ warnings }: Pick<Explanation, "warnings">): string =>
  warnings.length === 0 ? "no warnings" : count(warnings.length, "warning")
