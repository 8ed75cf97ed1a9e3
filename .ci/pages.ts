/**
 * The generated parts of a page of docs/strategies, docs/adapters or docs/decisions, between `<!-- NAME ... -->` and `<!-- end -->`:
 *
 * - `options PACKAGE/Module Type`: the fields of a type with their meaning and default, from the sentences of the source; `: a, b` picks some.
 * - `fields PACKAGE/Module Type`: the same of a type that is no options, without defaults.
 * - `sink PACKAGE/Module JSON`: where the sink that a module makes with these options differs from the alerter's defaults.
 * - `defaults JSON`: what a policy with these settings is, with the defaults that the code fills in.
 * - `answers`, then lines of `JSON` or `JSON | code`: what the package says of a policy, as it refuses it, or what `explain` warns of.
 * - `events`, `counters`: what the engine reports and counts.
 * - `pages`: the pages of the folder, each with its first sentence.
 * - `titles`: the pages of the folder by their titles, which are sentences.
 *
 * A page names what it is about in a comment of its own, which `page-topics.ts` checks: `<!-- about: fields breaker; modules retry/Breaker -->`.
 */
import { globSync, readFileSync } from "node:fs"
import { basename, join } from "node:path"
import { pathToFileURL } from "node:url"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { counters, events } from "./telemetry.ts"
import { namesOf } from "./names.ts"
import { table } from "./policies.ts"

const root = join(import.meta.dirname, "..")
const source = (path: string) => import(pathToFileURL(join(root, path)).href)
const RetryPolicy: typeof import("../packages/retry/src/RetryPolicy.ts") = await source(
  "packages/retry/src/RetryPolicy.ts"
)
const Explanation: typeof import("../apps/crawler/src/explain/Explanation.ts") = await source(
  "apps/crawler/src/explain/Explanation.ts"
)

const cell = (text: string): string => text.replaceAll("|", "\\|")

/** A sentence without its default, and the default. */
const parted = (doc: string): readonly [meaning: string, standard: string] => {
  const [, meaning = doc, rest] = /^(.*?)\s*\b(?:Defaults?: (.*)|No default\.)$/.exec(doc) ?? []
  return [meaning.replace(/ Required\.$/, ""), rest?.replace(/\.$/, "") ?? ""]
}

/** What is exported of a module, read once. */
const modules = new Map<string, ReturnType<typeof namesOf>>()
const namesIn = (module: string) => {
  const known = modules.get(module)
  if (known !== undefined) return known
  const [name = "", file = ""] = module.split("/")
  const path = join(root, "packages", name, "src", `${file}.ts`)
  const names = namesOf(path, readFileSync(path, "utf8"))
  modules.set(module, names)
  return names
}

/** The fields of a type, all or those that are picked, the first of each name. */
const fieldsOf = (argument: string) => {
  const [head = "", picked] = argument.split(/: */)
  const [module = "", type = ""] = head.trim().split(" ")
  const fields = namesIn(module).flatMap((named) => {
    const [, name] = new RegExp(`^${type}\\.(\\w+)$`).exec(named.name) ?? []
    return name === undefined ? [] : [{ ...named, name }]
  })
  const wanted = picked?.split(/, */) ?? [...new Set(fields.map(({ name }) => name))]
  return wanted.map((one) => {
    const field = fields.find(({ name }) => name === one)
    if (field === undefined) throw new Error(`${argument}: there is no ${one}`)
    return field
  })
}

const options = (argument: string): string =>
  table(
    ["option", "meaning", "default"],
    fieldsOf(argument).map(({ doc, isOptional, name }) => {
      const [meaning, standard] = parted(doc)
      return [`\`${name}\``, cell(meaning), standard === "" ? (isOptional ? "none" : "required") : cell(standard)]
    })
  )

const fields = (argument: string): string =>
  table(
    ["field", "what it is"],
    fieldsOf(argument).map(({ doc, name }) => [`\`${name}\``, cell(parted(doc)[0])])
  )

/** The options of a sink whose texts are secret. */
const secrets: { readonly [module: string]: string } = {
  "alert/PagerDutySink": "routingKey",
  "email/EmailSink": "transport"
}

/** A sink as its module makes it. */
const sinkOf = async (module: string, given: { readonly [name: string]: unknown }) => {
  const secret = secrets[module] ?? "url"
  const options = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, name === secret ? Redacted.make(value) : value])
  )
  const { make } = (await source(`packages/${module.replace("/", "/src/")}.ts`)) as {
    readonly make: (options: object) => Sink | Effect.Effect<Sink, never, HttpClient.HttpClient | Scope.Scope>
  }
  const made = make(options)
  return Effect.isEffect(made)
    ? await Effect.runPromise(Effect.scoped(Effect.provide(made, FetchHttpClient.layer)))
    : made
}

type Sink = { readonly [property: string]: unknown }

const inWords = (value: unknown): string => {
  if (!Duration.isDuration(value)) return String(value)
  const seconds = Duration.toSeconds(value)
  return `${seconds} second${seconds === 1 ? "" : "s"}`
}

