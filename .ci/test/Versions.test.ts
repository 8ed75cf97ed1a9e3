import { assert, describe, it } from "vitest"
import { unlocked, versionsOf, wrongVersions } from "../versions.ts"

const locked = versionsOf({
  importers: {
    ".": { dependencies: { effect: { version: "4.1.0" }, undici: { version: "8.12.4" } } },
    clients: {
      dependencies: {
        "@grpc/grpc-js": { version: "1.14.7(debug@4.4.3)" },
        "@redrive/core": { version: "link:../core" }
      },
      devDependencies: {
        bullmq: { version: "6.7.0(ioredis@6.0.0(supports-color@7.2.0))" },
        undici: { version: "7.0.1" }
      }
    }
  }
})

const wrong = (text: string) => wrongVersions("a.md", text, locked)

describe("the versions that a document names", () => {
  it("are those of the lockfile, as far as they are said", () => {
    const text =
      "| undici 8.12 `RetryAgent` | undici 7, undici 8.12.4 | BullMQ 6.7 and grpc-js 1.14 | Effect.retry 4.1 |"
    assert.deepStrictEqual(wrong(text), [])
    assert.deepStrictEqual(wrong("Against BullMQ 6.8, @grpc/grpc-js 1.1."), [
      "a.md: says BullMQ 6.8, and the lockfile has 6.7.0",
      "a.md: says @grpc/grpc-js 1.1, and the lockfile has 1.14.7"
    ])
    assert.deepStrictEqual(wrong("| undici 8.13 `RetryAgent` |"), [
      "a.md: says undici 8.13, and the lockfile has 8.12.4, 7.0.1"
    ])
    assert.deepStrictEqual(wrong("Effect.retry 4"), [])
    assert.deepStrictEqual(wrong("Effect.retry 5"), ["a.md: says Effect.retry 5, and the lockfile has 4.1.0"])
  })

  it("are not looked for where the workspace does not have the package", () => {
    assert.deepStrictEqual(wrong("axios-retry 4.5, core 3, Node.js 22.19, opossum-undici 1, since 2026"), [])
  })

  it("are right in docs/comparison.md", () => {
    assert.deepStrictEqual(unlocked(), [])
  })
})
