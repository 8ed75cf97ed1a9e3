// Writes docs/policies.md: the effect of a policy's settings, computed with the policy itself.
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

const module = (name: string) => import(pathToFileURL(join(import.meta.dirname, "../packages", name)).href)
const Backoff: typeof import("../packages/retry/src/Backoff.ts") = await module("retry/src/Backoff.ts")
const Because: typeof import("../packages/retry/src/Because.ts") = await module("retry/src/Because.ts")
const Budget: typeof import("../packages/retry/src/Budget.ts") = await module("retry/src/Budget.ts")
const Preset: typeof import("../packages/retry/src/Preset.ts") = await module("retry/src/Preset.ts")
const Report: typeof import("../packages/core/src/Report.ts") = await module("core/src/Report.ts")
const Retry: typeof import("../packages/retry/src/Retry.ts") = await module("retry/src/Retry.ts")
const RetryExhausted: typeof import("../packages/retry/src/RetryExhausted.ts") =
  await module("retry/src/RetryExhausted.ts")
const RetryPolicy: typeof import("../packages/retry/src/RetryPolicy.ts") = await module("retry/src/RetryPolicy.ts")
const Simulation: typeof import("../packages/retry/src/Simulation.ts") = await module("retry/src/Simulation.ts")
const Verdict: typeof import("../packages/core/src/Verdict.ts") = await module("core/src/Verdict.ts")
const app = (name: string) => module(join("../apps/crawler/src/explain", name))
const Explanation: typeof import("../apps/crawler/src/explain/Explanation.ts") = await app("Explanation.ts")
const ExplanationText: typeof import("../apps/crawler/src/explain/ExplanationText.ts") = await app("ExplanationText.ts")
const pictures: typeof import("../apps/crawler/src/explain/pictures.ts") = await app("pictures.ts")

const seconds = Duration.seconds
const attempts = [1, 2, 3, 4, 5, 6]

export const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const cells = [head, ...rows]
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: ReadonlyArray<string>) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n")
}

const short = (millis: number): string =>
  millis < 1000
    ? `${Math.round(millis)} ms`
    : millis < 120_000
      ? `${Number((millis / 1000).toFixed(1))} s`
      : `${Number((millis / 60_000).toFixed(1))} min`

/** The delays of a backoff, each from its shortest to its longest random value. */
const delays = (backoff: ReturnType<typeof Backoff.make>): ReadonlyArray<string> => {
  let [least, most] = [
    { previous: 0, total: 0 },
    { previous: 0, total: 0 }
  ]
  return attempts.map((attempt) => {
    const low = Duration.toMillis(Backoff.delay(backoff, attempt, 0, least))
    const high = Duration.toMillis(Backoff.delay(backoff, attempt, 1, most))
    least = { previous: low, total: least.total + low }
    most = { previous: high, total: most.total + high }
    return Math.round(low) === Math.round(high) ? short(high) : `${short(low)} to ${short(high)}`
  })
}

const kinds = (["constant", "linear", "exponential", "fibonacci", "decorrelated", "smooth"] as const).map((kind) => [
  `\`${kind}\``,
  ...delays(Backoff.make({ kind, base: seconds(1), cap: seconds(30), jitter: "none" }))
])

const jitters = (["none", "equal", "full", 0.25] as const).map((jitter) => [
  `\`${jitter}\``,
  ...delays(Backoff.make({ base: seconds(1), cap: seconds(30), jitter }))
])

const paces = (["quick", "steady", "slow"] as const).map((pace) => [`\`${pace}\``, ...delays(Preset[pace])])

const verdicts = {
  quick: Verdict.transient("quick"),
  steady: Verdict.transient("steady"),
  slow: Verdict.transient("slow")
}

const worst = async (name: keyof typeof verdicts, options: Parameters<typeof RetryPolicy.make>[0]) => {
  const policy = RetryPolicy.make(options)
  const result = await Effect.runPromise(Simulation.worst(policy, { fails: verdicts[name] }))
  return [String(result.attempts), short(Duration.toMillis(result.longest)), result.calls[0]?.ended ?? ""]
}

const worstCases = await Promise.all(
  (["quick", "steady", "slow"] as const).flatMap((name) => [
    worst(name, { attemptTimeout: seconds(10) }).then((cells) => [name, "3 retries, 10 s for an attempt", ...cells]),
    worst(name, { attemptTimeout: seconds(10), deadline: seconds(60) }).then((cells) => [
      name,
      "the same, and a deadline of 60 s",
      ...cells
    ])
  ])
)

const presets = { service: Preset.service, batch: Preset.batch }

const time = (duration: Duration.Duration | undefined): string =>
  duration === undefined ? "none" : short(Duration.toMillis(duration))

