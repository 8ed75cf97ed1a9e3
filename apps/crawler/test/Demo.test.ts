import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { run } from "./cli.ts"

describe("the demo", () => {
  it.live("ends by itself, in time, and shows every code, what was saved, and one alert for each kind", () =>
    Effect.gen(function* () {
      const [elapsed, { code, stderr, stdout }] = yield* Effect.timed(run(["demo"]))
      assert.strictEqual(code, 0)
      for (const seen of ["insufficient_balance", "invalid_request", "internal_error"]) {
        assert.match(stdout, new RegExp(`^yes +job +${seen}$`, "m"))
      }
      for (const seen of ["host_returned_error", "website_access_denied", "name_not_resolved", "internal_error"]) {
        assert.match(stdout, new RegExp(`^yes +item +${seen}$`, "m"))
      }
      assert.match(stdout, /saved by retrying: 3 pages; saved by redrive: 1 page in 1 round/)
      const alerts = [...stdout.matchAll(/^(?:warn|error|fatal) +(\w+) +(\w+)/gm)].map(
        ([, level, name]) => `${level}/${name}`
      )
      assert.lengthOf([...new Set(alerts)], alerts.length)
      assert.includeMembers(alerts, ["item/host_returned_error", "job/internal_error"])
      const logged = stderr.split("\n").filter((line) => line.startsWith("{"))
      assert.isTrue(logged.every((line) => typeof JSON.parse(line).message === "string"))
      assert.isBelow(Duration.toSeconds(elapsed), 15)
    })
  )
})
