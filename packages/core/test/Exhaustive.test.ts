import { execFileSync } from "node:child_process"
import { createRequire } from "node:module"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import process from "node:process"
import { assert, describe, it } from "@effect/vitest"

const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc")

/** The compiler's errors for programs that use the package. */
const complaints = (...programs: ReadonlyArray<string>): string => {
  const folder = mkdtempSync(join(import.meta.dirname, ".types-"))
  try {
    const files = programs.map((_, index) => `program${index}.ts`)
    for (const [index, file] of files.entries()) writeFileSync(join(folder, file), programs[index] ?? "")
    const config = {
      extends: "../../../../tsconfig.base.json",
      compilerOptions: { noUnusedLocals: false },
      files
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
const catalogue = Catalogue.make({ item: { ${codes} } })

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

describe("the catalogue of the crawl API", () => {
  const source = readFileSync(join(import.meta.dirname, "../src/CrawlCatalogue.ts"), "utf8").replaceAll(
    '"./',
    '"../../src/'
  )

  it("does not compile with a detail that does not say what became of the request", () => {
    const known = source.indexOf("        not_found:")
    const added = (row: string) => `${source.slice(0, known)}        moved: ${row},\n${source.slice(known)}`
    const said = complaints(
      added('row(permanent, "refused", "Info", "nobody")'),
      added('row(permanent, "Info", "nobody")'),
      added('{ verdict: permanent, severity: "Info", actor: "nobody" }')
    )
    assert.notInclude(said, "program0.ts")
    assert.match(said, /program1\.ts\(\d+,\d+\): error TS/)
    assert.match(said, /program2\.ts\(\d+,\d+\): error TS[^]*'request'/)
  })
})

const lines = (...all: ReadonlyArray<string>) => all.join("\n")

const right = lines(
  "  item: {",
  "    torn: {",
  '      meaning: "",',
  "      verdict: Verdict.permanent,",
  '      severity: "Warn",',
  '      actor: "caller",',
  "      status: 200,",
  '      message: "",',
  "      details: {",
  "        twice: {",
  '          verdict: Verdict.transient("quick"),',
  '          severity: "Info",',
  '          actor: "nobody",',
  "          pages: [404]",
  "        }",
  "      }",
  "    }",
  "  }"
)

/** A mistake, the line where the compiler must report it, and the text of the error. */
const mistakes: ReadonlyArray<
  readonly [what: string, from: string, to: string, blamed: string, ...says: ReadonlyArray<string>]
> = [
  ["a missing verdict", "      verdict: Verdict.permanent,\n", "", "torn: {", "'verdict'"],
  ["a misspelt severity", '"Warn"', '"Warning"', 'severity: "Warning"', "'\"Warning\"'", "'Severity'"],
  ["a misspelt actor", '"caller"', '"callers"', 'actor: "callers"', "'\"callers\"'", "'Actor'"],
  ["a verdict that was not made", 'Verdict.transient("quick")', "Verdict.transient", "Verdict.transient,", "Verdict"],
  ["a verdict as a text", "Verdict.permanent", '"permanent"', 'verdict: "permanent"', "'string'"],
  ["a status as a text", "200", '"200"', 'status: "200"', "'string'", "'number'"],
  ["an unknown column", "status: 200,", "status: 200,\n      retry: true,", "retry: true", "not a column of a code"],
  ["an unknown column of a detail", "pages: [404]", "page: 404", "page: 404", "not a column of a detail"],
  ["a misspelt severity of a detail", '"Info"', '"Infos"', 'severity: "Infos"', "'Severity'"],
  ["a missing actor of a detail", '          actor: "nobody",\n', "", "twice: {", "'actor'"],
  ["a misspelt level", "  item: {", "  items: {", "items: {", "'items'", "'item'"],
  ["a misspelt level beside a right one", "  item: {", "  jobs: {},\n  item: {", "jobs: {}", "not a level"]
]

describe("a mistake in a catalogue", () => {
  const header = lines(
    'import * as Catalogue from "../../src/Catalogue.ts"',
    'import * as Verdict from "../../src/Verdict.ts"',
    "export const catalogue = Catalogue.make({",
    ""
  )
  const programs = mistakes.map(([, from, to]) => `${header}${right.replace(from, to)}\n})\n`)
  const said = complaints(`${header}${right}\n})\n`, ...programs)

  for (const [index, [what, , , blamed, ...says]] of mistakes.entries()) {
    it(`is reported on its line: ${what}`, () => {
      const program = programs[index] ?? ""
      const line = program.split("\n").findIndex((text) => text.includes(blamed)) + 1
      const errors = said.split(/^(?=\S)/m).filter((one) => one.includes(`program${index + 1}.ts`))
      assert.lengthOf(errors, 1, errors.join(""))
      assert.include(errors[0], `program${index + 1}.ts(${line},`)
      for (const one of says) assert.include(errors[0], one)
    })
  }

  it("is not reported for a right program", () => assert.notInclude(said, "program0.ts"))
})
