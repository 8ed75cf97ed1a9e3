import { spawnSync } from "node:child_process"
import { join } from "node:path"
import process from "node:process"
import { assert, describe, it } from "vitest"

const look = (name: string) => {
  const script = join(import.meta.dirname, "../hover.ts")
  const cwd = join(import.meta.dirname, "fixtures/hover", name)
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", script, "."],
    { cwd, encoding: "utf8" }
  )
  return { status, stdout, missing: stderr.trim().split("\n") }
}

describe("what an editor shows", () => {
  it("is complete where each name has a sentence, and each option a default that the README knows", () => {
    assert.deepStrictEqual(look("said"), { status: 0, stdout: "one: 0 missing\n", missing: [""] })
  })

  it("is asked for by file, line and name where it is missing", () => {
    const { missing, status, stdout } = look("silent")
    assert.deepStrictEqual([status, stdout], [1, `one: ${missing.length} missing\n`])
    assert.deepStrictEqual(missing, [
      "one/src/One.ts:4 OneOptions: no sentence",
      "one/src/One.ts:6 OneOptions.attempts: no default",
      "one/src/One.ts:7 OneOptions.url: no sentence",
      "one/src/One.ts:9 OneOptions.timeout.most: no sentence",
      "one/src/One.ts:13 Rule: no sentence",
      "one/src/One.ts:14 Rule.size: no sentence",
      "one/src/One.ts:16 Rule.rest: no default",
      "one/src/One.ts:23 Rule: no sentence",
      "one/src/One.ts:26 OneError.reason: no sentence",
      "one/src/One.ts:27 OneError.reasons: no sentence",
      "one/src/One.ts:32 Hidden.inner: no sentence",
      "one/src/One.ts:38 two.first: no sentence",
      "one/src/One.ts:40 now: no sentence",
      "one/README.md:5 timeout: `10 seconds`, but the option says in its comment: 5 seconds.",
      "one/README.md:6 gone: no option has this name"
    ])
  })
})
