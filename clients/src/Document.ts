/**
 * docs/clients.md: what well-known clients throw, as this machine has seen it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { format, type Section, sections } from "./Table.ts"

const fence = "```"

/** What stands above the tables. */
const head = `# What clients throw

<!-- Written by \`pnpm generate\`, which runs the clients. -->

\`Verdict.of\` knows what these clients throw, by the structure of their errors; nothing has to be set up. Each row below is a call that was
made with the real package, to a server on the same machine that failed in that way: the tables are what came out, and a test compares
them. The version beside a client's name is the one it was made with; others may differ.

- **Switch off a client's own retries** within a policy, as was done here: got's and ky's \`retry\`, \`maxAttempts: 1\` of an AWS client,
  \`"grpc.enable_retries": 0\`, \`maxRetries: 0\` of OpenAI's, \`maxNetworkRetries: 0\` of Stripe's, \`retry: { retries: 0 }\` of kafkajs.
  Otherwise three retries of four attempts are sixteen requests, and no budget, breaker or Retry-After is heeded in between.
- **The verdict** is what a policy acts on; its paces are in [policies](policies.md). "give up" fails in the same way every time.
- **A creation is sent again** says, for a call with \`operation: "create"\`, whether it may be. "no": the failure does not prove that nothing
  happened, so it could happen twice.
- **What is unknown gets one quick retry**, such as an error that has only words. No verdict of a client parks the calls of everybody: a
  402 or an empty quota is given up.

AWS's errors are read by the SDK's own lists, gRPC's by the published meaning of its status codes, PostgreSQL's and MySQL's by SQLSTATE and
number. Also known are kafkajs (\`retriable\`), BullMQ (\`UnrecoverableError\`, and what takes a job away from its worker: give up), OpenAI and
Anthropic (\`insufficient_quota\`: give up), Stripe (a decline: give up), and the headers \`x-should-retry\` and \`stripe-should-retry\`.

## Teach it another one

A reader is asked before all that is known already, and says nothing of what it does not know. It may be provided to the whole program,
or be the \`verdict\` of one call.

${fence}ts
import * as Verdict from "@redrive/core/Verdict"
import * as Effect from "effect/Effect"

const reader: Verdict.Reader = (failure) =>
  failure instanceof Error && failure.name === "NotReady" ? Verdict.transient("steady") : undefined

const judged = Effect.map(Verdict.judge(Object.assign(new Error("warming up"), { name: "NotReady" })), Verdict.format)

console.log(await Effect.runPromise(judged)) // => quick retry, at most 1
console.log(await Effect.runPromise(Effect.provide(judged, Verdict.layer(reader)))) // => steady retry
${fence}
`

/**
 * The document with these sections.
 *
 * @category formatting
 * @since 0.1.0
 */
export const render = (parts: ReadonlyArray<Section>): string => [head, ...parts.map(format)].join("\n")

/**
 * Runs all clients, and writes what came out.
 *
 * @category running
 * @since 0.1.0
 */
export const document: Effect.Effect<string> = Effect.orDie(
  Effect.map(sections, (parts) => {
    const [missing] = parts.filter(({ rows }) => rows.length === 0)
    if (missing !== undefined) throw new Error(`docs/clients.md needs a server for ${missing.client}`)
    return render(parts)
  })
)
