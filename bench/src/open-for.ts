/** How long a breaker stays open, against services whose trouble is not the storm's: on virtual time, with the real engine. */
import * as Verdict from "@redrive/core/Verdict"
import * as Backoff from "@redrive/retry/Backoff"
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

const openings: ReadonlyArray<readonly [name: string, openFor: Parameters<typeof Backoff.make>[0] | undefined]> = [
  ["no breaker", undefined],
  ["1 s", constant(1)],
  ["5 s, the default", constant(5)],
  ["30 s", constant(30)],
  ["5 s, doubling up to 1 minute", { kind: "exponential", base: "5 seconds", cap: "1 minute" }]
]

const policyOf = (openFor: Parameters<typeof Backoff.make>[0] | undefined) =>
  RetryPolicy.make({
    attemptTimeout: "1 second",
    deadline: "10 seconds",
    budget: "standard",
    ...(openFor !== undefined && { breaker: { openFor: { jitter: 0.1, ...openFor } } })
  })

/** Calls that were refused although an attempt would have succeeded, by the chance that it had. */
const lost = (calls: ReadonlyArray<Simulation.Call>, trouble: Trouble): number =>
  calls.filter(({ ended }) => ended === "breaker").reduce((sum, { endedAt }) => sum + (1 - trouble(endedAt)), 0)

const rowOf = async (name: string, trouble: Trouble, opening: string, openFor: Parameters<typeof policyOf>[0]) => {
  process.stderr.write(`${name}: ${opening}\n`)
  const options = { policy: policyOf(openFor), dependency: dependency(trouble), clients, every, calls: lasts / every }
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
  for (const [opening, openFor] of openings) rows.push(await rowOf(name, trouble, opening, openFor))

const head = [
  "service",
  "open for",
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
