/**
 * Installs the packed packages with npm, pnpm and Yarn's Plug'n'Play, as the READMEs say: the first program of each README runs with what its own
 * install line installs, and the adapters work with both ends of their peers' ranges.
 */
import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { join } from "node:path"
import process from "node:process"
import type { Packed } from "./packed.ts"
import type { End } from "./peers.ts"

const root = join(import.meta.dirname, "..")

/** A project of its own: what it depends on, its program, and the lines that the program prints, if that is known. */
interface Project {
  readonly name: string
  readonly dependencies: { readonly [name: string]: string }
  readonly code: string
  readonly prints: ReadonlyArray<string> | undefined
}

type Versions = { readonly [name: string]: string }

const asWritten = (text: string, pattern: RegExp, what: string): string => {
  const [, found] = pattern.exec(text) ?? []
  if (found === undefined) throw new Error(`a README has no ${what}`)
  return found
}

/** A program that throws if one of these paths can be imported. Node.js and Yarn both say why not by the same code. */
const refused = (paths: ReadonlyArray<string>): string => `for (const path of ${JSON.stringify(paths)}) {
  const code = await import(path).then(() => "is imported", (error) => error.code)
  if (!["ERR_PACKAGE_PATH_NOT_EXPORTED", "QUALIFIED_PATH_RESOLUTION_FAILED"].includes(code)) throw new Error(path + ": " + code)
}`

/** The first program of a package's README, which imports every entry point of the package besides, and none of its other files. */
const readme = ({ closed, directory, exports, name }: Packed, versions: Versions): Project => {
  const text = readFileSync(join(directory, "README.md"), "utf8")
  const installed = asWritten(text, /^ {4}npm i (.*)$/m, "install line").split(" ")
  const code = asWritten(text, /^```ts\n([\s\S]*?)^```/m, "program")
  const promised = [...code.matchAll(/\/\/ => (.*)$/gm)].map(([, line = ""]) => line.trim())
  return {
    name: `README of ${name}`,
    dependencies: Object.fromEntries(
      installed.filter((word) => !word.startsWith("-")).map((word) => [word, versions[word] ?? "*"])
    ),
    code: [...exports.map((entry) => `import ${JSON.stringify(entry)}`), refused(closed), code].join("\n"),
    prints: promised.length > 0 ? promised : undefined
  }
}

/** How an adapter is used with a version of its peer: what is installed for that, a program, and the line that it prints before the version. */
interface Use {
  readonly adapter: string
  readonly install: string
  readonly code: string
  readonly prints: string
}

const uses: { readonly [peer: string]: Use } = {
  pino: {
    adapter: "@redrive/pino",
    install: "pino",
    code: `import * as Pino from "@redrive/pino/Pino"
import * as Effect from "effect/Effect"
import pino from "pino"
const logger = pino({ base: null, timestamp: false }, pino.destination({ dest: 1, sync: true }))
await Effect.runPromise(Effect.provide(Effect.log("hello", { msg: "there" }), Pino.layer(logger)))
console.log(pino.version)
`,
    prints: `{"level":30,"msg_":"there","msg":"hello"}`
  },
  "@sentry/core": {
    adapter: "@redrive/sentry",
    // What a program has is an SDK, which brings the core of its own version.
    install: "@sentry/node",
    code: `import * as Adapter from "@redrive/sentry/Sentry"
import * as Sentry from "@sentry/node"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import { createServer } from "node:http"
import { text } from "node:stream/consumers"
const server = createServer(async (request, response) => {
  const [, , event = "{}"] = (await text(request)).split("\\n")
  const { tags } = JSON.parse(event)
  if (tags?.code !== undefined) console.log(tags.code, tags.tenant)
  response.end("{}")
})
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
Sentry.init({ dsn: "http://public@127.0.0.1:" + server.address().port + "/1" })
Sentry.setTag("tenant", "acme")
const report = ErrorReporter.report(Cause.fail(new TypeError("no")))
await Effect.runPromise(Effect.provide(report, Adapter.layer()))
console.log(Sentry.SDK_VERSION)
process.exit(0)
`,
    prints: "TypeError acme"
  }
}

/** A program that uses an adapter with one end of its peer's range. */
const atEnd = ({ adapter, code, install, prints }: Use, version: string, versions: Versions): Project => ({
  name: `${adapter} with ${install} ${version}`,
  dependencies: { [adapter]: versions[adapter] ?? "*", effect: versions.effect ?? "*", [install]: version },
  code,
  prints: [prints, version]
})

