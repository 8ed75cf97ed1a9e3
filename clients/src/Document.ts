/**
 * Writes docs/clients.md: the errors of well-known clients, as seen on this machine.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { format, type Section, sections } from "./Table.ts"

const fence = "```"

/** The text above the tables. */
const head = `# What clients throw

<!-- Written by \`pnpm generate\`, which runs the clients. -->

\`Judge.verdictOf\` recognises the errors of these clients by their structure, without any setup. For each row, the real package called a server
on the same machine that failed in that way. The tables show the results, and a test compares them. The version after a client's name is the
one that ran; other versions may differ.

- **Switch off a client's own retries** within a policy, as was done here: \`retry\` of got and ky, \`maxAttempts: 1\` of an AWS client,
  \`"grpc.enable_retries": 0\`, \`maxRetries: 0\` of OpenAI, \`maxNetworkRetries: 0\` of Stripe, \`retry: { retries: 0 }\` of kafkajs. Otherwise
  three retries of a call that makes four attempts are sixteen requests, and budget, breaker and Retry-After do not apply to most of them.
- **Verdict**: a policy acts on it; its paces are in [policies](policies.md). "give up" means that the call would fail every time.
- **A creation is sent again**: whether a call with \`operation: "create"\` is retried. "no" means that the failure does not prove that nothing
  happened, so it could happen twice.
- **A creation should not follow redirects** (\`redirect: "manual"\` of fetch). A client that follows them, such as fetch of Node.js 22 or undici
  8.12 with its interceptor, does not show it when a redirect's target refuses the connection: the error looks as if the first server had
  refused, which may have carried out the request. \`Operation.isAmbiguous(failure, { url })\` tells the two apart by port, address and host.
- **An unknown failure gets one quick retry**, such as an error with only a message. No client below parks the calls of others: a 402 or an
  empty quota is given up. Only two of Effect's own errors park: \`QuotaExhaustedError\` of \`AiError\`, and \`AuthenticationError\` of \`AiError\`
  and \`SqlError\`.

AWS's errors are read by the SDK's own lists, gRPC's by the published meaning of its status codes, PostgreSQL's and MySQL's by SQLSTATE and
error number. Also recognised are kafkajs (\`retriable\`), BullMQ (\`UnrecoverableError\`, and errors that take a job away from its worker: give
up), OpenAI and Anthropic (\`insufficient_quota\`: give up), Stripe (a decline: give up), and the headers \`x-should-retry\` and
\`stripe-should-retry\`.

## Add a reader for another client

A reader is asked before the built-in rules, and returns \`undefined\` for failures that it does not know. Provide it to the whole program, or
use it as the \`verdict\` of one call.

${fence}ts
import * as Judge from "@redrive/core/Judge"
import * as Verdict from "@redrive/core/Verdict"
import * as Effect from "effect/Effect"

const reader: Judge.Reader = (failure) =>
  failure instanceof Error && failure.name === "NotReady" ? Verdict.transient("steady") : undefined

const judged = Effect.map(Judge.judge(Object.assign(new Error("warming up"), { name: "NotReady" })), Verdict.format)

console.log(await Effect.runPromise(judged)) // => quick retry, at most 1
console.log(await Effect.runPromise(Effect.provide(judged, Judge.layer(reader)))) // => steady retry
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
