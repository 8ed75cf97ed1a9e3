/**
 * An explanation in sentences and tables, the same for a terminal and for a page.
 */
import * as Explanation from "./Explanation.ts"
import type { Load } from "./outage.ts"
import { count, share, time } from "./words.ts"
import { longest, type Worst } from "./worst.ts"

/** A head and its rows; numbers stand to the right. */
export interface Table {
  readonly head: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string | number>>
}

/** What the policy does, in three sentences. */
export const summary = (self: Explanation.Explanation): ReadonlyArray<string> => {
  const ended = longest(self.worst.filter(({ lasts }) => lasts !== null)) ?? 0
  const rules = longest(self.overrides) ?? 0
  const most = time(Math.max(ended, rules))
  const worst = self.outage.loads.filter(({ isLimited }) => isLimited)
  const amplified = Explanation.amplification(self)
  const [load] = worst.toSorted((one, other) => other.amplification - one.amplification)
  return [
    `One call makes ${count(Explanation.attempts(self), "attempt")} at most.`,
    self.longest === null
      ? `Nothing ends an attempt that hangs. If each fails, the call takes ${most} at the longest.`
      : `It takes ${most} at the longest.`,
    `In an outage each call brings ${amplified.toFixed(2)} requests${without(self)}${load === undefined ? "" : `; ${recovery(load)}`}.`
  ]
}

/** The same without budget and breaker, if there are any. */
const without = ({ outage }: Explanation.Explanation): string => {
  const free = outage.loads.filter(({ isLimited }) => !isLimited).map(({ amplification }) => amplification)
  return free.length === 0 ? "" : ` (${Math.max(...free).toFixed(2)} without budget and breaker)`
}

const recovery = ({ isCut, normalAfter }: Load): string => {
  if (isCut) return "how long they go on was not simulated"
  if (normalAfter === null) return "the load is not normal again when as much time as the outage has passed"
  return normalAfter === 0
    ? "the load is normal as soon as it is over"
    : `the load is normal again ${time(normalAfter)} after it`
}

const isLimitedByTime = ({ paces }: Explanation.Explanation): boolean =>
  paces.some(({ retries }) => retries.some(({ reached }) => reached < 1))

/** Every retry of every pace. The last column is there if a deadline keeps some calls from a retry. */
export const delays = (self: Explanation.Explanation): Table => {
  const isRare = isLimitedByTime(self)
  return {
    head: [
      "pace",
      "retry",
      "earliest",
      "middle",
      "latest",
      "begins after",
      "at the latest",
      ...(isRare ? ["reached"] : [])
    ],
    rows: self.paces.flatMap(({ pace, retries }) =>
      retries.map(({ begins, delay, reached, retry }, index) => [
        index === 0 ? pace : "",
        retry,
        time(delay.earliest),
        time(delay.middle),
        time(delay.latest),
        time(begins.middle),
        time(begins.latest),
        ...(isRare ? [share(reached)] : [])
      ])
    )
  }
}

/** What the delays leave out, and the rule for a Retry-After. */
export const delayNotes = ({ paces, retryAfter }: Explanation.Explanation): ReadonlyArray<string> => {
  const more = paces.filter((pace) => pace.more > 0).map((pace) => `${pace.pace}: ${pace.more} more`)
  const none = paces.filter((pace) => pace.retries.length === 0).map(({ pace }) => pace)
  return [
    ...(none.length > 0 ? [`No retry follows a failure of the pace ${none.join(", ")}.`] : []),
    ...(more.length > 0 ? [`Further retries are not shown (${more.join(", ")}).`] : []),
    retryAfter.isCutByDeadline
      ? `A Retry-After over ${time(retryAfter.longest)} ends the call, since the deadline would pass first.`
      : `A Retry-After of up to ${time(retryAfter.longest)} is waited for, and a first delay of quick is added; a longer one ends the call.`
  ]
}

export const overrides = ({ overrides }: Explanation.Explanation): Table => ({
  head: ["code", "rule", "attempts", "gives up after"],
  rows: overrides.map(({ attempts, code, lasts, rule }) => [code, rule, attempts, time(lasts)])
})

const hows: { readonly [How in Worst["how"]]: string } = {
  down: "down",
  late: "late",
  throttled: "throttles",
  parked: "waits for a person"
}

