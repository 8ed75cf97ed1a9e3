/** Which modules and dependencies the programs of the documentation have to import, and do not. */
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"

const imported = (programs: ReadonlyArray<string>): ReadonlyArray<string> =>
  programs.flatMap((code) => [...code.matchAll(/from "([^"]+)"/g)].map(([, path = ""]) => path))

/** The paths by which the modules of the packages are imported. */
const modules = (root: string): ReadonlyArray<string> =>
  globSync("packages/*/src/*.ts", { cwd: root, exclude: ["packages/*/src/index.ts"] })
    .map((path) => path.replace(/^packages\/(.*)\/src\/(.*)\.ts$/, "@redrive/$1/$2"))
    .toSorted()

const modulesUnused = (root: string, paths: ReadonlySet<string>): ReadonlyArray<string> =>
  modules(root).flatMap((path) => (paths.has(path) ? [] : [`no program imports ${path}`]))

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
