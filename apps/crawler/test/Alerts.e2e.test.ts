import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { catalogue } from "@redrive/core/CrawlCatalogue"
import * as Effect from "effect/Effect"
import { run } from "./cli.ts"
import { folder } from "./files.ts"

const example = join(import.meta.dirname, "../alert-routes.json")

describe("alerts plan", () => {
  it.live("says of every code of the catalogue who would be told, and when", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* run(["alerts", "plan", "--routes", example])
      assert.deepStrictEqual([code, stderr], [0, ""])
      const lines = stdout.trim().split("\n")
      for (const level of ["job", "item"] as const)
        for (const name of Object.keys(catalogue[level]))
          assert.isTrue(
            lines.some((line) => line.startsWith(level) && line.includes(` ${name} `)),
            name
          )
      const [, first = "", second = ""] = lines
      assert.match(first, /^job +insufficient_balance +Fatal +pages +pager +in 30 s$/)
      assert.match(second, /^job +insufficient_balance +Fatal +rest +chat +in 30 s$/)
      assert.match(stdout, /host_returned_error +\w+ +hosts +chat +after 20 failures within 10m, in 30 s/)
    })
  )

  it.live("says it of one failure at one time", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "routes.json")
      const night = { name: "night", match: { hours: [{ from: "22:00", to: "06:00" }] }, sinks: [] }
      const day = { name: "day", match: { hosts: ["*.example.com"] }, sinks: ["chat"], groupWait: "90 seconds" }
      writeFileSync(file, JSON.stringify([night, day]))
      const at = (time: string, host: string) =>
        run(["alerts", "plan", "--routes", file, "--code", "name_not_resolved", "--host", host, "--at", time])
      const lineOf = ({ stdout }: { readonly stdout: string }) => stdout.trim().split("\n").slice(1).join()
      assert.match(lineOf(yield* at("2026-11-24T23:00:00Z", "a.example.com")), /night +nobody$/)
      assert.match(lineOf(yield* at("2026-11-24T12:00:00Z", "a.example.com")), /day +chat +in 90 s$/)
      assert.match(lineOf(yield* at("2026-11-24T12:00:00Z", "b.test")), /- +nobody: no route matches$/)
    })
  )

  it.live("says in one line what is wrong with a file, and where", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "routes.json")
      const wrong = Effect.fnUntraced(function* (text: string) {
        writeFileSync(file, text)
        const { code, stderr } = yield* run(["alerts", "plan", "--routes", file])
        assert.strictEqual(code, 1)
        assert.lengthOf(stderr.trim().split("\n"), 1)
        return stderr
      })
      assert.include(yield* wrong("{"), "is no JSON")
      assert.include(yield* wrong(`[{"name":"a","match":{},"sinks":["x"],"groupWaits":"1 s"}]`), "groupWaits")
      assert.include(yield* wrong(`[{"name":"a","match":{"severity":"Bad"},"sinks":["x"]}]`), `["match"]["severity"]`)
    })
  )

  it.live("knows the codes", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* run(["alerts", "plan", "--routes", example, "--code", "x"])
      assert.strictEqual(code, 1)
      assert.include(stderr, "no failure has the code x. There are insufficient_balance")
    })
  )
})

describe("alerts describe", () => {
  it.live("says what each route does", () =>
    Effect.gen(function* () {
      const { stdout } = yield* run(["alerts", "describe", "--routes", example])
      assert.strictEqual(
        stdout.split("\n")[0],
        `pages: severity "Fatal": pager after 30s, again after 4h; then the next routes`
      )
    })
  )
})
