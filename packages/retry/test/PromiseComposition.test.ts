import { AsyncLocalStorage } from "node:async_hooks"
import { setTimeout as sleep } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import * as Observer from "@redrive/core/Observer"
import * as Retry from "@redrive/retry/Retry"
import { isRetryExhausted } from "@redrive/retry/RetryExhausted"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"

const soon = { base: "2 millis", cap: "2 millis", jitter: "none" } as const
const policyOf = (options: Parameters<typeof RetryPolicy.make>[0] = {}) =>
  RetryPolicy.make({ retries: 2, quick: soon, steady: soon, slow: soon, ...options })

const down = () => Object.assign(new Error("no answer"), { code: "ECONNRESET" })

/** Ends only with its signal. */
const hangs = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))

/** What a promise comes to, or `hangs` if nothing has come of it by then. */
const within = <A>(promise: PromiseLike<A>, millis = 500) =>
  Promise.race([Promise.resolve(promise).catch((error: unknown) => error), sleep(millis, "hangs", { ref: false })])

/** What a function throws or its promise rejects with, told apart. */
const failureOf = (call: () => Promise<unknown>) => {
  try {
    return call().then(
      () => "resolved",
      (error: unknown) => ["rejected", error]
    )
  } catch (error) {
    return ["thrown", error]
  }
}

/** What observers hear while a program runs. */
const heardBy = async (
  program: (context: Awaited<ReturnType<ReturnType<typeof runtimeOf>["context"]>>) => Promise<unknown>
) => {
  const reports: Array<unknown> = []
  const runtime = runtimeOf(reports)
  await program(await runtime.context()).catch(() => undefined)
  await runtime.dispose()
  return reports
}

const runtimeOf = (reports: Array<unknown>) =>
  ManagedRuntime.make(Observer.layer({ report: ({ attributes }) => void reports.push(attributes["call"]) }))

describe("the AsyncLocalStorage of a call by promises", () => {
  const storage = new AsyncLocalStorage<string>()

  it("is the caller's own in every attempt after a timeout, and never that of another caller", async () => {
    const runner = Retry.make(policyOf({ attemptTimeout: "20 millis" }))
    const seen: Record<string, Array<string | undefined>> = {}
    const call = (customer: string) =>
      storage.run(customer, () =>
        runner.promise((signal) => {
          const stores = (seen[customer] ??= [])
          stores.push(storage.getStore())
          return stores.length < 3 ? hangs(signal) : Promise.resolve("done")
        })
      )
    await Promise.all([call("a"), call("b")])
    assert.deepStrictEqual(seen, { a: ["a", "a", "a"], b: ["b", "b", "b"] })
  })

  it("is not that of a call that has ended before", async () => {
    const runner = Retry.make(policyOf({ attemptTimeout: "30 millis" }))
    await storage.run("before", () => runner.promise(async () => "done"))
    const stores: Array<string | undefined> = []
    await storage.run("now", () =>
      runner.promise((signal) => {
        stores.push(storage.getStore())
        return stores.length < 2 ? hangs(signal) : Promise.resolve("done")
      })
    )
    assert.deepStrictEqual(stores, ["now", "now"])
  })
})

describe("a call by promises whose own functions are wrong", () => {
  const bulkhead = { concurrent: 1, queue: 0 }

  it("rejects and gives its place back if `errorOf` throws as the call is refused", async () => {
    const runner = Retry.make(policyOf({ retries: 0, breaker: { trip: { failures: 1 } }, bulkhead }))
    await runner.promise(() => Promise.reject(down())).catch(() => undefined)
    const mine = new TypeError("mine")
    const errorOf = () => {
      throw mine
    }
    assert.deepStrictEqual(await failureOf(() => runner.promise(async () => 1, { errorOf })), ["rejected", mine])
    const next = await within(runner.promise(async () => 1))
    // Its breaker is open, and its bulkhead is empty.
    assert.strictEqual(isRetryExhausted(next) && next.because, "breaker")
  })

  it("rejects and gives its place back if its attempt is no function", async () => {
    const runner = Retry.make(policyOf({ retries: 0, bulkhead }))
    const attempt = undefined as unknown as () => Promise<number>
    const failure = await failureOf(() => runner.promise(attempt))
    assert.strictEqual(await within(runner.promise(async () => 1)), 1)
    assert.strictEqual(failure[0], "rejected")
  })
})

describe("an attempt that answers with no promise", () => {
  const answers = <A>(answer: () => A) => answer as unknown as () => Promise<A>

  it("succeeds after a failure as it does at once", async () => {
    let tried = 0
    const attempt = answers(() => {
      if (++tried < 2) throw down()
      return "done"
    })
    assert.strictEqual(await within(Retry.make(policyOf()).promise(attempt)), "done")
  })

  it("succeeds in a call with a signal, too", async () => {
    const { signal } = new AbortController()
    const runner = Retry.make(policyOf())
    assert.strictEqual(
      await within(
        runner.promise(
          answers(() => "done"),
          { signal }
        )
      ),
      "done"
    )
    assert.strictEqual(
      await within(
        runner.promise(
          answers(() => undefined),
          { signal }
        )
      ),
      undefined
    )
  })

  it("is tried again with a signal if its thenable passes on a promise that rejects", async () => {
    const { signal } = new AbortController()
    let tried = 0
    // As `Promise.resolve` takes it, which is how a first attempt without a signal is taken.
    const attempt = () => {
      const answer = ++tried < 2 ? Promise.reject(down()) : Promise.resolve("done")
      const then = (resolve: (value: unknown) => unknown) => resolve(answer)
      // oxlint-disable-next-line unicorn/no-thenable
      return Object.fromEntries([["then", then]]) as unknown as PromiseLike<string>
    }
    assert.strictEqual(await within(Retry.make(policyOf()).promise(attempt, { signal })), "done")
  })
})

