import { execFileSync } from "node:child_process"
import { createRequire } from "node:module"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import process from "node:process"
import { assert, describe, it } from "@effect/vitest"

const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc")

/** What the compiler says of a program that uses the package. */
const complaints = (program: string): string => {
  const folder = mkdtempSync(join(import.meta.dirname, ".types-"))
  try {
    writeFileSync(join(folder, "program.ts"), program)
    const config = {
      extends: "../../../../tsconfig.base.json",
      compilerOptions: { noUnusedLocals: false },
      files: ["program.ts"]
    }
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config))
    execFileSync(process.execPath, [compiler, "-p", folder, "--pretty", "false"], { encoding: "utf8" })
    return ""
  } catch (error) {
    return String((error as { readonly stdout: unknown }).stdout)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const program = (codes: string, reasons: string) => `
import * as Catalogue from "../../src/Catalogue.ts"
import * as Failure from "../../src/Failure.ts"
import * as Verdict from "../../src/Verdict.ts"

const entry = { meaning: "", verdict: Verdict.permanent, severity: "Warn", actor: "caller", status: 400, message: "", details: {} } as const
const catalogue = Catalogue.make({ job: {}, item: { ${codes} } })

class Torn extends Failure.Reason<Torn>("Torn")("Torn", { catalogue, level: "item", code: "torn" }) {}
class Burnt extends Failure.Reason<Burnt>("Burnt")("Burnt", { catalogue, level: "item", code: "burnt" }) {}

export class PageError extends Failure.Item<PageError>("PageError")("PageError", catalogue, [${reasons}]) {}
`

describe("a catalogue and its reasons", () => {
  it("compile where every code has a reason and every reason a row", () => {
    assert.strictEqual(complaints(program("torn: entry, burnt: entry", "Torn, Burnt")), "")
  })

  it("do not compile where a code is left out", () => {
    const said = complaints(program("torn: entry, burnt: entry", "Torn"))
    assert.match(said, /error TS2345/)
    assert.match(said, /"codes without a reason": "burnt"/)
  })

  it("do not compile where a reason has no row", () => {
    assert.match(
      complaints(program("torn: entry", "Torn")),
      /error TS\d+: Type '"burnt"' is not assignable to type '"torn"'/
    )
  })

  it("do not compile where a row lacks a column", () => {
    assert.match(
      complaints(program("torn: entry, burnt: { ...entry, actor: undefined }", "Torn, Burnt")),
      /error TS2322/
    )
  })
})