/** What a row of the worst case is about. */
const caseOf = ({ how, pace }: Worst, { retryAfter }: Explanation.Explanation): string => {
  if (how === "throttled") return `Retry-After ${time(retryAfter.longest)}`
  return pace ?? "parked"
}

const lastsOf = ({ isBound, lasts }: Worst): string =>
  lasts === null ? "never" : `${time(lasts)}${isBound ? " *" : ""}`

const hangs = "nothing ends it"

/** Why a call of the worst case ends. */
const because = ({ because }: Worst): string => (because === "hangs" ? hangs : because)

export const worst = (self: Explanation.Explanation): Table => ({
  head: ["dependency", "failures", "attempts", "gives up after", "because"],
  rows: self.worst.map((one, index) => [
    self.worst[index - 1]?.how === one.how ? "" : hows[one.how],
    one.because === "hangs" ? "any" : caseOf(one, self),
    one.attempts,
    lastsOf(one),
    because(one)
  ])
})

export const worstNotes = ({ policy, worst }: Explanation.Explanation): ReadonlyArray<string> => [
  "Every random wait is the longest. What is down fails at once, what is late when the attempt must end.",
  ...(["bulkhead", "rateLimit"].some((name) => hasField(policy, name)) && !hasField(policy, "deadline")
    ? ["The wait for a place or a turn, before the first attempt, comes on top."]
    : []),
  ...(hasField(policy, "budget") ? ["The budget is left out, since it may allow one call every retry."] : []),
  ...(worst.some(({ isBound }) => isBound)
    ? [
        "* Too long to be simulated: the retries and waits alone, without the breaker. Attempts are counted up to 100,000."
      ]
    : []),
  ...(hasField(policy, "operation", "create")
    ? ["A creation that may have been carried out is not sent again: it makes 1 attempt."]
    : [])
]

const hasField = (policy: unknown, name: string, value?: string): boolean => {
  const field: unknown = typeof policy === "object" && policy !== null ? Reflect.get(policy, name) : undefined
  return value === undefined ? field !== undefined : field === value
}

const failures: { readonly [Failure in Load["failure"]]: string } = {
  quick: "quick",
  steady: "steady",
  slow: "slow",
  hangs: "hangs"
}

/** What a row of an outage is about. */
export const loadOf = ({ failure }: Load): string => failures[failure]

const normal = ({ isCut, normalAfter }: Load): string =>
  isCut ? "cut" : normalAfter === null ? "not in time" : normalAfter === 0 ? "at once" : time(normalAfter)

/** Whether the loads without budget and breaker are there for comparison. */
const isCompared = ({ outage }: Explanation.Explanation): boolean => outage.loads.some(({ isLimited }) => !isLimited)

export const outage = (self: Explanation.Explanation): Table => {
  const compared = isCompared(self)
  return {
    head: ["failures", ...(compared ? ["limits"] : []), "requests/call", "peak load", "succeed", "normal after"],
    rows: self.outage.loads.map((load) => [
      load.isLimited ? loadOf(load) : "",
      ...(compared ? [load.isLimited ? "with" : "without"] : []),
      `${load.amplification.toFixed(2)}${load.isCut ? " or more" : ""}`,
      `x ${load.peak.toFixed(1)}`,
      share(load.succeeded),
      normal(load)
    ])
  }
}

/** The fleet, and what was cut. */
export const outageNotes = (self: Explanation.Explanation): ReadonlyArray<string> => {
  const { outage } = self
  return [
    `${count(outage.clients, "client")} with ${count(outage.callsPerSecond, "call")} a second in all; the dependency is down for ${time(outage.lasts)}. Requests and calls count that begin while it is down; what hangs is ended by its timeout.${isCompared(self) ? " The limits are budget and breaker." : ""} The load is normal if retries and refusals are no more than a tenth of it.`,
    ...(outage.lasts < outage.asked
      ? [
          `The outage was cut from ${time(outage.asked)} to ${time(outage.lasts)}: its clients call too often to simulate more.`
        ]
      : []),
    ...(outage.loads.some(({ isCut }) => isCut) ? ["Simulations with more than 2,000 requests were cut."] : [])
  ]
}
