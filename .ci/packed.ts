/** Packs the packages as they would be published. */
import { execFileSync } from "node:child_process"
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** A package as a file, with the paths by which its modules are imported. */
export interface Packed {
  readonly name: string
  readonly directory: string
  readonly tarball: string
  readonly exports: ReadonlyArray<string>
}

const pack = (directory: string, folder: string): Packed => {
  const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"))
  const tarball = join(folder, `${manifest.name.replace(/\W+/g, "-")}.tgz`)
  execFileSync("pnpm", ["pack", "--out", tarball], { cwd: directory, stdio: ["ignore", "ignore", "inherit"] })
  const exports = Object.keys(manifest.publishConfig.exports).filter((path) => path !== "./package.json")
  return { name: manifest.name, directory, tarball, exports: exports.map((path) => join(manifest.name, path)) }
}

export const packed = (root: string, folder: string): ReadonlyArray<Packed> =>
  globSync("packages/*", { cwd: root }).map((path) => pack(join(root, path), folder))
