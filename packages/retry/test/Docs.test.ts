import { readdirSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Preset from "@redrive/retry/Preset"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Duration from "effect/Duration"
import { meanings } from "../src/internal/policy/meanings.ts"

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8")

const modules = readdirSync(new URL("../src", import.meta.url))
  .filter((name) => /^[A-Z].*\.ts$/.test(name))
  .map((name) => ({ name, source: read(`../src/${name}`) }))

/** A name that a module declares for its users, and the sentences before it. */
interface Documented {
  readonly name: string
  readonly doc: string
}

const declaration = /^export (?:declare )?(?:const|type|interface|class) (\w+)/

/** The first line of a declaration whose fields are for users. */
const opening =
  /^(?:export )?(?:(?:interface \w+.*|class .*)\{|const \w+ = .*Schema\.(?:Tagged)?Struct\((?:"\w+", )?\{|.*Schema\.TaggedError.*\{)$/

/** `name: schema`, `readonly name: Type`, or `name,` for a schema of the same name. */
const field = /^ {2}(?:declare )?(?:readonly )?(\w+)(?:\??: |,$)/

/** The sentences of a comment, without its tags. */
const sentences = (comment: ReadonlyArray<string>): string =>
  comment
    .map((line) =>
      line
        .trim()
        .replace(/^\/?\*+\/?/, "")
        .replace(/\*\/$/, "")
        .trim()
    )
    .filter((line) => line !== "" && !line.startsWith("@"))
    .join(" ")

/** Every export of a module, and every field of its interfaces, schemas and errors. */
const documented = (source: string): ReadonlyArray<Documented> => {
  const found: Array<Documented> = []
  let comment: Array<string> = []
  let isInComment = false
  let owner: string | undefined
  for (const line of source.split("\n")) {
    if (/^\s*\/\*\*/.test(line)) {
      comment = []
      isInComment = true
    }
    if (isInComment) {
      comment.push(line)
      isInComment = !line.includes("*/")
      continue
    }
    const [, exported] = declaration.exec(line) ?? []
    if (exported !== undefined) found.push({ name: exported, doc: sentences(comment) })
    if (opening.test(line)) owner = /(?:const|interface|class) (\w+)/.exec(line)?.[1]
    else if (/^[})]/.test(line)) owner = undefined
    const [, name] = field.exec(line) ?? []
    if (owner !== undefined && name !== undefined && name !== "_tag") {
      found.push({ name: `${owner}.${name}`, doc: sentences(comment) })
    }
    comment = []
  }
  return found
}

const all = modules.flatMap(({ source }) => documented(source))

/** The fields of a policy that have no default of their own. */
const optional = [
  "attemptTimeout",
  "deadline",
  "server",
  "budget",
  "breaker",
  "bulkhead",
  "rateLimit",
  "parking",
  "hedge"
]

const inWords = (duration: Duration.Duration): string => {
  const { hours, millis, minutes, seconds } = Duration.parts(duration)
  const units = { hour: hours, minute: minutes, second: seconds }
  const [unit, count] = Object.entries(units).find(([, value]) => value > 0) ?? ["ms", millis]
  return unit === "ms" || count === 1 ? `${count} ${unit}` : `${count} ${unit}s`
}

const docOf = (name: string): string => all.find((one) => one.name === name)?.doc ?? ""

describe("the documentation", () => {
  for (const { name, source } of modules) {
    it(`of ${name} has a sentence for every export and field`, () => {
      const bare = documented(source).filter(({ doc }) => doc === "")
      assert.deepStrictEqual(
        bare.map((one) => one.name),
        []
      )
    })
  }

  it("is read as it is written", () => {
    const names = all.map(({ name }) => name)
    assert.includeMembers(names, [
      "Runner.resume",
      "Attempt.wait",
      "RetryExhausted.retryAt",
      "TooMuch.was",
      "Ratio.floor"
    ])
    assert.isAbove(names.length, 200)
  })

  const { schema } = RetryPolicy.jsonSchema()
  const properties = Object.entries(schema.properties ?? {})
  const readme = read("../README.md")

  it("of a policy's fields, however deep, is their description in the JSON Schema", () => {
    for (const [part, fields] of Object.entries(meanings)) {
      for (const [name, meaning] of Object.entries(fields)) assert.strictEqual(meaning, docOf(`${part}.${name}`), name)
    }
    assert.sameMembers(Object.keys(meanings.Fields), Object.keys(RetryPolicy.make()).concat(optional))
    const bare: Array<string> = []
    const visit = (schema: object, path: string) => {
      for (const [name, one] of Object.entries(schema)) {
        if (typeof one !== "object" || one === null) continue
        const isProperty = path.endsWith(".properties") && name !== "_tag"
        if (isProperty && !("description" in one)) bare.push(`${path}.${name}`)
        visit(one, `${path}.${name}`)
      }
    }
    visit(schema, "")
    assert.deepStrictEqual(bare, [])
  })

  it("of a backoff's default is what the preset says", () => {
    const paces = { quick: Preset.quick, steady: Preset.steady, slow: Preset.slow }
    for (const [pace, { base, cap }] of Object.entries(paces)) {
      const text = `Default: ${inWords(base)}, doubling up to ${inWords(cap)}, full jitter.`
      assert.isTrue(docOf(`Fields.${pace}`).endsWith(text), text)
    }
  })

  it("in the README has a row for every field of a policy, with its default", () => {
    for (const [name] of properties) {
      const [, value = ""] = /Default: (.*)\.$/.exec(docOf(`Fields.${name}`)) ?? []
      const row = readme.split("\n").find((line) => line.startsWith(`| \`${name}\``)) ?? ""
      const [, , , defaults = ""] = row.split("|").map((cell) => cell.trim().replaceAll("`", ""))
      assert.strictEqual(defaults, value.replaceAll("`", ""), name)
    }
  })
})
