import { assert, describe, it } from "@effect/vitest"
import * as Classify from "@redrive/core/Classify"
import * as ItemError from "@redrive/core/ItemError"
import * as Verdict from "@redrive/core/Verdict"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

type Headers = { readonly [name: string]: string }

const now = Date.UTC(2026, 10, 24)
const epoch = now / 1000

const wait = (headers: Headers, status = 429) => {
  const verdict = Verdict.of({ status, headers }, { now })
  const asked = Verdict.retryAfter(verdict)
  return asked && Duration.toMillis(asked)
}

/** A header of which an answer has two lines, as Node.js and undici tell them. */
const lines = (...values: ReadonlyArray<string>) => values as unknown as string

const expectWaits = (
  cases: ReadonlyArray<readonly [headers: Headers, millis: number | undefined, status?: number]>
) => {
  for (const [headers, millis, status] of cases)
    assert.strictEqual(wait(headers, status), millis, `${status ?? 429} ${JSON.stringify(headers)}`)
}

describe("Retry-After (RFC 9110 10.2.3)", () => {
  it("is a delay in seconds or a date", () => {
    expectWaits([
      [{ "retry-after": "120" }, 120_000],
      [{ "retry-after": " 120 " }, 120_000],
      [{ "retry-after": "0" }, 0],
      [{ "retry-after": "Tue, 24 Nov 2026 00:01:00 GMT" }, 60_000],
      [{ "retry-after": "Tuesday, 24-Nov-26 00:01:00 GMT" }, 60_000],
      [{ "retry-after": "Mon, 23 Nov 2026 00:00:00 GMT" }, 0],
      [{ "retry-after": "9".repeat(400) }, 365 * 24 * 3600 * 1000]
    ])
  })

  it("with decimals, which the RFC does not have, is rounded up to milliseconds", () => {
    expectWaits([
      [{ "retry-after": "2.0" }, 2000],
      [{ "retry-after": "299.997" }, 299_997],
      [{ "retry-after": "0.0001" }, 1],
      [{ "retry-after": "1.0015" }, 1002]
    ])
    assert.deepStrictEqual(Classify.retryAfterOf("1.5", now), Duration.millis(1500))
  })

  it("yields to retry-after-ms, which is more exact, if that is valid", () => {
    expectWaits([
      [{ "retry-after": "2", "retry-after-ms": "1234" }, 1234],
      [{ "retry-after-ms": "1234.5" }, 1235],
      [{ "retry-after": "2", "retry-after-ms": "soon" }, 2000]
    ])
  })

  it("and limits that stand in two lines are read like one", () => {
    expectWaits([
      [{ ratelimit: lines('"a";r=5;t=1', '"b";r=0;t=9') }, 9000],
      [{ ratelimit: lines('"a";r=0;t=5', '"b";r=0;t=9') }, 9000],
      [{ "x-ratelimit-remaining": lines("0"), "x-ratelimit-reset": lines("4") }, 4000],
      [{ "retry-after": lines("3") }, 3000],
      // Two waits contradict each other.
      [{ "retry-after": lines("3", "4") }, undefined]
    ])
    assert.deepStrictEqual(Verdict.of({ status: 500, headers: { "x-should-retry": ["false"] } }), Verdict.permanent)
  })

  it("of a limit that is more than used up is that of one that is used up", () => {
    expectWaits([
      [{ "x-ratelimit-remaining": "-3", "x-ratelimit-reset": "7" }, 7000],
      [{ "x-ratelimit-remaining": "-3", "x-ratelimit-reset": "7" }, 7000, 503],
      [{ ratelimit: '"a";r=-1;t=8' }, 8000],
      [{ ratelimit: "limit=5, remaining=-2, reset=6" }, 6000],
      [{ "x-ratelimit-remaining": "-", "x-ratelimit-reset": "7" }, undefined, 503]
    ])
  })

  it("comes before the limits, and limits before nothing", () => {
    expectWaits([
      [{ "retry-after": "3", "ratelimit-reset": "9", "ratelimit-remaining": "0" }, 3000],
      [{ "retry-after": "soon", "ratelimit-reset": "9", "ratelimit-remaining": "0" }, 9000]
    ])
  })

  it("is ignored when it makes no sense", () => {
    for (const nonsense of ["", " ", "soon", "-5", "1e9", "0x10", "1,5", "1, 3", ".5", "5.", "Infinity", "NaN"]) {
      assert.isUndefined(Classify.retryAfterOf(nonsense, now), nonsense)
      expectWaits([[{ "retry-after": nonsense, "retry-after-ms": nonsense }, undefined]])
    }
  })

  it("is read from an object, from Headers, and from one that throws", () => {
    const { headers, status } = new Response(undefined, { status: 429, headers: { "Retry-After": "3" } })
    assert.deepStrictEqual(Verdict.of({ status, headers }, { now }), Verdict.throttled(Duration.seconds(3)))
    const hostile = {
      get: (): string => {
        throw new Error("no")
      }
    }
    assert.deepStrictEqual(Classify.answered({ status: 429, headers: hostile }, now)?.verdict, Verdict.throttled())
  })
})

