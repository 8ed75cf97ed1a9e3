import { assert, describe, it } from "@effect/vitest"
import * as Observer from "@redrive/core/Observer"
import * as Judge from "@redrive/core/Judge"
import * as Verdict from "@redrive/core/Verdict"
import * as Redrive from "@redrive/retry/Redrive"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Predicate from "effect/Predicate"
import type * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"

const seconds = Duration.seconds
const none = (base: number) => ({ base: seconds(base), cap: seconds(60), jitter: "none" as const })
const policy = RetryPolicy.make({
  retries: 2,
  quick: none(1),
  steady: none(4),
  slow: none(10),
  deadline: Duration.minutes(5)
})

const error = (verdict: Verdict.Verdict) => ({ verdict })
const quick = error(Verdict.transient("quick", 1))
const slow = error(Verdict.transient("slow"))
const permanent = error(Verdict.permanent)
const parked = error(Verdict.parked("top up"))
const throttled = error(Verdict.throttled(seconds(20)))

type Failure = ReturnType<typeof error>

const failed = (errors: { readonly [item: string]: Failure }) =>
  Object.entries(errors).map(([item, error]) => ({ item, error }))

const settled = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect)
  while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
  return yield* Fiber.join(fiber)
})

const items = (list: ReadonlyArray<{ readonly item: string }>) => list.map(({ item }) => item)

describe("a round loses nothing", () => {
  const two = RetryPolicy.make({ retries: 2, quick: none(1) })
  const batch = failed({ a: quick, b: quick, c: quick })

  for (const concurrency of [1, 3]) {
    it.effect(`when one item is interrupted, or dies, ${concurrency} at a time`, () =>
      Effect.gen(function* () {
        const seen: Array<string> = []
        const each = (item: string) =>
          item === "a" ? Effect.interrupt : item === "b" ? Effect.die("bug") : Effect.succeed(item)
        const onItem = (item: string, result: Result.Result<unknown, unknown>) =>
          Effect.sync(() => void seen.push(`${item} ${result._tag}`))
        const outcome = yield* settled(Redrive.run(batch, { policy: two, each, concurrency, onItem }))
        assert.deepStrictEqual(items(outcome.saved), ["c"])
        assert.deepStrictEqual(
          outcome.failed.map(({ because, error, item }) => [item, because, (error as Error).message]),
          [
            ["a", "interrupted", "the item was interrupted"],
            ["b", "permanent", "the item died of a defect"]
          ]
        )
        assert.sameMembers(seen, ["a Failure", "b Failure", "c Success"])
      })
    )
  }

  it.effect("when a callback dies, throws or is interrupted, or an item's cost is unknown", () =>
    Effect.gen(function* () {
      const throwing = (): never => {
        throw new Error("bug")
      }
      for (const callback of [() => Effect.die("bug"), throwing, () => Effect.interrupt]) {
        const options = {
          policy: two,
          each: (item: string) => Effect.succeed(item),
          onItem: callback,
          onPlan: callback
        }
        assert.deepStrictEqual(items((yield* settled(Redrive.run(batch, options))).saved), ["a", "b", "c"])
      }
      const spend = { limit: 10, cost: (item: string) => (item === "a" ? throwing() : 1) }
      const outcome = yield* settled(Redrive.run(batch, { policy: two, each: (item) => Effect.succeed(item), spend }))
      assert.deepStrictEqual(items(outcome.saved), ["b", "c"])
      assert.deepStrictEqual([outcome.failed[0]?.because, outcome.spent], ["spend", 2])
    })
  )

  it.effect("but ends when it is interrupted itself", () =>
    Effect.gen(function* () {
      let ran = 0
      const each = () =>
        Effect.andThen(
          Effect.sync(() => void ran++),
          Effect.never
        )
      const fiber = yield* Effect.forkChild(Redrive.run(batch, { policy: two, each, concurrency: 1 }))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.interrupt(fiber)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
      assert.strictEqual(ran, 1)
    })
  )

  it.effect("when a policy within it gives up: the failure decides", () =>
    Effect.gen(function* () {
      let asked = 0
      const page = Retry.retry(
        Effect.suspend(() => (++asked < 3 ? Effect.fail(quick) : Effect.succeed("page"))),
        RetryPolicy.make({ retries: 0 })
      )
      const error = yield* Effect.flip(page)
      const { rounds, saved } = yield* settled(Redrive.run([{ item: "a", error }], { policy: two, each: () => page }))
      assert.deepStrictEqual([rounds, items(saved)], [2, ["a"]])
      const made = Retry.retry(Effect.fail({ ...quick, isAmbiguous: true }), RetryPolicy.make({ operation: "create" }))
      const billed = Redrive.plan([{ item: "a", error: yield* Effect.flip(made) }], { policy: two }, 0)
      assert.strictEqual(billed.final[0]?.because, "permanent")
    })
  )
})

