/** The published packages of a workspace, and the changesets that wait for a release. */
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parse } from "yaml"

export type Bump = "patch" | "minor" | "major"

/** A package with the packages of this workspace that it is installed with; `range` is the one written in its manifest. */
export interface Package {
  readonly name: string
  readonly directory: string
  readonly version: string
  readonly uses: ReadonlyArray<{ readonly name: string; readonly range: string }>
}

export const json = (file: string) => JSON.parse(readFileSync(file, "utf8"))

export const packagesOf = (root: string): ReadonlyArray<Package> => {
  const manifests = globSync("packages/*/package.json", { cwd: root })
    .toSorted()
    .map((file) => ({ file, manifest: json(join(root, file)) }))
  const names = new Set(manifests.map(({ manifest }) => String(manifest.name)))
  return manifests.map(({ file, manifest }) => {
    const ranges = { ...manifest.peerDependencies, ...manifest.optionalDependencies, ...manifest.dependencies }
    const uses = Object.entries(ranges).flatMap(([name, range]) =>
      names.has(name) ? [{ name, range: String(range) }] : []
    )
    return { name: manifest.name, directory: join(root, file, ".."), version: manifest.version, uses }
  })
}

/** What a changeset releases, by package. */
export const releasesOf = (text: string): ReadonlyArray<readonly [string, Bump]> => {
  const [, front = ""] = /^---\r?\n([\s\S]*?)^---/m.exec(text) ?? []
  const releases: unknown = parse(front)
  return typeof releases === "object" && releases !== null ? Object.entries(releases) : []
}

const changesetFiles = (root: string) => globSync(".changeset/*.md", { cwd: root, exclude: ["**/README.md"] })

/** The highest bump that the waiting changesets ask for, by package. */
export const waiting = (root: string): ReadonlyMap<string, Bump> => {
  const order: ReadonlyArray<string> = ["none", "patch", "minor", "major"]
  const bumps = new Map<string, Bump>()
  for (const file of changesetFiles(root)) {
    for (const [name, bump] of releasesOf(readFileSync(join(root, file), "utf8"))) {
      const rank = order.indexOf(bump)
      if (rank > order.indexOf(bumps.get(name) ?? "none")) bumps.set(name, bump)
    }
  }
  return bumps
}
