/** How long a breaker stays open, against services whose trouble is not the storm's: on virtual time, with the real engine. */
import * as Verdict from "@redrive/core/Verdict"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Simulation from "@redrive/retry/Simulation"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import process from "node:process"
import { table, write } from "./measure.ts"

const minute = 60_000
const clients = 20
const every = 2000
const lasts = 20 * minute

/** The chance that a service fails at a time in milliseconds. */
type Trouble = (now: number) => number

const services: ReadonlyArray<readonly [name: string, trouble: Trouble]> = [
  // Worse and worse for five minutes, until somebody restarts it.
  ["a slow leak", (now) => (0.9 * (now % (5 * minute))) / (5 * minute)],
  ["flapping: 8 s up, 4 s down", (now) => (now % 12_000 < 8000 ? 0 : 1)],
  ["down for a minute, three times", (now) => (now % (6 * minute) < minute ? 1 : 0)],
  ["dead for good after a minute", (now) => (now < minute ? 0 : 1)]
]

const dependency =
  (trouble: Trouble): Simulation.Dependency =>
  ({ now, random }) =>
    random < trouble(now) ? { takes: 300, fails: Verdict.transient("steady"), isAmbiguous: false } : { takes: 100 }

const constant = (seconds: number) =>
  ({ kind: "constant", base: `${seconds} seconds`, cap: `${seconds} seconds` }) as const

/** A breaker's settings, but for the jitter of its times. */
interface Setting {
  readonly openFor:
    | ReturnType<typeof constant>
    | { readonly kind: "exponential"; readonly base: "5 seconds"; readonly cap: "1 minute" }
  readonly trip?: {
    readonly _tag: "TimeWindow"
    readonly length: "1 minute"
    readonly rate: number
    readonly minimum: number
  }
}

const settings: ReadonlyArray<readonly [name: string, setting: Setting | undefined]> = [
  ["no breaker", undefined],
  ["1 s", { openFor: constant(1) }],
  ["5 s, the default", { openFor: constant(5) }],
  ["30 s", { openFor: constant(30) }],
  ["5 s, doubling up to 1 minute", { openFor: { kind: "exponential", base: "5 seconds", cap: "1 minute" } }],
  [
    "5 s, after half of the attempts in a minute",
    { openFor: constant(5), trip: { _tag: "TimeWindow", length: "1 minute", rate: 0.5, minimum: 10 } }
  ]
]

const policyOf = (setting: Setting | undefined) =>
  RetryPolicy.make({
    attemptTimeout: "1 second",
    deadline: "10 seconds",
    budget: "standard",
    ...(setting !== undefined && { breaker: { ...setting, openFor: { jitter: 0.1, ...setting.openFor } } })
  })

/** Calls that were refused although an attempt would have succeeded, by the chance that it had. */
const lost = (calls: ReadonlyArray<Simulation.Call>, trouble: Trouble): number =>
  calls.filter(({ ended }) => ended === "breaker").reduce((sum, { endedAt }) => sum + (1 - trouble(endedAt)), 0)

const rowOf = async (name: string, trouble: Trouble, opening: string, setting: Setting | undefined) => {
  process.stderr.write(`${name}: ${opening}\n`)
  const options = { policy: policyOf(setting), dependency: dependency(trouble), clients, every, calls: lasts / every }
  const { amplification, attempts, calls, succeeded } = await Effect.runPromise(Simulation.run(options))
  const failed = calls.reduce((sum, call) => sum + call.attempts.filter(({ isGood }) => !isGood).length, 0)
  const share = (part: number) => ((100 * part) / calls.length).toFixed(1)
  const perMinute = (failed / clients / (lasts / minute)).toFixed(1)
  return [
    name,
    opening,
    share(succeeded),
    share(lost(calls, trouble)),
    amplification.toFixed(2),
    perMinute,
    String(attempts)
  ]
}

const rows: Array<ReadonlyArray<string>> = []
for (const [name, trouble] of services)
  for (const [opening, setting] of settings) rows.push(await rowOf(name, trouble, opening, setting))

const head = [
  "service",
  "breaker",
  "success %",
  "refused while it was well %",
  "attempts a call",
  "failed attempts a client and minute",
  "attempts"
]
write(
  "open-for.md",
  "How long a breaker stays open",
  `${clients} clients, each with a breaker of its own, call every ${Duration.format(Duration.millis(every))} for ${Duration.format(Duration.millis(lasts))} of virtual time.`,
  table(head, 2, rows)
)