/** What a preset sets, by the policy that it makes. */
const presetRows = (Object.keys(presets) as ReadonlyArray<keyof typeof presets>).map((name) => {
  const { attemptTimeout, breaker, budget, deadline, maxRetryAfter, retries } = RetryPolicy.make(presets[name])
  return [
    `\`${name}\``,
    String(1 + retries),
    time(attemptTimeout),
    time(deadline),
    time(maxRetryAfter),
    typeof budget === "string" ? `\`${budget}\`` : (budget?._tag ?? "none"),
    breaker === undefined
      ? "none"
      : `${breaker.trip._tag === "Consecutive" ? `${breaker.trip.failures} failures in a row` : breaker.trip._tag}, open for ${time(breaker.openFor.base)}`
  ]
})

/** The longest wait after each failed attempt but the last, and the worst that comes of them. */
const presetWorst = await Promise.all(
  (Object.keys(presets) as ReadonlyArray<keyof typeof presets>).flatMap((name) =>
    (["quick", "steady", "slow"] as const).map(async (pace) => {
      const policy = RetryPolicy.make(presets[name])
      const waits = Array.from({ length: policy.retries }, (_, index) =>
        time(Backoff.delay(policy[pace], index + 1, 1))
      )
      return [`\`${name}\``, `\`${pace}\``, waits.join(", "), ...(await worst(pace, presets[name]))]
    })
  )
)

const down = { fails: Verdict.transient("quick"), takes: seconds(1) }
const lost = Simulation.outage({ from: seconds(5), lasts: seconds(20), bad: down, well: { takes: seconds(1) } })
const load = { dependency: lost, clients: 1, every: seconds(2), calls: 20 }
const policy = { attemptTimeout: seconds(5) }

const outcomes = await Promise.all(
  Object.entries({
    "no retries": RetryPolicy.make({ retries: 0 }),
    "3 retries": RetryPolicy.make(policy),
    "3 retries, budget `standard`": RetryPolicy.make({ ...policy, budget: "standard" }),
    "3 retries, budget `aws2026`": RetryPolicy.make({ ...policy, budget: "aws2026" }),
    "3 retries, budget `standard`, a breaker": RetryPolicy.make({
      ...policy,
      budget: "standard",
      breaker: { trip: { _tag: "Consecutive", failures: 5 } }
    })
  }).map(async ([name, policy]) => {
    const result = await Effect.runPromise(Simulation.run({ ...load, clients: 10, policy }))
    const share = `${Math.round((100 * result.succeeded) / result.calls.length)} %`
    return [name, result.amplification.toFixed(2), share, short(Duration.toMillis(result.longest))]
  })
)

/** A dependency on which the first attempt of every call fails, and a second one would succeed. */
const hiccup = Simulation.script({ fails: Verdict.transient("quick") }, {})

const quiet = await Promise.all(
  ["none", ...Object.keys(Budget.presets)].map(async (name) => {
    const named = name === "none" ? undefined : (name as keyof typeof Budget.presets)
    const policy = RetryPolicy.make(named && { budget: named })
    const shares = [Duration.minutes(1), seconds(10), seconds(1)].map(async (every) => {
      const result = await Effect.runPromise(Simulation.run({ policy, dependency: hiccup, every, calls: 60 }))
      return `${Math.round((100 * result.succeeded) / result.calls.length)} %`
    })
    return [`\`${name}\``, ...(await Promise.all(shares))]
  })
)

export const outage = Simulation.svg(
  await Effect.runPromise(Simulation.run({ ...load, policy: RetryPolicy.make(policy) }))
)

/** A policy as somebody may write it who has not thought of an outage. */
const example = {
  retries: 4,
  attemptTimeout: "5 seconds",
  deadline: "30 seconds",
  steady: { base: "1 second", cap: "10 seconds", jitter: "none" },
  overrides: { "host_returned_error/not_found": { giveUp: true } }
}

const explanation = await Effect.runPromise(
  Effect.flatMap(RetryPolicy.fromJson(example), (policy) => Explanation.make(policy, { name: "policy.json" }))
)

export const explained = pictures.svg(explanation)

const budgets = Object.entries(Budget.presets).map(([name, { _tag, ...rule }]) => [
  `\`${name}\``,
  `\`${_tag}\``,
  Object.entries(rule)
    .map(([field, value]) => `${field} ${Duration.isDuration(value) ? Duration.format(value) : value}`)
    .join(", ")
])

/** What the engine itself makes of a call, as a report tells it. */
const told = (because: string, failure: unknown): ReadonlyArray<string> => {
  const { code, message, severity } = Report.make(failure)
  return [because, `\`${code}\``, severity, message]
}

const retryAt = DateTime.makeUnsafe("2026-11-24T12:00:05Z")
const to = { call: "fetch-page", key: "example.com" }
const late = Retry.make(RetryPolicy.make({ retries: 0, attemptTimeout: Duration.millis(10) }), to.call)