describe("a plan", () => {
  it("sends again what may succeed, after the wait of the most patient", () => {
    const { again, final, wait } = Redrive.plan(failed({ quick, slow, permanent, parked, throttled }), { policy }, 0)
    assert.deepStrictEqual(items(again), ["quick", "slow", "throttled"])
    assert.deepStrictEqual(
      final.map(({ because, item }) => [item, because]),
      [
        ["permanent", "permanent"],
        ["parked", "parked"]
      ]
    )
    assert.strictEqual(Duration.toSeconds(wait), 21)
  })

  it("ends after the policy's rounds; what a failure merits within a call does not matter", () => {
    const again = [1, 2, 3].map(
      (rounds) => Redrive.plan([{ item: "a", error: quick, rounds }], { policy }, 0).again.length
    )
    assert.deepStrictEqual(again, [1, 1, 0])
  })

  it("judges each item by its own rounds, and by the rounds that its code merits", () => {
    const busy = { code: "busy", verdict: Verdict.transient("quick") }
    const limited = { ...policy, overrides: { busy: { retries: 1 }, gone: { giveUp: true as const } } }
    const batch = [
      { item: "new", error: busy },
      { item: "old", error: busy, rounds: 2 },
      { item: "other", error: quick, rounds: 2 },
      { item: "gone", error: { code: "gone", verdict: Verdict.transient("quick") } }
    ]
    const { again, final } = Redrive.plan(batch, { policy: limited }, 0)
    assert.deepStrictEqual(items(again), ["new", "other"])
    assert.deepStrictEqual(
      final.map(({ because, item }) => [item, because]),
      [
        ["old", "retries"],
        ["gone", "permanent"]
      ]
    )
  })

  it("spends no more than it may, and says what it would cost", () => {
    const batch = [3, 5, 4, 1].map((price) => ({ item: `${price}`, error: quick }))
    const spend = { limit: 8, cost: (item: string) => Number(item) }
    const { again, cost, final } = Redrive.plan(batch, { policy, spend }, 0)
    assert.deepStrictEqual(items(again), ["3", "5"])
    assert.strictEqual(cost, 8)
    assert.deepStrictEqual(
      final.map(({ because, item }) => [item, because]),
      [
        ["4", "spend"],
        ["1", "spend"]
      ]
    )
  })

  it("counts what the rounds took against the deadline", () => {
    const { final } = Redrive.plan(failed({ quick, slow }), { policy, elapsed: seconds(295) }, 0)
    assert.deepStrictEqual(
      final.map(({ because, item }) => [item, because]),
      [["slow", "deadline"]]
    )
  })

  it("of nothing is nothing", () => {
    assert.deepStrictEqual(Redrive.plan([], {}, 0), { again: [], final: [], wait: Duration.zero, cost: 0 })
  })
})

