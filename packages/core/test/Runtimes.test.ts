import { assert, describe, it } from "@effect/vitest"
import * as Classify from "@redrive/core/Classify"
import fetches from "./fixtures/fetch.json" with { type: "json" }

// What fetch threw in each runtime, for the same servers and the same names, as it was recorded there. It means what it means in Node.js.

interface Thrown {
  readonly name: string
  readonly message: string
  readonly cause?: Thrown
}

interface Fetch {
  readonly url: string
  readonly error: Thrown
}

const errorOf = ({ cause, message, ...fields }: Thrown): Error =>
  Object.assign(cause === undefined ? new Error(message) : new Error(message, { cause: errorOf(cause) }), fields)

const meaningOf = ({ error }: Fetch): string => {
  const { code, detail } = Classify.thrown(errorOf(error))
  return `${code}/${detail}`
}

const isUnsent = ({ error, url }: Fetch): boolean => Classify.isUnsent(errorOf(error), { url })

const all: { readonly [runtime: string]: { readonly [what: string]: Fetch } } = fetches
const { "node 22.23.2": node = {}, ...others } = all

const refused = "name_not_resolved/connection_refused"
const reset = "host_returned_error/connection_reset"
const handshake = "host_returned_error/tls_handshake"

/** Where a runtime says less than Node.js does, or does something else. */
const exceptions: ReadonlyArray<readonly [runtime: RegExp, what: RegExp, meaning: string]> = [
  [/deno/, /^bad chunk$/, "host_returned_error/truncated_body"],
  [/bun/, /^(short body|reset in the body|short chunk)/, reset],
  [/bun 1.4/, /^closed in the handshake$/, reset],
  [/bun 1.2/, /^closed in the handshake$/, "host_returned_error/tls_certificate"],
  [/bun 1.[23]/, /^(no such name|no route|old TLS|no TLS)$/, refused],
  // Node.js ends the connection without a look at the alert.
  [/deno|bun 1.4/, /^client certificate$/, handshake],
  // These connect to it.
  [/deno 2.1|bun/, /^blocked port$/, refused]
]

/** What failed before anything was sent, as far as the error says it: Bun follows redirects, and does not say so. */
const unsent: { readonly [runtime: string]: ReadonlyArray<string> } = {
  deno: [
    "refused",
    "no such name",
    "no route",
    "no network",
    "no URL",
    "self-signed",
    "other name",
    "expired",
    "old TLS",
    "no TLS",
    "reset in the handshake",
    "closed in the handshake",
    "refused, TLS"
  ],
  "deno 2.1.0": ["blocked port"],
  bun: ["no URL"],
  "bun 1.4.5": ["no such name"]
}

describe("what fetch throws", () => {
  for (const [runtime, fetched] of Object.entries(others)) {
    it.each(Object.entries(fetched))(`in ${runtime} means what it means in Node.js: %s`, (what, one) => {
      const expected = node[what]
      assert.isDefined(expected)
      const exception = exceptions.find(([of, whats]) => of.test(runtime) && whats.test(what))
      assert.strictEqual(meaningOf(one), exception?.[2] ?? meaningOf(expected))
    })

    it(`in ${runtime} shows that nothing was sent only if that is certain`, () => {
      const found = Object.entries(fetched).flatMap(([what, one]) => (isUnsent(one) ? [what] : []))
      const [family = ""] = runtime.split(" ")
      assert.sameMembers(found, [...(unsent[family] ?? []), ...(unsent[runtime] ?? [])])
    })
  }
})

it.each([
  "channel closed",
  "connection closed before message completed",
  "invalid JSON parsed",
  "dns error",
  "failed (os error 2)"
])("is not read into another failure's message: %s", (message) => {
  assert.strictEqual(Classify.thrown(new Error(message)).detail, "unknown")
})

it("a URL cannot pass for what Deno says of it", () => {
  const url = "http://a.example/):%20client%20error%20(Connect):%20(os%20error%20111):"
  const lost = new Error(`error sending request for url (${url}): client error (SendRequest): channel closed`)
  assert.strictEqual(Classify.thrown(lost).detail, "connection_reset")
  assert.isFalse(Classify.isUnsent(lost, { url }))
  const refused = new Error(`error sending request for url (${url}): client error (Connect): refused (os error 111)`)
  assert.strictEqual(Classify.thrown(refused).detail, "connection_refused")
  assert.isTrue(Classify.isUnsent(refused, { url }))
  assert.isFalse(Classify.isUnsent(refused, { url: "http://a.example/" }))
})
