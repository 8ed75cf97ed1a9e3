import { assert, describe, it } from "@effect/vitest"
import * as Preset from "@redrive/retry/Preset"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
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
          assert.strictEqual(yield* refusal(provider), says)
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
      assert.include(said, "CRAWL.quick is a list; allowed: fields of its own, such as CRAWL.quick.kind")
      assert.include(
        yield* refusal(ConfigProvider.fromUnknown({ CRAWL: "retries=5" })),
        "CRAWL is a text; allowed: fields of its own, such as CRAWL_RETRIES"
      )
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
      assert.deepStrictEqual(said.split("\n"), [
        'CRAWL_OVERRIDES is "give up"; allowed: a JSON object',
        "CRAWL_BUDGET: give one text or fields, not both",
        "CRAWL_RETIRES is not a field; the nearest is CRAWL_RETRIES",
        "CRAWL.crawl is not a field",
        'CRAWL_RETRIES is "many"; allowed: an integer of 0 or more',
        'CRAWL_ATTEMPT_TIMEOUT is "soon"; allowed: a finite duration above zero, such as "10 seconds"',
        'CRAWL_RATE_LIMIT_LIMIT is "0"; allowed: an integer of 1 or more',
        'CRAWL_RATE_LIMIT_WINDOW is missing; allowed: a finite duration above zero, such as "10 seconds"'
      ])
      assert.notInclude(said, "s3cret")
    })
  )

  it.effect("does not set a field that another name sets", () =>
    Effect.gen(function* () {
      assert.include(
        yield* refusal(fromEnv({ CRAWL_RETRIES: "5", CRAWL_retries: "4" })),
        "CRAWL.retries is not read: another name sets the same field"
      )
      assert.strictEqual((yield* crawl.parse(fromEnv({ CRAWL_RETRIES: "5", CRAWL_retries: "5" }))).retries, 5)
    })
  )
})

describe("a value that is refused", () => {
  const wrong: ReadonlyArray<readonly [env: Env, ...says: ReadonlyArray<string>]> = [
    [{ RETRIES: "-1" }, 'CRAWL_RETRIES is "-1"; allowed: an integer of 0 or more'],
    [
      { ATTEMPT_TIMEOUT: "10s", DEADLINE: "-5 seconds" },
      'CRAWL_ATTEMPT_TIMEOUT is "10s"; allowed: a finite duration above zero, such as "10 seconds"',
      'CRAWL_DEADLINE is "-5 seconds"; allowed: a finite duration above zero, such as "10 seconds"'
    ],
    [
      { BREAKER_TRIP_FAILURES: "8" },
      "CRAWL_BREAKER_TRIP_TAG is missing; allowed: Consecutive, CountWindow, TimeWindow (CRAWL_BREAKER_TRIP_FAILURES belongs to Consecutive)"
    ],
    [
      { BREAKER_TRIP_TAG: "Consecutive", BREAKER_TRIP_FAILURES: "8", BREAKER_TRIP_SIZE: "9" },
      'CRAWL_BREAKER_TRIP_SIZE belongs to CountWindow; CRAWL_BREAKER_TRIP_TAG is "Consecutive"'
    ],
    [{ BREAKER: "true" }, "CRAWL_BREAKER is a text; allowed: fields of its own, such as CRAWL_BREAKER_TRIP_TAG"],
    [
      { SERVER: "redis://:s3cret@127.0.0.1" },
      "CRAWL_SERVER is a text; allowed: fields of its own, such as CRAWL_SERVER_KIND"
    ],
    [
      { BREAKER_OPEN_FOR: "1 second" },
      "CRAWL_BREAKER_OPEN_FOR is a text; allowed: fields of its own, such as CRAWL_BREAKER_OPEN_FOR_KIND"
    ],
    [
      { BUDGET: "none" },
      'CRAWL_BUDGET is "none"; allowed: standard, aws2026, awsLegacy, grpc, finagle, sre, envoy, fields of its own, such as CRAWL_BUDGET_TAG'
    ],
    [{ QUICK_JITTER: "2" }, 'CRAWL_QUICK_JITTER is "2"; allowed: none, equal, full, a number above 0 and at most 1'],
    [
      { OVERRIDES: '{ "gone/not_found": { "retires": 1 } }' },
      "CRAWL_OVERRIDES.gone/not_found.retires is unknown; the nearest is CRAWL_OVERRIDES.gone/not_found.retries"
    ],
    [
      { RETRIES: "200", OPERATION: "create", HEDGE_AFTER: "1 second" },
      'CRAWL_RETRIES is "200": more than 100 retries need a deadline',
      "CRAWL_HEDGE: a creation is never sent twice: leave out the hedge"
    ],
    [{ QUICK_BASE: "11 seconds" }, 'CRAWL_QUICK_CAP is "10000 millis" by default: the cap is below the base'],
    [{ OPERATION: "w".repeat(99) }, `CRAWL_OPERATION is "${"w".repeat(60)}"; allowed: create, idempotent, poll, read`]
  ]
  for (const [env, ...says] of wrong) {
    it.effect(`is told with its variable and what is allowed: ${JSON.stringify(env)}`, () =>
      Effect.gen(function* () {
        const given = fromEnv(under("CRAWL", env))
        for (const provider of [given, ConfigProvider.constantCase(given)]) {
          assert.deepStrictEqual((yield* refusal(provider)).split("\n"), says)
        }
      })
    )
  }

  it.effect("is not taken for a missing one", () =>
    Effect.gen(function* () {
      const config = Config.withDefault(crawl, RetryPolicy.make({ retries: 99 }))
      assert.include(yield* refusal(fromEnv({ CRAWL_HEDGE_SHARE: "0.1" }), config), "CRAWL_HEDGE_AFTER is missing")
    })
  )

  it.effect("is told by its path in a document", () =>
    Effect.gen(function* () {
      const document = { retries: -1, breaker: true, budget: { ratio: 5 }, overrides: { gone: { giveup: true } } }
      assert.deepStrictEqual((yield* refusal(ConfigProvider.fromUnknown({ CRAWL: document }))).split("\n"), [
        "CRAWL.breaker is a text; allowed: fields of its own, such as CRAWL.breaker.trip._tag",
        'CRAWL.retries is "-1"; allowed: an integer of 0 or more',
        "CRAWL.overrides.gone.giveup is unknown; the nearest is CRAWL.overrides.gone.giveUp",
        "CRAWL.budget._tag is missing; allowed: Ratio, Tokens, Throttle, Adaptive, Concurrent (CRAWL.budget.ratio belongs to Ratio, Throttle, Concurrent)"
      ])
    })
  )
})