describe("the signal of an attempt", () => {
  it("is given to a function that declares it", async () => {
    const runner = Retry.make(policyOf())
    assert.strictEqual(await runner.promise(async (signal) => signal instanceof AbortSignal), true)
    assert.strictEqual(await runner.promise(async (...all: ReadonlyArray<AbortSignal>) => all[0]), undefined)
  })

  it("aborts for the same reason in every attempt that times out", async () => {
    const reasons: Array<unknown> = []
    const runner = Retry.make(policyOf({ attemptTimeout: "10 millis" }))
    const attempt = (signal: AbortSignal) =>
      new Promise<never>(() => signal.addEventListener("abort", () => reasons.push(signal.reason)))
    await within(runner.promise(attempt))
    assert.deepStrictEqual(
      reasons.map((reason) => Cause.isTimeoutError(reason)),
      [true, true, true]
    )
  })

  it("aborts for the reason of the call's signal", async () => {
    const controller = new AbortController()
    let reason: unknown
    const attempt = (signal: AbortSignal) =>
      new Promise<never>(() => signal.addEventListener("abort", () => (reason = signal.reason)))
    const call = Retry.make(policyOf()).promise(attempt, { signal: controller.signal })
    controller.abort("the client has gone")
    await within(call)
    assert.strictEqual(reason, "the client has gone")
  })
})

describe("a call by promises within another call", () => {
  it("is not reported while the call around it, which it knows, tries again", async () => {
    const inner = Retry.make(policyOf(), "inner")
    const outer = Retry.make(policyOf(), "outer")
    let tried = 0
    const attempt = async () => {
      if (++tried < 3) throw down()
      return "done"
    }
    // The context says that it is within a call: it tries once, and ends with `nested`, which is not the end.
    const asEffect = Effect.flatMap(Effect.context(), (context) =>
      // The failure's own verdict is what the outer call reads.
      // @effect-diagnostics-next-line unknownInEffectCatch:off
      Effect.tryPromise({ try: () => inner.promise(attempt, { context }), catch: (error) => error })
    )
    const reports = await heardBy((context) => Effect.runPromiseWith(context)(outer.run(asEffect)))
    assert.strictEqual(tried, 3)
    assert.deepStrictEqual(reports, [])
  })

  it("is not tried again, nor reported, where it is given the attempt's signal: the call around it tries again", async () => {
    const inner = Retry.make(policyOf(), "inner")
    const outer = Retry.make(policyOf(), "outer")
    let tried = 0
    const attempt = async () => {
      tried++
      throw down()
    }
    const reports = await heardBy((context) =>
      outer.promise((signal) => inner.promise(attempt, { context, signal }), { context })
    )
    assert.strictEqual(tried, 3)
    assert.deepStrictEqual(reports, ["outer"])
  })

  it("ends if both are of one runner with a bulkhead, as effects do", async () => {
    const bulkhead = { concurrent: 1, queue: 1 }
    const effects = Retry.make(policyOf({ bulkhead }))
    assert.strictEqual(await within(Effect.runPromise(effects.run(effects.run(Effect.succeed("done"))))), "done")
    const promises = Retry.make(policyOf({ bulkhead }))
    assert.notStrictEqual(
      await within(promises.promise((signal) => promises.promise(async () => "done", { signal }))),
      "hangs"
    )
  })

  describe("that times out while it creates something", () => {
    const outer = () => Retry.make(policyOf({ attemptTimeout: "20 millis" }), "outer")
    const creating = () => Retry.make(policyOf({ operation: "create" }), "creating")

    /** Sends a creation that is never answered. */
    const sender = () => {
      const sent = { times: 0 }
      const send = () => {
        sent.times++
        return new Promise<never>(() => undefined)
      }
      return { send, sent }
    }

    it("does not create it again, as an effect within an effect does not", async () => {
      const asEffects = sender()
      const create = Effect.suspend(() => Effect.promise(asEffects.send))
      await within(Effect.runPromise(outer().run(creating().run(create))))
      assert.strictEqual(asEffects.sent.times, 1)
      const byPromises = sender()
      await within(outer().promise((signal) => creating().promise(byPromises.send, { signal })))
      assert.strictEqual(byPromises.sent.times, 1)
    })

    it("does not create it again if the inner call knows of the outer one, and has no signal", async () => {
      const { send, sent } = sender()
      const create = Effect.flatMap(Effect.context(), (context) =>
        Effect.promise(() => creating().promise(send, { context }))
      )
      await within(Effect.runPromise(outer().run(create)))
      assert.strictEqual(sent.times, 1)
    })
  })
})
