import { assert, describe, it } from "@effect/vitest"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Text from "effect/String"

interface Node {
  readonly $ref?: string
  readonly anyOf?: ReadonlyArray<Node>
  readonly properties?: { readonly [name: string]: Node }
}

/** The path of every field with a single value, from the JSON Schema. */
const leaves = (): ReadonlyArray<string> => {
  const { definitions, schema } = RetryPolicy.jsonSchema()
  const visit = (node: Node, path: ReadonlyArray<string>): ReadonlyArray<string> => {
    if (node.$ref !== undefined) return visit(definitions[node.$ref.split("/").at(-1) ?? ""] ?? {}, path)
    if (node.anyOf !== undefined) return node.anyOf.flatMap((one) => visit(one, path))
    if (node.properties === undefined) return [path.join(".")]
    return Object.entries(node.properties).flatMap(([name, one]) => visit(one, [...path, name]))
  }
  return [...new Set(visit(schema, []))].toSorted()
}

const backoff = { kind: "linear", base: "7 seconds", cap: "9 seconds", factor: 3, jitter: 0.25 }
const exponential = { ...backoff, kind: "smooth", jitter: "equal" }

/** Policies that set every field to a value other than its default. */
const policies: ReadonlyArray<{ readonly [field: string]: unknown }> = [
  {
    retries: 7,
    operation: "poll",
    attemptTimeout: "11 seconds",
    deadline: "12 minutes",
    maxRetryAfter: "13 seconds",
    quick: backoff,
    steady: exponential,
    slow: backoff,
    server: exponential,
    overrides: { "host_returned_error/not_found": { giveUp: true }, timeout: { retries: 2, backoff } },
    nested: "retry",
    budget: "aws2026",
    breaker: {
      trip: { _tag: "CountWindow", size: 20, rate: 0.5, minimum: 10 },
      slowerThan: "3 seconds",
      openFor: backoff,
      probes: 2,
      lease: "8 seconds"
    },
    bulkhead: { concurrent: 5, queue: 6 },
    rateLimit: { limit: 5, window: "1 second", algorithm: "fixed-window", maximumWait: "4 seconds" },
    parking: { probe: backoff, maximum: "1 hour" },
    hedge: { after: "2 seconds", share: 0.05 }
  },
  {
    budget: { _tag: "Ratio", ratio: 0.3, window: "9 seconds", floor: 2 },
    breaker: { trip: { _tag: "TimeWindow", length: "5 seconds", rate: 0.4, minimum: 8 } }
  },
  {
    budget: { _tag: "Tokens", capacity: 90, cost: 4, throttledCost: 3, refill: 2 },
    breaker: { trip: { _tag: "Consecutive", failures: 9 } }
  },
  { budget: { _tag: "Throttle", capacity: 9, ratio: 0.2 } },
  { budget: { _tag: "Adaptive", k: 3, window: "1 minute", ceiling: 0.8 } },
  { budget: { _tag: "Concurrent", ratio: 0.1, floor: 4 } }
]

type Env = Record<string, string>

/** A policy's variables under their documented names. */
const variables = (json: unknown, path: ReadonlyArray<string> = []): Env => {
  if (typeof json !== "object" || json === null || path.at(-1) === "overrides") {
    const text = typeof json === "string" ? json : JSON.stringify(json)
    return { [path.map((name) => Text.configCase(name)).join("_")]: text }
  }
  return Object.assign({}, ...Object.entries(json).map(([name, one]) => variables(one, [...path, name]))) as Env
}

const paths = (json: unknown, path: ReadonlyArray<string> = []): ReadonlyArray<string> =>
  typeof json !== "object" || json === null || path.at(-1) === "overrides"
    ? [path.join(".")]
    : Object.entries(json).flatMap(([name, one]) => paths(one, [...path, name]))

const under = (prefix: string, env: Env): Env =>
  Object.fromEntries(Object.entries(env).map(([name, text]) => [`${prefix}_${name}`, text]))

const fromEnv = (env: Env) => ConfigProvider.fromEnv({ env })

const crawl = RetryPolicy.config("CRAWL")

/** Ways to read the same variables: a config, and a provider of variables without a prefix. */
const ways: ReadonlyArray<
  readonly [
    way: string,
    config: Config.Config<RetryPolicy.RetryPolicy>,
    provider: (env: Env) => ConfigProvider.ConfigProvider
  ]
