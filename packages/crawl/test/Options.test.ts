import { assert, describe, it } from "@effect/vitest"
import * as CrawlClient from "@redrive/crawl/CrawlClient"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Redacted from "effect/Redacted"

const right = { url: "http://127.0.0.1:1/", apiKey: Redacted.make("s3cret") }

// Called as an untyped program would call it.
const layer = (options: object) => () => CrawlClient.layer({ ...right, ...options })

/** Refused options, and the message for each. */
const refused: ReadonlyArray<readonly [make: () => unknown, ...says: ReadonlyArray<string>]> = [
  [
    layer({ baseUrl: "http://127.0.0.1/" }),
    "CrawlClient:",
    "baseUrl is unknown; allowed: url, apiKey, policy, createPolicy, reconcile"
  ],
  [layer({ url: "example.com" }), `url is "example.com"; allowed: an http or https URL`],
  [layer({ url: undefined, apiKey: "s3cret" }), "url is missing", "apiKey is a string; allowed: a Redacted text"],
  [layer({ policy: { retries: 3 } }), "policy is an object; allowed: a RetryPolicy"],
  [
    layer({ createPolicy: { ...RetryPolicy.make(), retries: -1 } }),
    "createPolicy is an object; allowed: a RetryPolicy"
  ],
  [() => CrawlClient.make({} as never), "apiKey is missing"]
]

describe("options", () => {
  for (const [make, ...says] of refused) {
    it(`are refused when the adapter is made: ${says.join(", ")}`, () => {
      for (const one of says) assert.throws(make, one)
    })
  }

  it("are accepted when they are right", () => {
    CrawlClient.layer(right)
    CrawlClient.layer({ ...right, policy: RetryPolicy.make(), createPolicy: { ...RetryPolicy.make(), retries: 0 } })
  })
})