describe("settings for what configuration leaves out", () => {
  const shop = RetryPolicy.config("SHOP", Preset.service)
  const service = RetryPolicy.make(Preset.service)
  const parse = (env: Env, config = shop) => config.parse(fromEnv(under("SHOP", env)))

  it.effect("hold where a variable is absent or empty", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* parse({}), service)
      assert.deepStrictEqual(yield* parse({ DEADLINE: "" }), service)
      assert.deepStrictEqual(yield* parse({ RETRIES: "0" }), { ...service, retries: 0 })
      for (const json of policies) {
        const defaults = yield* RetryPolicy.fromJson(json)
        assert.deepStrictEqual(yield* parse({}, RetryPolicy.config("SHOP", defaults)), defaults)
        assert.deepStrictEqual(yield* parse(variables(json), RetryPolicy.config("SHOP", defaults)), defaults)
      }
    })
  )

  it.effect("hold field by field in nested fields", () =>
    Effect.gen(function* () {
      const { breaker = assert.fail("no breaker"), quick } = service
      assert.deepStrictEqual((yield* parse({ QUICK_BASE: "100 millis" })).quick, {
        ...quick,
        base: Duration.millis(100)
      })
      assert.deepStrictEqual((yield* parse({ BREAKER_TRIP_FAILURES: "9", BREAKER_PROBES: "2" })).breaker, {
        ...breaker,
        probes: 2,
        trip: { _tag: "Consecutive", failures: 9 }
      })
      const document = ConfigProvider.fromUnknown({ SHOP: { quick: { cap: "1 second" }, breaker: {} } })
      assert.deepStrictEqual(yield* shop.parse(document), { ...service, quick: { ...quick, cap: Duration.seconds(1) } })
    })
  )

  it.effect("give way to another rule, and to other overrides, as a whole", () =>
    Effect.gen(function* () {
      const trip = { TRIP_TAG: "CountWindow", TRIP_SIZE: "20", TRIP_RATE: "0.5", TRIP_MINIMUM: "10" }
      assert.deepStrictEqual((yield* parse(under("BREAKER", trip))).breaker?.trip, {
        _tag: "CountWindow",
        size: 20,
        rate: 0.5,
        minimum: 10
      })
      assert.deepStrictEqual(
        (yield* parse({ BUDGET_TAG: "Concurrent", BUDGET_RATIO: "0.1", BUDGET_FLOOR: "1" })).budget,
        {
          _tag: "Concurrent",
          ratio: 0.1,
          floor: 1
        }
      )
      const config = RetryPolicy.config("SHOP", { overrides: { gone: { giveUp: true } } })
      assert.deepStrictEqual((yield* parse({ OVERRIDES: '{ "lost": { "retries": 1 } }' }, config)).overrides, {
        lost: { retries: 1 }
      })
    })
  )

  it.effect("are told where they do not go with a variable", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(parse({ ATTEMPT_TIMEOUT: "9 seconds", BREAKER_TRIP_SIZE: "9" }))
      assert.strictEqual(
        error.message,
        'SHOP_BREAKER_TRIP_SIZE belongs to CountWindow; SHOP_BREAKER_TRIP_TAG is "Consecutive" by default'
      )
      assert.strictEqual(
        (yield* Effect.flip(parse({ ATTEMPT_TIMEOUT: "9 seconds" }))).message,
        'SHOP_DEADLINE is "5000 millis" by default: the deadline is shorter than one attempt'
      )
    })
  )

  it("are refused where the configuration is described", () => {
    assert.throws(() => RetryPolicy.config("SHOP", { retries: -1 }), "RetryPolicy.config: retries is -1; allowed:")
  })
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

describe("variables in front of a document", () => {
  const over = (env: Env, document: unknown) =>
    fromEnv(env).pipe(ConfigProvider.orElse(ConfigProvider.fromUnknown(document)))

  it.effect("go before it, and leave it what they do not set: overrides and a breaker of defaults, too", () =>
    Effect.gen(function* () {
      const CRAWL = { retries: 5, overrides: { "a/b": { giveUp: true } }, breaker: {}, bulkhead: { concurrent: 3 } }
      for (const env of [{ CRAWL_RETRIES: "0" }, { CRAWL_RETRIES: "0", CRAWL_ATTEMPT_TIMEOUT: "1 second" }]) {
        const policy = yield* crawl.parse(over(env, { CRAWL }))
        assert.deepStrictEqual(
          [policy.retries, policy.overrides, policy.bulkhead?.concurrent, policy.breaker?.probes],
          [0, CRAWL.overrides, 3, 1]
        )
      }
      const nested = Config.nested(crawl, "MY_SHOP")
      const shop = over({ MY_SHOP_CRAWL_RETRIES: "0" }, { MY_SHOP: { CRAWL: { retries: 5 } } })
      assert.strictEqual((yield* nested.parse(shop)).retries, 0)
    })
  )
})
