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
  /** The paths of its other files, which nobody can import. */
  readonly closed: ReadonlyArray<string>
}

const pack = (directory: string, folder: string): Packed => {
  const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"))
  const tarball = join(folder, `${manifest.name.replace(/\W+/g, "-")}.tgz`)
  execFileSync("pnpm", ["pack", "--out", tarball], { cwd: directory, stdio: ["ignore", "ignore", "inherit"] })
  const of = (files: ReadonlyArray<string>) => files.map((file) => `${manifest.name}/${file.replace(/\.[jt]s$/, "")}`)
  const modules = globSync("*.ts", { cwd: join(directory, "src"), exclude: ["index.ts"] }).toSorted()
  const inner = [
    ...globSync("internal/*.ts", { cwd: join(directory, "src") }),
    ...globSync("chunk-*.js", { cwd: join(directory, "dist") })
  ]
  return {
    name: manifest.name,
    directory,
    tarball,
    exports: [manifest.name, ...of(modules)],
    closed: of(["index.ts", ...inner])
  }
}

export const packed = (root: string, folder: string): ReadonlyArray<Packed> =>
  globSync("packages/*", { cwd: root }).map((path) => pack(join(root, path), folder))