/** A package manager: what it wants in the workspace's folder, how it installs, and how a program is run. */
interface Manager {
  readonly name: string
  readonly write: (folder: string, own: Versions) => void
  readonly install: (folder: string) => void
  readonly node: (folder: string) => ReadonlyArray<string>
}

const run = (command: string, args: ReadonlyArray<string>, cwd: string, env: NodeJS.ProcessEnv = {}): string =>
  execFileSync(command, args, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"]
  })

const json = (file: string, value: object): void => writeFileSync(file, JSON.stringify(value, undefined, 2))
const workspace = { name: "workspace", private: true, type: "module", workspaces: ["*"] }

/** Yarn reads no .npmrc. */
const yarnSettings = (): NodeJS.ProcessEnv => {
  const registry = run("npm", ["config", "get", "registry"], root).trim()
  return {
    YARN_NPM_REGISTRY_SERVER: registry,
    YARN_UNSAFE_HTTP_WHITELIST: registry.startsWith("http:") ? new URL(registry).hostname : "",
    YARN_ENABLE_IMMUTABLE_INSTALLS: "false",
    YARN_ENABLE_TELEMETRY: "false"
  }
}

const managers: ReadonlyArray<Manager> = [
  {
    name: "npm",
    write: (folder, own) => json(join(folder, "package.json"), { ...workspace, overrides: own }),
    install: (folder) => run("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"], folder),
    node: () => []
  },
  {
    name: "pnpm",
    write: (folder, own) => {
      json(join(folder, "package.json"), workspace)
      // JSON is YAML.
      json(join(folder, "pnpm-workspace.yaml"), { packages: ["*"], overrides: own, strictDepBuilds: false })
    },
    install: (folder) => run("pnpm", ["install"], folder),
    node: () => []
  },
  {
    name: "Yarn",
    write: (folder, own) => {
      json(join(folder, "package.json"), { ...workspace, resolutions: own })
      // A project of its own, whatever is in the folders above.
      writeFileSync(join(folder, "yarn.lock"), "")
    },
    install: (folder) => run("npx", ["-y", "@yarnpkg/cli-dist@4.18.1", "install"], folder, yarnSettings()),
    node: (folder) => ["--require", join(folder, ".pnp.cjs"), "--loader", join(folder, ".pnp.loader.mjs")]
  }
]

const messageOf = (error: unknown): string => {
  const said = error instanceof Error ? [error.message] : [String(error)]
  if (typeof error === "object" && error !== null && "stdout" in error) said.push(String(error.stdout))
  return said.join("\n")
}

/** Runs a project's program; gives what is wrong with it. */
const wrongWith = ({ prints }: Project, directory: string, options: ReadonlyArray<string>): string | undefined => {
  try {
    const printed = run(process.execPath, [...options, "main.mjs"], directory).trim()
    if (prints === undefined || printed === prints.join("\n")) return undefined
    return `prints\n${printed}\nand promises\n${prints.join("\n")}`
  } catch (error) {
    return messageOf(error)
  }
}

/** Everything in one workspace for each package manager, in which pnpm and Yarn let a project import only what it asks for. */
export const installs = (
  folder: string,
  packages: ReadonlyArray<Packed>,
  ends: ReadonlyArray<End>,
  others: Versions,
  expect: (what: string, holds: boolean) => void
): void => {
  const own = Object.fromEntries(packages.map(({ name, tarball }) => [name, `file:${tarball}`]))
  const versions = { ...others, ...own }
  const projects = [
    ...packages.map((one) => readme(one, versions)),
    ...Object.entries(uses).flatMap(([peer, use]) => {
      const of = ends.filter((end) => end.peer === peer)
      return [...of.slice(0, 1), ...of.slice(-1)].map(({ version }) => atEnd(use, version, versions))
    })
  ].map((project, index) => ({ ...project, id: `project-${index}` }))
  for (const { install, name: manager, node, write } of managers) {
    const directory = join(folder, `installs-${manager}`)
    mkdirSync(directory)
    write(directory, own)
    for (const { code, dependencies, id } of projects) {
      mkdirSync(join(directory, id))
      json(join(directory, id, "package.json"), {
        name: id,
        version: "1.0.0",
        private: true,
        type: "module",
        dependencies
      })
      writeFileSync(join(directory, id, "main.mjs"), stripTypeScriptTypes(code))
    }
    try {
      install(directory)
    } catch (error) {
      expect(`${manager} installs the packed packages: ${messageOf(error)}`, false)
      continue
    }
    for (const project of projects) {
      const wrong = wrongWith(project, join(directory, project.id), node(directory))
      expect(`${manager}: ${project.name}${wrong === undefined ? "" : ` ${wrong}`}`, wrong === undefined)
    }
  }
}