const refusals = [
  ...(["breaker", "bulkhead", "rate_limit", "deadline", "parked"] as const).map((because) =>
    told(because, new RetryExhausted.Refused({ ...to, because, retryAt, until: "top up" }))
  ),
  told("that of the call", (await Effect.runPromise(Effect.flip(late.run(Effect.never, to)))).failure)
]

const reasons = Because.Because.literals.map((because) => {
  const { means, toDo } = Because.meanings[because]
  return [`\`${because}\``, means, toDo]
})

const after = attempts.map((attempt) => `after ${attempt}`)

export const policies = [
  "# Policies",
  "",
  "<!-- Written by `pnpm generate`, by the policies themselves. -->",
  "",
  "The effect of a `RetryPolicy`'s settings in numbers. The package computed all of them; the outages ran in its `Simulation`.",
  "",
  "## Paces",
  "",
  "A failure's verdict says how patient a retry must be: its pace. Waits after each failed attempt, with the defaults (full jitter):",
  "",
  table(["Pace", ...after], paces),
  "",
  "## Backoff",
  "",
  "Every `kind` with a base of 1 s and a cap of 30 s, without jitter. The last two are random without it.",
  "",
  table(["Kind", ...after], kinds),
  "",
  "Every `jitter` of an exponential backoff. A number spreads a delay by that share, up and down. The cap applies after the jitter.",
  "",
  table(["Jitter", ...after], jitters),
  "",
  "## The worst case",
  "",
  "The dependency never succeeds, every attempt takes as long as it may, and every random wait is the longest possible.",
  "",
  table(["Pace", "Policy", "Attempts", "Gives up after", "Because"], worstCases),
  "",
  "## Presets",
  "",
  "What `RetryPolicy.make(Preset.service)` and `RetryPolicy.make(Preset.batch)` come to.",
  "",
  table(["Preset", "Attempts", "One attempt", "Deadline", "Retry-After, at most", "Budget", "Breaker"], presetRows),
  "",
  "The waits after each failed attempt, at most, and the worst case, as above:",
  "",
  table(["Preset", "Pace", "Waits, at most", "Attempts", "Gives up after", "Because"], presetWorst),
  "",
  "## An outage",
  "",
  "Ten clients call every two seconds, twenty times; between the 5th and the 25th second every call fails.",
  "",
  table(["Policy", "Attempts per call", "Calls that succeeded", "Longest call"], outcomes),
  "",
  "One client of the second row: a square bar is a failed attempt, a rounded bar a successful one, a dotted line a wait.",
  "",
  "![attempts over time](policies-outage.svg)",
  "",
  "## A policy explained",
  "",
  "`npx -y pnpm@12.21.0 --silent run explain policy.json` says what a policy in a file does, for somebody who did not write it. `--html FILE` writes the same as a page with",
  "pictures, `--svg FILE` only the pictures, and `--json` prints it for programs. Of this policy",
  "",
  "```json",
  JSON.stringify(example, null, 2),
  "```",
  "",
  "it says:",
  "",
  "```text",
  ...ExplanationText.lines(explanation, 80),
  "```",
  "",
  "![delays, worst case and outage of the policy](policies-explained.svg)",
  "",
  "## Budgets",
  "",
  "`budget` takes a name or a rule. Named budgets have the settings of their sources. `standard` is this package's own: retries for a fifth of the calls",
  "in ten seconds, and three more for each client. That floor is small, since the floors of all clients add up",
  "([decision 21](decisions/0021-a-floor-for-quiet-clients.md)).",
  "",
  table(["Name", "Rule", "Settings"], budgets),
  "",
  "A budget depends on a client's own calls, so it may never allow a retry to a client that calls rarely. In this table one client calls 60 times; every",
  "first attempt fails, and a retry would succeed. Calls that succeeded:",
  "",
  table(["Budget", "a call a minute", "one in 10 s", "one a second"], quiet),
  "",
  "## Why it ended",
  "",
  "The `because` of an error, an event, an item and a simulated call, the tag of a `reason`, and the label of `redrive_calls_given_up_total`.",
  "`spend` and `interrupted` are for the items of a redrive only.",
  "",
  table(["Because", "What it means", "What to do"], reasons),
  "",
  "## Refusals and timeouts",
  "",
  "What a runner itself makes of a call, as reports, logs and alerts show it. Attributes say the `call`, its `key`, `because`, the number of `attempts`,",
  "`duration_ms`, and `retryAt`, `retryAfter` and `until` where they are known. Each call, reason and upstream is a class of its own",
  "([decision 23](decisions/0023-a-refused-call-has-a-name.md)).",
  "",
  table(["Because", "Code", "Severity", "Message"], refusals),
  ""
].join("\n")
