import { assert, describe, it } from "@effect/vitest"
import * as Operation from "@redrive/retry/Operation"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

const none = { base: Duration.millis(1), cap: Duration.millis(1) }
const policy = RetryPolicy.make({ retries: 2, quick: none, steady: none, slow: none, operation: "create" })

const coded = (code: string, more: object = {}) => Object.assign(new Error(code), { code, ...more })

/** How often a creation with this failure is sent. */
const sentOf = Effect.fnUntraced(function* (failure: unknown) {
  let sent = 0
  const create = Effect.suspend(() => (sent++, Effect.fail(failure)))
  const { because } = yield* Effect.flip(Retry.retry(create, policy))
  return [sent, because] as const
})

describe("a creation", () => {
  const once: { readonly [what: string]: unknown } = {
    "whose answer timed out, in got": coded("ETIMEDOUT", { name: "TimeoutError", event: "response" }),
    "whose answer timed out, in axios": coded("ETIMEDOUT", { name: "AxiosError", request: {} }),
    "whose host became unreachable": coded("EHOSTUNREACH", { syscall: "read" }),
    "of two, one of which was reset": new AggregateError([
      coded("ECONNREFUSED", { syscall: "connect" }),
      coded("ECONNRESET", { syscall: "read" })
    ]),
    "that was answered 503": { status: 503 }
  }
  for (const [what, failure] of Object.entries(once)) {
    it.live(`${what} is sent once`, () =>
      Effect.gen(function* () {
        assert.isTrue(Operation.isAmbiguous(failure))
        assert.deepStrictEqual(yield* sentOf(failure), [1, "ambiguous"])
      })
    )
  }

  it.live("that was never sent, or was refused for now, is sent again", () =>
    Effect.gen(function* () {
      for (const failure of [coded("ECONNREFUSED", { syscall: "connect" }), { status: 429 }]) {
        assert.isFalse(Operation.isAmbiguous(failure))
        assert.deepStrictEqual(yield* sentOf(failure), [3, "retries"])
      }
    })
  )

  it("is decided by the failure's own isAmbiguous", () => {
    assert.isFalse(Operation.isAmbiguous({ isAmbiguous: false, status: 503 }))
    assert.isTrue(Operation.isAmbiguous({ isAmbiguous: true, status: 400 }))
  })
})
