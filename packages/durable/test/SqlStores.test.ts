import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as SqlStores from "@redrive/durable/SqlStores"
import * as Distributed from "@redrive/retry/Distributed"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as Arbitrary from "effect/Arbitrary"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import * as Statement from "effect/sql/Statement"
import * as TestClock from "effect/testing/TestClock"

const { CircuitBreakerStore } = CircuitBreaker
const { RateLimiterStore } = RateLimiter
const { hours, millis, minutes, seconds } = Duration

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const list = <S extends Schema.Top>(item: S) =>
  Arbitrary.schema(Schema.Array(item).check(Schema.isMinLength(20), Schema.isMaxLength(60)))

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "stores-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** Both stores in a database, with its client. */
const stores = (filename: string, options: SqlStores.BreakerOptions = {}) => {
  const { idleTimeToLive: _, probeLease: __, ...shared } = options
  return Layer.build(
    Layer.mergeAll(
      SqlStores.layerCircuitBreakerStore(options),
      SqlStores.layerRateLimiterStore(shared),
      SqlStores.layer(options)
    ).pipe(Layer.provideMerge(Sqlite.layer({ filename })))
  )
}

const runs = { arbitrary: { runs: 200 } }

describe("a store of rate limits", () => {
  const act = Schema.Struct({
    act: Schema.Literals(["window", "bucket", "adapt", "feed", "pass"]),
    key: int(0, 1),
    tokens: Schema.Literals([0.5, 1, 2, 7]),
    /** Whether a take may go beyond the limit, or an answer belongs to the newest epoch. */
    isFree: Schema.Boolean,
    // Steps of half a second, so that acts meet at the ends of phases.
    steps: int(0, 6),
    isLong: Schema.Boolean
  })

  it.effect.prop(
    "answers as Effect's own in memory",
    { acts: list(act) },
    ({ acts }) =>
      Effect.gen(function* () {
        const sql = Context.get(yield* stores(":memory:"), RateLimiterStore)
        const memory = Context.get(yield* Layer.build(RateLimiter.layerStoreMemory), RateLimiterStore)
        const epochs = new Map<string, number>()
        /** Does the same with a store; a `bucket` of the second key has an interval that is no whole number. */
        const done = (store: typeof sql, { act, isFree, key: n, steps, tokens }: (typeof acts)[number]) => {
          const key = `k${n}`
          const refillRate = millis(n === 0 ? 100 : 62.5)
          switch (act) {
            case "window":
              return store.fixedWindow({ key, tokens, refillRate, limit: isFree ? undefined : 5 })
            case "bucket":
              return store.tokenBucket({ key, tokens, refillRate, limit: 5, allowOverflow: isFree })
            case "adapt":
              return Effect.tap(
                store.adaptiveConsume({ key, tokens, fallbackLimit: 5, fallbackWindow: seconds(1) }),
                ({ epoch }) => Effect.sync(() => epochs.set(key, epoch))
              )
            case "feed": {
              const epoch = isFree ? (epochs.get(key) ?? 0) : 0
              return store.adaptiveFeedback({ key, tokens, epoch, status: 429, retryAfter: millis(steps * 500) })
            }
            case "pass":
              return Effect.void
          }
        }
        for (const [index, one] of acts.entries()) {
          if (one.act === "pass") yield* TestClock.adjust(one.isLong && one.steps > 5 ? "70 seconds" : one.steps * 500)
          const expected = yield* done(memory, one)
          assert.deepStrictEqual(yield* done(sql, one), expected, `act ${index}: ${JSON.stringify(one)}`)
        }
      }),
    runs
  )

  it.effect("begins a bucket's interval anew if a smaller limit finds it full, as Effect's own does", () =>
    Effect.gen(function* () {
      const layers = [yield* stores(":memory:"), yield* Layer.build(RateLimiter.layerStoreMemory)]
      const both = layers.map((context) => Context.get(context, RateLimiterStore))
      const draw = (limit: number) =>
        Effect.forEach(both, (store) =>
          store.tokenBucket({ key: "k", tokens: 1, limit, refillRate: seconds(1), allowOverflow: false })
        )
      assert.deepStrictEqual(yield* draw(10), [
        [9, 0],
        [9, 0]
      ])
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual(yield* draw(5), [
        [8, 0],
        [8, 0]
      ])
    })
  )

  it.effect("ignores answers that set no wait", () =>
    Effect.gen(function* () {
      const store = Context.get(yield* stores(":memory:"), RateLimiterStore)
      const answer = { key: "k", epoch: 0, tokens: 1 }
      yield* store.adaptiveFeedback({ ...answer, status: 503, retryAfter: seconds(1) })
      yield* store.adaptiveFeedback({ ...answer, status: 429, retryAfter: undefined })
      const asked = { key: "k", tokens: 1, fallbackLimit: 1, fallbackWindow: seconds(1) }
      assert.strictEqual((yield* store.adaptiveConsume(asked)).phase, "inactive")
    })
  )

  it.effect.each(["fixed-window", "token-bucket"] as const)(
    "of two clients gives out each token of a %s once, whoever asks at once",
    (algorithm) =>
      Effect.gen(function* () {
        const filename = join(yield* folder, "shared.db")
        const limiters = [yield* stores(filename), yield* stores(filename)].map((one) =>
          Context.get(one, RateLimiter.RateLimiter)
        )
        const take = (limiter: RateLimiter.RateLimiter, key: string) =>
          Effect.exit(limiter.consume({ key, algorithm, limit: 30, window: "1 minute" }))
        const asked = Array.from({ length: 100 }, (_, n) =>
          limiters.map((limiter) => take(limiter, `k${n % 2}`))
        ).flat()
        const taken = yield* Effect.all(asked, { concurrency: "unbounded" })
        assert.strictEqual(taken.filter(Exit.isSuccess).length, 60)
        const remaining = taken.flatMap((one) => (Exit.isSuccess(one) ? [one.value.remaining] : []))
        const each = Array.from({ length: 30 }, (_, n) => [n, n]).flat()
        assert.deepStrictEqual(
          remaining.toSorted((one, other) => one - other),
          each
        )
      })
  )

  it.effect("keeps services apart by their prefix", () =>
    Effect.gen(function* () {
      const filename = join(yield* folder, "shared.db")
      const take = Effect.flatMap(RateLimiter.RateLimiter, ({ consume }) =>
        Effect.exit(consume({ key: "k", limit: 1, window: "1 minute" }))
      )
      const one = yield* stores(filename, { prefix: "one:" })
      assert.isTrue(Exit.isSuccess(yield* Effect.provide(take, one)))
      assert.isFalse(Exit.isSuccess(yield* Effect.provide(take, one)))
      assert.isTrue(Exit.isSuccess(yield* Effect.provide(take, yield* stores(filename, { prefix: "two:" }))))
    })
  )
})