describe("a run", () => {
  it.effect("saves what succeeds in a later round, and keeps what does not with its reason", () =>
    Effect.gen(function* () {
      const sent: Array<string> = []
      const events: Array<Observer.Event> = []
      const plans: Array<number> = []
      const begun = yield* Clock.currentTimeMillis
      const outcome = yield* settled(
        Redrive.run(failed({ a: quick, b: slow, c: permanent, d: quick }), {
          policy,
          name: "pages",
          onPlan: ({ again }) => Effect.sync(() => void plans.push(again.length)),
          each: (item, round) => {
            sent.push(`${item}${round}`)
            if (item === "a") return Effect.succeed("A")
            return item === "b" && round === 3 ? Effect.succeed("B") : Effect.fail(item === "b" ? quick : permanent)
          }
        }).pipe(Effect.provide(Observer.layer({ event: (event) => events.push(event) })))
      )
      assert.deepStrictEqual(outcome.saved, [
        { item: "a", value: "A", round: 2 },
        { item: "b", value: "B", round: 3 }
      ])
      assert.deepStrictEqual(
        outcome.failed.map(({ because, item }) => [item, because]),
        [
          ["c", "permanent"],
          ["d", "permanent"]
        ]
      )
      assert.strictEqual(outcome.rounds, 2)
      assert.deepStrictEqual(sent, ["a2", "b2", "d2", "b3"])
      assert.deepStrictEqual(plans, [3, 1])
      assert.deepStrictEqual(
        events.map((event) => event._tag === "Redriven" && [event.name, event.attempt, event.items]),
        [
          ["pages", 2, 3],
          ["pages", 3, 1]
        ]
      )
      assert.strictEqual((yield* Clock.currentTimeMillis) - begun, 12_000)
    })
  )

  it.effect("of nothing sends nothing", () =>
    Effect.gen(function* () {
      const outcome = yield* Redrive.run([], { each: () => Effect.die("sent") })
      assert.deepStrictEqual(outcome, { saved: [], failed: [], rounds: 0, spent: 0 })
    })
  )

  it.effect("keeps to its spend over all rounds, and tells what became of each item", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const outcome = yield* settled(
        Redrive.run(failed({ a: quick, b: quick, c: quick }), {
          policy,
          spend: { limit: 4, cost: () => 1 },
          onItem: (item, { _tag }, round) => Effect.sync(() => void told.push(`${round} ${item} ${_tag}`)),
          each: (item) => (item === "a" ? Effect.succeed(item) : Effect.fail(quick))
        })
      )
      assert.deepStrictEqual(told, ["2 a Success", "2 b Failure", "2 c Failure", "3 b Failure"])
      assert.strictEqual(outcome.spent, 4)
      assert.deepStrictEqual(
        outcome.failed.map(({ because, item, rounds }) => [item, because, rounds]),
        [
          ["c", "spend", 2],
          ["b", "retries", 3]
        ]
      )
    })
  )

  it.effect("runs so many items at a time, and no more", () =>
    Effect.gen(function* () {
      let running = 0
      let most = 0
      const each = () =>
        Effect.gen(function* () {
          most = Math.max(most, ++running)
          yield* Effect.sleep("1 second")
          running--
        })
      const many = Array.from({ length: 10 }, (_, item) => ({ item, error: quick }))
      yield* settled(Redrive.run(many, { policy, each, concurrency: 3 }))
      assert.strictEqual(most, 3)
    })
  )

  const pages = Schema.Array(
    Schema.Struct({
      verdict: Verdict.Verdict,
      succeedsAt: Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: 5 }))
    })
  ).check(Schema.isMaxLength(10))
  it.effect.prop("loses no item, and sends none again that has succeeded", { pages }, ({ pages }) =>
    Effect.gen(function* () {
      const succeeded = new Set<number>()
      const failures = pages.map(({ verdict }, item) => ({ item, error: error(verdict) }))
      const { failed, saved } = yield* settled(
        Redrive.run(failures, {
          policy,
          each: (item, round) => {
            assert.isFalse(succeeded.has(item))
            const page = pages[item]
            if (page === undefined || round < page.succeedsAt)
              return Effect.fail(error(page?.verdict ?? Verdict.permanent))
            succeeded.add(item)
            return Effect.succeed(item)
          }
        })
      )
      const seen = [...saved, ...failed].map(({ item }) => item)
      assert.deepStrictEqual(
        seen.toSorted((a, b) => a - b),
        pages.map((_, item) => item)
      )
    })
  )
})

