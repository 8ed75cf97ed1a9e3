import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { displayWidth } from "effect/cli/CliOutput"
import { run } from "./cli.ts"

describe("the demo", () => {
  it.live("ends by itself, and shows every code, what was saved, and one alert for each kind", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* run(["demo"], undefined, "")
      assert.strictEqual(code, 0)
      for (const seen of ["insufficient_balance", "invalid_request", "internal_error"]) {
        assert.match(stdout, new RegExp(`^yes +job +${seen}$`, "m"))
      }
      for (const seen of ["host_returned_error", "website_access_denied", "name_not_resolved", "internal_error"]) {
        assert.match(stdout, new RegExp(`^yes +item +${seen}$`, "m"))
      }
      // Three at least: on a busy machine a page may take longer than its timeout, which a retry mends.
      assert.match(stdout, /saved by retrying: ([3-9]|\d{2,}) pages;\nsaved by redrive: \d+ pages? in \d+ rounds?/)
      for (const line of stdout.split("\n").filter((line) => !/^(==|[{[])/.test(line)))
        assert.isAtMost(displayWidth(line), 80)
      const alerts = [...stdout.matchAll(/^(?:warn|error|fatal) +(\w+) +(\w+)/gm)].map(
        ([, level, name]) => `${level}/${name}`
      )
      assert.lengthOf([...new Set(alerts)], alerts.length)
      assert.includeMembers(alerts, ["item/host_returned_error", "job/internal_error"])
      const heard = [...stdout.matchAll(/^chat got: (.*)$/gm)].map(([, text]) => text)
      assert.deepStrictEqual(heard, ["opened, 25 new failures", "resolved, 0 new failures"])
      assert.match(stdout, /held back by silence: deploy$/m)
      const logged = stderr.split("\n").filter((line) => line.startsWith("{"))
      assert.isTrue(logged.every((line) => typeof JSON.parse(line).message === "string"))
    })
  )
})
