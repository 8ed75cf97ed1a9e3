/** The package managers that consumers use: how each adds packages to an empty project. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { environment, type Environment, served } from "./run.ts"
import type { Tools } from "./tools.ts"
import { settings } from "./workspace.ts"

export interface Manager {
  readonly name: string
  /** Whether it installs peers that a project does not ask for. */
  readonly bringsPeers: boolean
  readonly add: (project: Environment, names: ReadonlyArray<string>) => Promise<unknown>
}

/** Yarn 4 reads no .npmrc. */
const yarnSettings = (registry: string, upstream: string) => ({
  nodeLinker: "node-modules",
  enableTelemetry: false,
  npmRegistryServer: upstream,
  npmScopes: { redrive: { npmRegistryServer: registry } },
  unsafeHttpWhitelist: [registry, upstream].filter((url) => url.startsWith("http:")).map((url) => new URL(url).hostname)
})

export const managers = ({ bin, yarn4 }: Tools): ReadonlyArray<Manager> => [
  {
    name: "npm",
    bringsPeers: true,
    add: (project, names) => served(project, "npm", "install", "--no-audit", "--no-fund", ...names)
  },
  { name: "pnpm", bringsPeers: true, add: (project, names) => served(project, "pnpm", "add", ...names) },
  {
    name: "Yarn 1",
    bringsPeers: false,
    add: (project, names) => served(project, bin("yarn"), "add", "--no-progress", "--non-interactive", ...names)
  },
  {
    name: "Yarn 4",
    bringsPeers: false,
    add: (project, names) => served(project, process.execPath, yarn4, "add", ...names)
  }
]

/** An empty project, which every manager can work in. */
export const emptyProject = (folder: string, shared: string, registry: string): Environment => {
  const upstream = settings(join(folder, ".npmrc"), registry)
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }))
  writeFileSync(join(folder, ".yarnrc.yml"), JSON.stringify(yarnSettings(registry.replace(/\/$/, ""), upstream)))
  writeFileSync(join(folder, "pnpm-workspace.yaml"), JSON.stringify({ packages: ["."], strictDepBuilds: false }))
  // Yarn 4 knows a package by its version, and would take that of an earlier test.
  return environment(folder, { YARN_GLOBAL_FOLDER: join(shared, "yarn"), YARN_ENABLE_IMMUTABLE_INSTALLS: "false" })
}