describe("a store of breakers", () => {
  const act = Schema.Struct({
    act: Schema.Literals(["admit", "admit", "record", "record", "record", "state", "pass"]),
    key: int(0, 1),
    which: int(0, 9),
    outcome: Schema.Literals(["Success", "Failure", "Failure", "Ignored"]),
    steps: int(0, 6),
    isLong: Schema.Boolean
  })

  const policies = [
    CircuitBreaker.consecutive(2),
    CircuitBreaker.rate({ threshold: 0.5, size: 4, minimumCalls: 2 })
  ] as const

  /** The answer to a call that asks to be admitted, without its generation, which every store counts in its own way. */
  const answerOf = (exit: Exit.Exit<CircuitBreaker.Admission, CircuitBreaker.CircuitBreakerError>) =>
    Exit.match(exit, {
      onFailure: (cause) => cause.reasons.map((one) => (one._tag === "Fail" ? one.error.reason : one)),
      onSuccess: ({ generation: _, ...rest }) => rest
    })

  it.effect.prop(
    "answers as Effect's own in memory",
    { acts: list(act) },
    ({ acts }) =>
      Effect.gen(function* () {
        // The store in memory knows no lease: a probe keeps its place for as long as it runs.
        const sql = Context.get(yield* stores(":memory:", { probeLease: "30 days" }), CircuitBreakerStore)
        const memory = Context.get(yield* Layer.build(CircuitBreaker.layerStoreMemory()), CircuitBreakerStore)
        const under: Array<{ readonly key: number; readonly generations: readonly [number, number] }> = []
        for (const [index, { act: what, isLong, key: n, outcome, steps, which }] of acts.entries()) {
          const key = `k${n}`
          const at = `act ${index}: ${what} ${key} ${outcome}`
          switch (what) {
            case "pass":
              yield* TestClock.adjust(isLong && steps > 5 ? hours(2) : millis(steps * 500))
              break
            case "state":
              assert.deepStrictEqual(yield* sql.state(key), yield* memory.state(key), at)
              break
            case "admit": {
              const expected = yield* Effect.exit(memory.admit(key))
              const found = yield* Effect.exit(sql.admit(key))
              assert.deepStrictEqual(answerOf(found), answerOf(expected), at)
              if (Exit.isSuccess(expected) && Exit.isSuccess(found))
                under.push({ key: n, generations: [expected.value.generation, found.value.generation] })
              break
            }
            case "record": {
              const [call] = under.splice(which % Math.max(1, under.length), 1)
              if (call === undefined) break
              const tripPolicy = policies[call.key] ?? policies[0]
              const record = { key: `k${call.key}`, outcome, tripPolicy, openFor: millis(500 + steps * 500) }
              const expected = yield* memory.record({ ...record, generation: call.generations[0] })
              assert.deepStrictEqual(yield* sql.record({ ...record, generation: call.generations[1] }), expected, at)
            }
          }
        }
      }),
    runs
  )

  const outcome = (key: string, { generation }: CircuitBreaker.Admission, what: "Success" | "Failure" | "Ignored") => ({
    key,
    generation,
    outcome: what,
    tripPolicy: CircuitBreaker.consecutive(1),
    openFor: seconds(1)
  })

  const fail = Effect.fnUntraced(function* (store: (typeof CircuitBreakerStore)["Service"], key: string) {
    yield* store.record(outcome(key, yield* store.admit(key), "Failure"))
  })

  it.effect("of two clients admits one probe, whoever asks at once", () =>
    Effect.gen(function* () {
      const filename = join(yield* folder, "shared.db")
      const both = [yield* stores(filename), yield* stores(filename)].map((one) =>
        Context.get(one, CircuitBreakerStore)
      )
      for (const store of both.slice(0, 1)) yield* fail(store, "k")
      yield* TestClock.adjust("1 second")
      const asked = Array.from({ length: 20 }, () => both.map((store) => Effect.exit(store.admit("k")))).flat()
      const answers = yield* Effect.all(asked, { concurrency: "unbounded" })
      const probes = answers.filter(Exit.isSuccess)
      assert.lengthOf(probes, 1)
      assert.isTrue(probes[0]?.value.probe)
    })
  )

  it.effect("renews the lease of a probe that runs, and lets another one take over from a lost one", () =>
    Effect.gen(function* () {
      const filename = join(yield* folder, "shared.db")
      const one = yield* stores(filename)
      const store = Context.get(one, CircuitBreakerStore)
      const other = Context.get(yield* stores(filename), CircuitBreakerStore)
      yield* fail(store, "k")
      yield* TestClock.adjust("1 second")
      const running = yield* Scope.make()
      const lost = yield* Scope.provide(store.admit("k"), running)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Effect.flip(other.admit("k"))).reason._tag, "CircuitHalfOpen")
      yield* Scope.close(running, Exit.void)
      yield* TestClock.adjust("7 seconds")
      // The last renewal was at most 3.4 seconds before the probe was lost.
      assert.deepInclude(yield* other.state("k"), { _tag: "HalfOpen", probing: true })
      yield* TestClock.adjust("3 seconds")
      assert.deepInclude(yield* other.state("k"), { _tag: "HalfOpen", probing: false })
      const second = yield* other.admit("k")
      assert.isTrue(second.probe)
      assert.isUndefined(second.transition)
      assert.isUndefined(yield* store.record(outcome("k", lost, "Success")))
      assert.deepInclude(yield* store.record(outcome("k", second, "Success")), { from: "HalfOpen", to: "Closed" })
    })
  )

  it.effect("tries a renewal again that failed, and logs it", () => {
    const lines: Array<string> = []
    const logger = Logger.layer([Logger.make(({ logLevel, message }) => lines.push(`${logLevel} ${String(message)}`))])
    return Effect.gen(function* () {
      const context = yield* stores(":memory:")
      const store = Context.get(context, CircuitBreakerStore)
      const sql = Context.get(context, SqlClient.SqlClient)
      yield* fail(store, "k")
      yield* TestClock.adjust("1 second")
      yield* store.admit("k")
      yield* sql`ALTER TABLE redrive_shared RENAME TO away`
      yield* TestClock.adjust("4 seconds")
      yield* sql`ALTER TABLE away RENAME TO redrive_shared`
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(yield* store.state("k"), { _tag: "HalfOpen", probing: true })
      assert.deepStrictEqual(lines, ["Error the lease of a breaker's probe could not be renewed; trying again"])
    }).pipe(Effect.provide(logger))
  })

  it.effect("keeps a place free that was given up while its renewal was on the way", () =>
    Effect.gen(function* () {
      const store = Context.get(yield* stores(":memory:"), CircuitBreakerStore)
      yield* fail(store, "k")
      yield* TestClock.adjust("1 second")
      yield* store.record(outcome("k", yield* store.admit("k"), "Ignored"))
      yield* TestClock.adjust("4 seconds")
      assert.deepInclude(yield* store.state("k"), { _tag: "HalfOpen", probing: false })
    })
  )

  it.effect("forgets its openings once it has been closed for as long as it was open", () =>
    Effect.gen(function* () {
      const store = Context.get(yield* stores(":memory:"), CircuitBreakerStore)
      yield* fail(store, "k")
      yield* TestClock.adjust("1 second")
      yield* store.record(outcome("k", yield* store.admit("k"), "Success"))
      yield* TestClock.adjust("999 millis")
      assert.strictEqual((yield* store.admit("k")).consecutiveOpenings, 1)
      yield* TestClock.adjust("1 milli")
      assert.strictEqual((yield* store.admit("k")).consecutiveOpenings, 0)
    })
  )

  it.effect("stays open for as long as it is told, even for ever", () =>
    Effect.gen(function* () {
      const store = Context.get(yield* stores(":memory:"), CircuitBreakerStore)
      yield* store.record({ ...outcome("k", yield* store.admit("k"), "Failure"), openFor: Duration.infinity })
      yield* TestClock.adjust(Duration.days(3))
      assert.strictEqual((yield* Effect.flip(store.admit("k"))).reason._tag, "CircuitOpen")
    })
  )

  it.effect("keeps a breaker for its idle time at least, and deletes its row some time after it", () =>
    Effect.gen(function* () {
      const context = yield* stores(":memory:", { idleTimeToLive: "30 minutes" })
      const store = Context.get(context, CircuitBreakerStore)
      const rows = Context.get(context, SqlClient.SqlClient)<{ readonly name: string }>`SELECT name FROM redrive_shared`
      const policy = { tripPolicy: CircuitBreaker.consecutive(2) }
      const failed = Effect.flatMap(store.admit("k"), (call) =>
        store.record({ ...outcome("k", call, "Failure"), ...policy })
      )
      yield* failed
      yield* TestClock.adjust("29 minutes")
      // A call that changes no count keeps it as well.
      yield* store.admit("k")
      yield* TestClock.adjust("29 minutes")
      assert.deepInclude(yield* failed, { to: "Open" })
      yield* TestClock.adjust("20 minutes")
      assert.lengthOf(yield* rows, 1)
      yield* TestClock.adjust("30 minutes")
      assert.lengthOf(yield* rows, 0)
      assert.deepStrictEqual(yield* store.state("k"), { _tag: "Closed", key: "k" })
    })
  )
})