> = [
  ["as they are", crawl, (env) => fromEnv(under("CRAWL", env))],
  ["in constant case", crawl, (env) => ConfigProvider.constantCase(fromEnv(under("CRAWL", env)))],
  ["by a name in small letters", RetryPolicy.config("crawl"), (env) => fromEnv(under("CRAWL", env))],
  ["by a name of two words", RetryPolicy.config("siteCrawl"), (env) => fromEnv(under("SITE_CRAWL", env))],
  ["in a config that is nested", Config.nested(crawl, "MY_SHOP"), (env) => fromEnv(under("MY_SHOP_CRAWL", env))],
  [
    "in a config that is nested, in constant case",
    Config.nested(crawl, "myShop"),
    (env) => ConfigProvider.constantCase(fromEnv(under("MY_SHOP_CRAWL", env)))
  ],
  [
    "from a provider that is nested",
    crawl,
    (env) => ConfigProvider.nested(fromEnv(under("MY_SHOP_CRAWL", env)), "MY_SHOP")
  ],
  ["without a name", RetryPolicy.config(), (env) => ConfigProvider.constantCase(fromEnv({ PATH: "/bin", ...env }))],
  ["beside a fallback", crawl, (env) => ConfigProvider.orElse(fromEnv({}), fromEnv(under("CRAWL", env)))]
]

const refusal = (provider: ConfigProvider.ConfigProvider, config = crawl) =>
  Effect.map(Effect.flip(config.parse(provider)), ({ message }) => message)

describe("a policy from configuration", () => {
  it("is tried with every field that the JSON Schema has", () => {
    assert.deepStrictEqual([...new Set(policies.flatMap((one) => paths(one)))].toSorted(), leaves())
  })

  for (const [way, config, provider] of ways) {
    it.effect(`has every field of its variables ${way}`, () =>
      Effect.gen(function* () {
        for (const json of policies) {
          assert.deepStrictEqual(yield* config.parse(provider(variables(json))), yield* RetryPolicy.fromJson(json))
        }
      })
    )
  }

  it.effect("needs each of these variables", () =>
    Effect.gen(function* () {
      for (const json of policies) {
        const env = under("CRAWL", variables(json))
        const whole = JSON.stringify(yield* crawl.parse(fromEnv(env)))
        for (const name of Object.keys(env)) {
          const { [name]: _, ...others } = env
          const without = yield* Effect.option(crawl.parse(fromEnv(others)))
          assert.notStrictEqual(without._tag === "Some" ? JSON.stringify(without.value) : "refused", whole, name)
        }
      }
    })
  )

  it.effect("has every field of a document", () =>
    Effect.gen(function* () {
      for (const json of [...policies, {}, { breaker: {}, parking: {} }]) {
        const expected = yield* RetryPolicy.fromJson(json)
        assert.deepStrictEqual(yield* crawl.parse(ConfigProvider.fromUnknown({ CRAWL: json })), expected)
        assert.deepStrictEqual(yield* RetryPolicy.config().parse(ConfigProvider.fromUnknown(json)), expected)
        const nested = ConfigProvider.fromUnknown({ shop: { CRAWL: json } })
        assert.deepStrictEqual(yield* Config.nested(crawl, "shop").parse(nested), expected)
      }
    })
  )

  it.effect("has the defaults for empty, absent and Kubernetes' variables", () =>
    Effect.gen(function* () {
      const env = {
        CRAWL_RETRIES: "",
        CRAWL_BREAKER_PROBES: "",
        CRAWL_PORT: "tcp://10.0.0.1:80",
        CRAWL_PORT_80_TCP: "tcp://10.0.0.1:80",
        CRAWL_PORT_80_TCP_ADDR: "10.0.0.1",
        CRAWL_SERVICE_HOST: "10.0.0.1",
        CRAWL_SERVICE_PORT: "80",
        CRAWL_SERVICE_PORT_HTTP: "80",
        CRAWLER: "x"
      }
      for (const provider of [fromEnv({}), fromEnv(env), ConfigProvider.constantCase(fromEnv(env))]) {
        assert.deepStrictEqual(yield* crawl.parse(provider), RetryPolicy.make())
      }
    })
  )
})

