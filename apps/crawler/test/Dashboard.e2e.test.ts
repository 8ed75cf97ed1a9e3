import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Program from "@redrive/testing/Program"
import * as Effect from "effect/Effect"
import { run } from "./cli.ts"
import { exposed } from "./exposed.ts"
import { folder } from "./files.ts"

interface Dashboard {
  readonly templating: { readonly list: ReadonlyArray<{ readonly name: string; readonly type: string }> }
  readonly panels: ReadonlyArray<{
    readonly id: number
    readonly title: string
    readonly description: string
    readonly datasource: { readonly uid: string }
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
    readonly fieldConfig: { readonly defaults: { readonly unit: string } }
    readonly targets: ReadonlyArray<{ readonly expr: string; readonly datasource: { readonly uid: string } }>
  }>
}

const printed = Effect.map(run(["dashboard"]), ({ code, stderr, stdout }) => {
  assert.deepStrictEqual([code, stderr], [0, ""])
  return JSON.parse(stdout) as Dashboard
})

const expressionsOf = ({ panels }: Dashboard) => panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))

/** Prometheus makes this one itself, for each target. */
const ofPrometheus = "up"

const metricsIn = (text: string) => new Set(text.match(/\bredrive_\w+|\bup\b/g))

describe("dashboard", () => {
  it.live("shows metrics that the running service exposes, and all of them", () =>
    Effect.gen(function* () {
      const named = metricsIn(expressionsOf(yield* printed).join("\n"))
      assert.isTrue(named.delete(ofPrometheus))
      assert.sameMembers([...named], [...(yield* exposed(named))])
    })
  )

  it.live("has panels that lie beside each other, with a unit, and a text that says what to do", () =>
    Effect.gen(function* () {
      const { panels, templating } = yield* printed
      assert.deepInclude(templating.list[0], { name: "datasource", type: "datasource" })
      assert.lengthOf(new Set(panels.map(({ id }) => id)), panels.length)
      assert.lengthOf(new Set(panels.map(({ title }) => title)), panels.length)
      const cells = panels.flatMap(({ gridPos: { h, w, x, y } }) => {
        assert.isAtMost(x + w, 24)
        return Array.from({ length: w * h }, (_, n) => `${x + (n % w)} ${y + Math.floor(n / w)}`)
      })
      assert.lengthOf(new Set(cells), cells.length)
      for (const { datasource, description, fieldConfig, targets, title } of panels) {
        assert.match(description, /^[A-Z1].*\. .*\.$/, title)
        assert.match(fieldConfig.defaults.unit, /^\w+$/, title)
        for (const one of [datasource, ...targets.map((target) => target.datasource)])
          assert.strictEqual(one.uid, "${datasource}")
      }
    })
  )
})

describe("docs/operations.md", () => {
  it.live("says of every alert what to do", () =>
    Effect.gen(function* () {
      const text = readFileSync(join(import.meta.dirname, "../../../docs/operations.md"), "utf8")
      const { stdout } = yield* run(["rules"])
      const alerts = new Set(Array.from(stdout.matchAll(/"alert": "(\w+)"/g), ([, name = ""]) => name))
      assert.sameMembers(
        Array.from(text.matchAll(/^\| `(Redrive\w+)` +\|/gm), ([, name = ""]) => name),
        [...alerts]
      )
    })
  )
})

describe.skipIf(Program.isMissing("promtool", "prometheus"))("promtool", () => {
  it.live("understands every expression of the dashboard", () =>
    Effect.gen(function* () {
      const rules = expressionsOf(yield* printed).map((expr, index) => ({
        record: `panel:${index}`,
        // Grafana puts a duration in its place.
        expr: expr.replaceAll("$__rate_interval", "1m")
      }))
      const file = join(yield* folder, "dashboard.yml")
      writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }))
      assert.include(yield* Program.output("promtool", ["check", "rules", file]), `${rules.length} rules found`)
    })
  )
})