describe("the rate limits of an answer", () => {
  it("in drafts 3 to 6 are three headers", () => {
    expectWaits([
      [{ "ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "0", "ratelimit-reset": "60" }, 60_000],
      [{ "ratelimit-limit": "100", "ratelimit-remaining": "99", "ratelimit-reset": "840" }, undefined],
      [{ "ratelimit-reset": "9" }, 9000]
    ])
  })

  it("in draft 7 are a dictionary, in any order", () => {
    expectWaits([
      [{ ratelimit: "limit=100, remaining=0, reset=60" }, 60_000],
      [{ ratelimit: "reset=60 ,remaining=0,limit=100" }, 60_000],
      [{ ratelimit: "limit=100, remaining=1, reset=60" }, undefined],
      [{ ratelimit: "limit=100, reset=60" }, 60_000]
    ])
  })

  it("in drafts 8 to 10 are a list with parameters, in any order", () => {
    expectWaits([
      [{ ratelimit: '"default";r=0;t=9' }, 9000],
      [{ ratelimit: "default; t=9 ; r=0;pk=:cHsdsRa894==:" }, 9000],
      [{ ratelimit: '"burst";r=5;t=2, "daily";r=0;t=240' }, 240_000],
      [{ ratelimit: '"burst";r=0;t=1, "daily";r=900;t=80000' }, 1000],
      [{ ratelimit: '"daily";r=900;t=80000, "burst";r=0;t=1' }, 1000],
      [{ ratelimit: '"burst";r=0;t=1,"daily";r=0;t=240' }, 240_000],
      [{ ratelimit: '"burst";r=3;t=1, "daily";r=5;t=240' }, undefined],
      [{ ratelimit: '"burst";r=0, "daily";r=5;t=240' }, undefined],
      [{ ratelimit: '"a;r=0,b;t=7\\"";r=1;t=5, "c";r=0;t=3' }, 3000]
    ])
  })

  it("of GitHub, Twitter and Discord reset at a time", () => {
    expectWaits([
      [{ "x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0", "x-ratelimit-reset": `${epoch + 9}` }, 9000],
      [{ "x-rate-limit-remaining": "0", "x-rate-limit-reset": `${epoch + 9}` }, 9000],
      [{ "x-ratelimit-remaining": "0", "x-ratelimit-reset": `${epoch}.123` }, 123],
      [{ "x-ratelimit-remaining": "0", "x-ratelimit-reset": `${now + 9}` }, 9],
      [{ "x-ratelimit-remaining": "0", "x-ratelimit-reset": `${epoch - 9}` }, 0],
      [{ "x-ratelimit-remaining": "4999", "x-ratelimit-reset": `${epoch + 3000}` }, undefined]
    ])
  })

  it("of OpenAI are one for each resource, and reset in Go's durations", () => {
    const openAi = (requests: string, tokens: string) => ({
      "x-ratelimit-remaining-requests": requests,
      "x-ratelimit-remaining-tokens": tokens,
      "x-ratelimit-reset-requests": "1s",
      "x-ratelimit-reset-tokens": "6m0s"
    })
    expectWaits([
      [openAi("0", "149984"), 1000],
      [openAi("59", "0"), 360_000],
      [openAi("0", "0"), 360_000],
      [openAi("59", "149984"), undefined],
      [{ ...openAi("59", "0"), "x-ratelimit-reset-tokens": "20ms" }, 20],
      [{ ...openAi("59", "0"), "x-ratelimit-reset-tokens": "1h2m3.5s" }, 3_723_500],
      [{ ...openAi("59", "0"), "x-ratelimit-reset-tokens": "8.64s" }, 8640],
      [{ ...openAi("59", "0"), "x-ratelimit-reset-tokens": "1d" }, undefined]
    ])
  })

  it("count only when they are exhausted, which a 429 need not say", () => {
    const left = { "x-ratelimit-remaining": "4999", "x-ratelimit-reset": "3000" }
    const used = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "60" }
    for (const status of [403, 429, 500, 502, 503, 504])
      expectWaits([
        [left, undefined, status],
        [used, 60_000, status]
      ])
    for (const status of [301, 400, 404, 410, 413]) expectWaits([[used, undefined, status]])
    for (const status of [403, 500, 503]) expectWaits([[{ "ratelimit-reset": "9" }, undefined, status]])
    for (const status of [500, 503]) assert.isTrue(Verdict.isRetryable(Verdict.of({ status, headers: left }, { now })))
  })

  it("are ignored when they make no sense", () => {
    for (const nonsense of [
      "",
      "soon",
      "-1",
      "1e9",
      "99999999999",
      "99999999999999",
      "1:30",
      "m",
      "s",
      "9".repeat(400)
    ]) {
      expectWaits([
        [{ "ratelimit-reset": nonsense }, undefined],
        [{ "ratelimit-remaining": "0", "ratelimit-reset": nonsense }, undefined],
        [{ ratelimit: nonsense }, undefined],
        [{ ratelimit: `"x";r=0;t=${nonsense}` }, undefined],
        [{ ratelimit: `remaining=0, reset=${nonsense}` }, undefined]
      ])
    }
    expectWaits([[{ ratelimit: `${'"x";r=1;t=1, '.repeat(1000)}"y";r=0;t=9` }, undefined]])
  })
})

describe("a 403", () => {
  const reasonOf = (headers: Headers, body?: string) => {
    const reason = Classify.answered({ status: 403, headers, ...(body === undefined ? {} : { body }) }, now)
    assert.strictEqual(reason?._tag, "WebsiteAccessDenied")
    assert.strictEqual(reason?.code, "website_access_denied")
    return reason as ItemError.WebsiteAccessDenied
  }

  it("that is a rate limit (GitHub's primary and secondary ones) is throttled, under the same code", () => {
    for (const headers of [
      { "retry-after": "60" },
      { "x-ratelimit-remaining": "0", "x-ratelimit-reset": `${epoch + 60}` },
      { ratelimit: '"default";r=0;t=60' }
    ]) {
      const reason = reasonOf(headers)
      assert.strictEqual(reason.detail, "rate_limited")
      assert.deepStrictEqual(reason.verdict, Verdict.throttled(Duration.minutes(1)))
      const error = new ItemError.ItemError({ url: "http://127.0.0.1/", reason })
      assert.strictEqual(error.lastError, "Webpage returned access denied status code: 403")
      assert.deepStrictEqual(error.retryAfter, Duration.minutes(1))
      const codec = Schema.toCodecJson(ItemError.Reason)
      assert.deepStrictEqual(Schema.decodeSync(codec)(Schema.encodeSync(codec)(reason)).verdict, reason.verdict)
    }
  })

  it("with quota left, or of a robot check, is not a rate limit", () => {
    assert.deepStrictEqual(reasonOf({}).verdict, Verdict.permanent)
    const left = reasonOf({ "x-ratelimit-remaining": "59", "x-ratelimit-reset": `${epoch + 60}` })
    assert.strictEqual(left.detail, "forbidden")
    const check = reasonOf({ "retry-after": "60", "cf-mitigated": "challenge" })
    assert.strictEqual(check.detail, "bot_challenge")
    assert.deepStrictEqual(check.verdict, Verdict.permanent)
  })
})

describe("whatever the headers say", () => {
  const names = [
    "retry-after",
    "retry-after-ms",
    "ratelimit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-ratelimit-reset-tokens"
  ]
  /** Strings made of the parts of the headers' formats. */
  const text = Schema.Array(
    Schema.Union([
      Schema.Literals([
        "0",
        "9",
        "1e9",
        "r=0",
        ";t=",
        "remaining=0",
        ", ",
        "reset=",
        '"',
        "\\",
        '\\"',
        ".",
        "m",
        "s",
        "ms",
        "h",
        "-",
        ":",
        " ",
        "\u0000",
        "GMT",
        "Tue"
      ]),
      Schema.String,
      Schema.Finite
    ])
  )

  it.prop(
    "the wait is none or of at most a year, and nothing throws",
    { parts: Schema.Array(text), status: Schema.Literals([301, 403, 404, 429, 500, 503]) },
    ({ parts, status }) => {
      const headers = Object.fromEntries(parts.map((part, index) => [names[index % names.length] ?? "", part.join("")]))
      const reason = Classify.answered({ status, headers }, now)
      if (reason === undefined || !("retryAfter" in reason) || reason.retryAfter === undefined) return
      const millis = Duration.toMillis(reason.retryAfter)
      assert.isTrue(Number.isInteger(millis) && millis >= 0 && millis <= 365 * 24 * 3600 * 1000, String(millis))
    },
    { arbitrary: { runs: 2000 } }
  )
})