describe("a name that is not a field", () => {
  const wrong: ReadonlyArray<readonly [name: string, says: string]> = [
    ["CRAWL_RETIRES", "CRAWL_RETIRES is not a field; the nearest is CRAWL_RETRIES"],
    ["CRAWL_RATELIMIT_LIMITS", "CRAWL_RATELIMIT_LIMITS is not a field; the nearest is CRAWL_RATE_LIMIT_LIMIT"],
    [
      "CRAWL_BREAKER_OPENFOR_BASES",
      "CRAWL_BREAKER_OPENFOR_BASES is not a field; the nearest is CRAWL_BREAKER_OPEN_FOR_BASE"
    ],
    ["CRAWL_XYZ", "CRAWL_XYZ is not a field"],
    ["CRAWL_RETRIES_MAX", "CRAWL_RETRIES_MAX is not a field; the nearest is CRAWL_RETRIES"],
    ["CRAWL_RATELIMIT_LIMIT", "CRAWL_RATELIMIT_LIMIT is not read: write CRAWL_RATE_LIMIT_LIMIT"],
    [
      "CRAWL_OVERRIDES_NOT_FOUND_RETRIES",
      "CRAWL_OVERRIDES_NOT_FOUND_RETRIES is not a field: CRAWL_OVERRIDES takes one JSON object"
    ],
    ["CRAWL_RETRIES_0", "CRAWL_RETRIES is a list, and the field takes one value"]
  ]
  for (const [name, says] of wrong) {
    it.effect(`is refused: ${name}`, () =>
      Effect.gen(function* () {
        const env = { [name]: "5", CRAWL_DEADLINE: "1 minute" }
        for (const provider of [fromEnv(env), ConfigProvider.constantCase(fromEnv(env))]) {
          assert.include(yield* refusal(provider), `${says}\n`)
        }
      })
    )
  }

  it.effect("is refused in a document, under a name of two words and where it is nested", () =>
    Effect.gen(function* () {
      const document = ConfigProvider.fromUnknown({ CRAWL: { retires: 5, rateLimit: { limits: 4 }, quick: [1] } })
      const said = yield* refusal(document)
      assert.include(said, "CRAWL.retires is not a field; the nearest is CRAWL.retries")
      assert.include(said, "CRAWL.rateLimit.limits is not a field; the nearest is CRAWL.rateLimit.limit")
      assert.include(said, "CRAWL.quick is not a field")
      assert.include(yield* refusal(ConfigProvider.fromUnknown({ CRAWL: "retries=5" })), "given by its fields")
      assert.include(
        yield* refusal(fromEnv({ SITE_CRAWL_RETIRES: "5" }), RetryPolicy.config("SITE_CRAWL")),
        "SITE_CRAWL_RETIRES is not a field"
      )
      assert.include(
        yield* refusal(fromEnv({ SHOP_CRAWL_RETIRES: "5" }), Config.nested(crawl, "SHOP")),
        "SHOP_CRAWL_RETIRES is not a field"
      )
    })
  )

  it.effect("is reported together with every other problem, by path", () =>
    Effect.gen(function* () {
      const said = yield* refusal(
        fromEnv({
          CRAWL_RETIRES: "5",
          CRAWL_RETRIES: "many",
          CRAWL_ATTEMPT_TIMEOUT: "soon",
          CRAWL_RATE_LIMIT_LIMIT: "0",
          CRAWL_BUDGET: "standard",
          CRAWL_BUDGET_RATIO: "0.1",
          CRAWL_OVERRIDES: "give up",
          CRAWL_crawl: "s3cret"
        })
      )
      for (const one of [
        "CRAWL_RETIRES is not a field",
        'at ["CRAWL"]["retries"]',
        'at ["CRAWL"]["attemptTimeout"]',
        'at ["CRAWL"]["rateLimit"]["limit"]',
        'Missing key\n  at ["CRAWL"]["rateLimit"]["window"]',
        'give one text or fields, not both\n  at ["CRAWL"]["budget"]',
        'not a JSON object\n  at ["CRAWL"]["overrides"]'
      ]) {
        assert.include(said, one)
      }
      assert.notInclude(said, "s3cret")
    })
  )

  it.effect("does not set a field that another name sets", () =>
    Effect.gen(function* () {
      assert.include(
        yield* refusal(fromEnv({ CRAWL_RETRIES: "5", CRAWL_retries: "4" })),
        "CRAWL_RETRIES is not read: another name sets the same field"
      )
      assert.strictEqual((yield* crawl.parse(fromEnv({ CRAWL_RETRIES: "5", CRAWL_retries: "5" }))).retries, 5)
    })
  )
})

describe("no retries at all", () => {
  it.effect("are allowed with any other setting, from every source", () =>
    Effect.gen(function* () {
      for (const json of policies) {
        const none = { ...json, retries: 0 }
        const decoded = yield* RetryPolicy.fromJson(none)
        assert.strictEqual(decoded.retries, 0)
        assert.deepStrictEqual(RetryPolicy.make(decoded), decoded)
        assert.deepStrictEqual(RetryPolicy.make({ ...(yield* RetryPolicy.fromJson(json)), retries: 0 }), decoded)
        assert.deepStrictEqual(yield* crawl.parse(fromEnv(under("CRAWL", variables(none)))), decoded)
        assert.isAbove(RetryPolicy.describe(decoded).length, 0)
      }
    })
  )
})