describe("a merge", () => {
  it("has every item once, as the last round left it, in the order of the first", () => {
    const page = (url: string, status: number) => ({ url, status })
    const merged = Redrive.merge(
      [page("/a", 200), page("/b", 503), page("/c", 502)],
      [page("/b", 503), page("/c", 200), page("/b", 200), page("/d", 200)],
      ({ url }) => url
    )
    assert.deepStrictEqual(merged, [page("/a", 200), page("/b", 200), page("/c", 200), page("/d", 200)])
  })
})

describe("a redrive that loses nothing", () => {
  it.effect("reads errors as the program does", () =>
    Effect.gen(function* () {
      const batch = [{ item: "a", error: { code: "teapot" } }]
      const run = Redrive.run(batch, { policy, each: () => Effect.succeed("tea") })
      const reader = Judge.layer((failure) => (Predicate.hasProperty(failure, "code") ? Verdict.permanent : undefined))
      const outcome = yield* settled(Effect.provide(run, reader))
      assert.deepStrictEqual([outcome.rounds, outcome.failed[0]?.because], [0, "permanent"])
    })
  )

  it.effect("keeps what became of the others when one item dies of a defect", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const { failed: left, saved } = yield* settled(
        Redrive.run(failed({ a: quick, b: quick, c: quick }), {
          policy,
          each: (item) => (item === "b" ? Effect.die(new Error("a bug")) : Effect.succeed(item)),
          onItem: (item) => Effect.sync(() => void told.push(item))
        })
      )
      assert.deepStrictEqual(
        saved.map(({ item }) => item),
        ["a", "c"]
      )
      assert.deepStrictEqual(
        left.map(({ because, item }) => [item, because]),
        [["b", "permanent"]]
      )
      assert.sameMembers(told, ["a", "b", "c"])
    })
  )

  it("spends all of a limit that is a sum of fractions, and nothing on what has no price", () => {
    const batch = failed({ a: quick, b: quick, c: quick })
    const costing = (cost: number) => Redrive.plan(batch, { policy, spend: { limit: 0.3, cost: () => cost } }, 0)
    assert.lengthOf(costing(0.1).again, 3)
    assert.lengthOf(costing(NaN).again, 0)
    // Plain JavaScript may return anything.
    for (const cost of ["0.1", 1n, undefined, null, Symbol("cost"), {}, [], true, -Infinity])
      assert.lengthOf(costing(cost as never).again, 0)
  })

  it.effect("never fails for a price that is no number, whatever the limit", () =>
    Effect.gen(function* () {
      const batch = failed({ a: quick, b: quick })
      const spend = { limit: Infinity, cost: (item: string) => (item === "a" ? (1n as never) : 1) }
      const outcome = yield* settled(Redrive.run(batch, { policy, each: (item) => Effect.succeed(item), spend }))
      assert.deepStrictEqual([outcome.saved.length, outcome.failed[0]?.because, outcome.spent], [1, "spend", 1])
    })
  )

  it("merges batches that have a page twice", () => {
    const page = (url: string, body: string) => ({ url, body })
    const merged = Redrive.merge(
      [page("/a", "old"), page("/a", "old"), page("/b", "good")],
      [page("/a", "new")],
      ({ url }) => url
    )
    assert.deepStrictEqual(
      merged.map(({ body }) => body),
      ["new", "new", "good"]
    )
  })
})