describe("stores in SQLite", () => {
  const policy = RetryPolicy.make({
    retries: 0,
    breaker: {
      trip: { _tag: "Consecutive", failures: 2 },
      openFor: { kind: "constant", base: minutes(1), cap: minutes(1), jitter: "none" }
    },
    rateLimit: { limit: 100, window: seconds(1), maximumWait: seconds(1) }
  })

  it.effect("share a runner's breaker and limit between clients", () =>
    Effect.gen(function* () {
      const filename = join(yield* folder, "shared.db")
      const runner = Effect.flatMap(stores(filename), (context) =>
        Effect.provide(Distributed.make(policy, "page"), context)
      )
      const here = yield* runner
      const there = yield* runner
      for (let n = 0; n < 2; n++) yield* Effect.flip(here.run(Effect.fail("down")))
      const opened = Effect.map(Effect.exit(there.run(Effect.succeed(1))), Exit.isFailure)
      // Outcomes are recorded in the background.
      for (let isOpen = false; !isOpen; isOpen = yield* opened) yield* Effect.yieldNow
      assert.strictEqual((yield* Effect.flip(there.run(Effect.succeed(1)))).because, "breaker")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* there.run(Effect.succeed(1)), 1)
    })
  )

  it.effect("refuse a call within a transaction of the same client at once, and say why", () =>
    Effect.gen(function* () {
      const context = yield* stores(":memory:")
      const take = Effect.flatMap(RateLimiter.RateLimiter, ({ consume }) =>
        consume({ key: "k", limit: 1, window: "1 minute" })
      )
      const sql = Context.get(context, SqlClient.SqlClient)
      const { message } = yield* Effect.flip(sql.withTransaction(Effect.provide(take, context)))
      assert.include(message, "within a transaction of the same SQLite client")
      assert.deepInclude(yield* Effect.provide(take, context), { remaining: 0 })
    })
  )

  it.effect("fail for a key whose state cannot be read, and for no other", () =>
    Effect.gen(function* () {
      const context = yield* stores(":memory:")
      const sql = Context.get(context, SqlClient.SqlClient)
      const limiter = Context.get(context, RateLimiter.RateLimiter)
      const take = (key: string) => limiter.consume({ key, limit: 1, window: "1 minute" })
      yield* take("k")
      yield* sql`UPDATE redrive_shared SET state = '{}'`
      const { message, reason } = yield* Effect.flip(take("k"))
      assert.strictEqual(reason._tag, "RateLimitStoreError")
      assert.strictEqual(message, "the fixed window could not be read or written")
      yield* take("other")
      yield* sql`DROP TABLE redrive_shared`
      const breakers = Context.get(context, CircuitBreakerStore)
      assert.strictEqual((yield* Effect.flip(breakers.admit("k"))).reason._tag, "CircuitBreakerStoreError")
    })
  )

  it.effect("let calls through without their table, and guard them again once it is back", () => {
    const lines: Array<string> = []
    const logger = Logger.layer([Logger.make(({ message }) => lines.push(String(message)))])
    return Effect.gen(function* () {
      const context = yield* stores(":memory:")
      const sql = Context.get(context, SqlClient.SqlClient)
      const runner = yield* Effect.provide(
        Distributed.make(
          RetryPolicy.make({ retries: 0, rateLimit: { limit: 1, window: minutes(1), maximumWait: 0 } }),
          "page"
        ),
        context
      )
      const call = Effect.exit(runner.run(Effect.succeed(1)))
      assert.isTrue(Exit.isSuccess(yield* call))
      assert.isFalse(Exit.isSuccess(yield* call))
      yield* sql`ALTER TABLE redrive_shared RENAME TO away`
      assert.isTrue(Exit.isSuccess(yield* call))
      yield* sql`ALTER TABLE away RENAME TO redrive_shared`
      assert.isFalse(Exit.isSuccess(yield* call))
      assert.deepStrictEqual(lines, [
        "page: the store of its rate limit cannot be reached: calls are not limited",
        "page: the store of its rate limit answers again: calls are limited"
      ])
    }).pipe(Effect.provide(logger))
  })

  it.effect("refuse another database at the start", () =>
    Effect.gen(function* () {
      const compiler = Statement.makeCompiler({
        dialect: "mysql",
        placeholder: () => "?",
        onIdentifier: (name) => name,
        onRecordUpdate: () => ["", []],
        onCustom: () => ["", []]
      })
      const acquirer = Effect.die("no statement was expected")
      const mysql = SqlClient.make({ acquirer, compiler, driver: "none", spanAttributes: [] })
      const client = Layer.provide(Layer.effect(SqlClient.SqlClient, mysql), Reactivity.layer)
      const { message } = yield* Effect.flip(Layer.build(Layer.provide(SqlStores.layer(), client)))
      assert.strictEqual(message, "shared states need SQLite or PostgreSQL")
    })
  )

  it("name a wrong option", () => {
    assert.throws(
      () => SqlStores.layer({ probeLease: 0 }),
      "probeLease is 0; allowed: a duration above zero that has an end"
    )
    assert.throws(() => SqlStores.layerRateLimiterStore({ timeout: "soon" as "1 second" }), "timeout")
  })
})
