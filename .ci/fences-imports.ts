/** Which modules and dependencies the programs of the documentation have to import, and do not. */
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** Modules whose pages are being written. The list only gets shorter: take a module off it with the program that imports it. */
const awaited: ReadonlySet<string> = new Set([
  "@redrive/alert/AlertWire",
  "@redrive/alert/AlertmanagerSink",
  "@redrive/alert/AlertmanagerWire",
  "@redrive/alert/AppriseSink",
  "@redrive/alert/DiscordSink",
  "@redrive/alert/DiscordWire",
  "@redrive/alert/Incident",
  "@redrive/alert/Outbox",
  "@redrive/alert/PagerDutyWire",
  "@redrive/alert/RedisOutbox",
  "@redrive/alert/SlackWire",
  "@redrive/alert/TeamsSink",
  "@redrive/alert/TeamsWire",
  "@redrive/email/EmailWire",
  "@redrive/log/Destination",
  "@redrive/log/Format",
  "@redrive/log/OpenTelemetry",
  "@redrive/retry/Backoff",
  "@redrive/retry/Because",
  "@redrive/retry/Breaker",
  "@redrive/retry/Budget",
  "@redrive/retry/Bulkhead",
  "@redrive/retry/CallState",
  "@redrive/retry/Hedge",
  "@redrive/retry/Operation",
  "@redrive/retry/Parking",
  "@redrive/retry/RateLimit",
  "@redrive/retry/RetryExhausted",
  "@redrive/retry/Simulation"
])

const imported = (programs: ReadonlyArray<string>): ReadonlyArray<string> =>
  programs.flatMap((code) => [...code.matchAll(/from "([^"]+)"/g)].map(([, path = ""]) => path))

/** The paths by which the modules of the packages are imported. */
const modules = (root: string): ReadonlyArray<string> =>
  globSync("packages/*/src/*.ts", { cwd: root, exclude: ["packages/*/src/index.ts"] })
    .map((path) => path.replace(/^packages\/(.*)\/src\/(.*)\.ts$/, "@redrive/$1/$2"))
    .toSorted()

const modulesUnused = (root: string, paths: ReadonlySet<string>): ReadonlyArray<string> => {
  const public_ = modules(root)
  return [
    ...public_.filter((path) => !paths.has(path) && !awaited.has(path)).map((path) => `no program imports ${path}`),
    ...[...awaited].filter((path) => paths.has(path)).map((path) => `a program imports ${path}: it is awaited no more`),
    ...[...awaited].filter((path) => !public_.includes(path)).map((path) => `${path} is awaited, and no module`)
  ]
}

const isImported = (dependency: string, paths: ReadonlySet<string>): boolean => {
  const name = dependency.replace(/^@types\//, "")
  return [...paths].some((path) => path === name || path.startsWith(`${name}/`))
}

const dependenciesUnused = (workspace: string, paths: ReadonlySet<string>): ReadonlyArray<string> => {
  const { devDependencies } = JSON.parse(readFileSync(join(workspace, "package.json"), "utf8"))
  return Object.keys(devDependencies)
    .filter((dependency) => !isImported(dependency, paths))
    .map((dependency) => `no program imports ${dependency}, on which the documentation depends`)
}

/** Public modules, and dependencies of the workspace that the programs are in, that no program imports. */
export const unused = (root: string, workspace: string, programs: ReadonlyArray<string>): ReadonlyArray<string> => {
  const paths = new Set(imported(programs))
  return [...modulesUnused(root, paths), ...dependenciesUnused(workspace, paths)]
}