/** The properties of a sink that are not the alerter's defaults. */
const sink = async (argument: string): Promise<string> => {
  const [, module = "", json = "{}"] = /^(\S+) ([^]*)$/.exec(argument) ?? []
  const made = await sinkOf(module, JSON.parse(json) as { readonly [name: string]: unknown })
  const rows = fieldsOf("alert/Sink Service").flatMap(({ doc, name }) => {
    const [, standard] = parted(doc)
    const own = made[name]
    if (own === undefined || ["check", "send"].includes(name)) return []
    const value = inWords(own)
    return value === standard.replaceAll("`", "") ? [] : [[`\`${name}\``, cell(value), cell(standard)]]
  })
  return table(["property", "value", "default"], rows)
}

const policyOf = (json: unknown) => Effect.runSync(RetryPolicy.fromJson(json))

const pretty = (value: unknown): string => JSON.stringify(value, undefined, 2)

const encode = Schema.encodeSync(RetryPolicy.RetryPolicy)

/** Only the settings that are given, with all that the code fills in. */
const defaults = (argument: string): string => {
  const [json = "{}", picked] = argument.split(" : ")
  const given = JSON.parse(json) as object
  const policy: { readonly [name: string]: unknown } = encode(policyOf(given))
  const wanted = picked?.split(/, */) ?? Object.keys(given)
  return `\`\`\`json\n${pretty(Object.fromEntries(wanted.map((name) => [name, policy[name]])))}\n\`\`\``
}

/** What is said of a policy that nobody should have. */
const answer = async (line: string): Promise<ReadonlyArray<string>> => {
  const [json = "", code] = line.split(" | ")
  const given: unknown = JSON.parse(json)
  const setting = `\`${cell(json)}\``
  const made = Effect.runSync(Effect.result(RetryPolicy.fromJson(given)))
  if (code === undefined) {
    if (made._tag === "Success") throw new Error(`${json}: is not refused`)
    return [setting, `refused: ${cell(made.failure.message.replaceAll(/\s*\n\s*/g, "; "))}`]
  }
  if (made._tag === "Failure") throw new Error(`${json}: is refused: ${made.failure.message}`)
  const { warnings } = await Effect.runPromise(Explanation.make(made.success))
  const found = warnings.find((warning) => warning.code === code)
  if (found === undefined)
    throw new Error(`${json}: has no warning ${code}, but ${warnings.map((one) => one.code).join()}`)
  return [setting, cell(found.text)]
}

const answers = async (argument: string): Promise<string> => {
  const lines = argument.split("\n").filter((line) => line.trim() !== "")
  const rows: Array<ReadonlyArray<string>> = []
  for (const line of lines) rows.push(await answer(line))
  return table(["setting", "what is said of it"], rows)
}

/** The first sentence below the heading of a page. */
export const summaryOf = (text: string): string => {
  const [, paragraph = ""] = /^# .*\n+((?:(?!\n\n)[\s\S])+)/m.exec(text.replaceAll(/<!--[\s\S]*?-->\n*/g, "")) ?? []
  return /^.*?\.(?=\s|$)/.exec(paragraph.replaceAll("\n", " "))?.[0] ?? paragraph
}

export const titleOf = (text: string): string => /^# (.*)$/m.exec(text)?.[1] ?? ""

const read = (path: string) => readFileSync(join(root, path), "utf8")

const pathsIn = (folder: string): ReadonlyArray<string> =>
  globSync(`${folder}/*.md`, { cwd: root })
    .toSorted()
    .filter((path) => basename(path) !== "README.md")

const linkTo = (path: string): string => `[${titleOf(read(path))}](${basename(path)})`

/** A link to each page of a folder, with its first sentence. */
const pagesOf = (folder: string): string =>
  table(
    ["page", "what it is"],
    pathsIn(folder).map((path) => [linkTo(path), cell(summaryOf(read(path)))])
  )

/** A link to each page of a folder. */
const titlesOf = (folder: string): string =>
  pathsIn(folder)
    .map((path) => `- ${linkTo(path)}`)
    .join("\n")

const block = async (name: string, argument: string, folder: string): Promise<string> => {
  switch (name) {
    case "options":
      return options(argument)
    case "fields":
      return fields(argument)
    case "sink":
      return sink(argument)
    case "defaults":
      return defaults(argument)
    case "answers":
      return answers(argument)
    case "events":
      return table(["event", "level", "log line"], await events)
    case "counters":
      return table(["counter", "what it counts"], await counters)
    case "pages":
      return pagesOf(folder)
    case "titles":
      return titlesOf(folder)
    default:
      throw new Error(`${name}: there is no such block`)
  }
}

const pattern =
  /<!-- (options|sink|fields|defaults|answers|events|counters|pages|titles)\b([^]*?)-->\n[^]*?<!-- end -->/g

/** A page with its generated parts written anew. */
const page = async (path: string): Promise<string> => {
  let text = read(path)
  for (const [whole, name = "", argument = ""] of text.matchAll(pattern)) {
    const made = await block(name, argument.trim(), join(path, ".."))
    text = text.replace(whole, () => `<!-- ${name}${argument}-->\n\n${made}\n\n<!-- end -->`)
  }
  return text
}

const paths = globSync(["docs/strategies/*.md", "docs/adapters/*.md", "docs/decisions/README.md"], {
  cwd: root
}).toSorted()

/** Every page, by its path. */
export const pages: { readonly [path: string]: string } = Object.fromEntries(
  await Promise.all(paths.map(async (path) => [path, await page(path)] as const))
)
