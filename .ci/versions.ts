// Compares the versions that documents name, such as `undici 8.12`, with those of the lockfile: what was said of another version may not hold.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { parse } from "yaml"

const root = join(import.meta.dirname, "..")

interface Lockfile {
  readonly importers: {
    readonly [folder: string]: {
      readonly [kind: string]: { readonly [name: string]: { readonly version: string } }
    }
  }
}

/** A package as documents call it, where that is another name. */
const names: { readonly [name: string]: string } = { "Effect.retry": "effect" }

/** By a package's name, the versions that the workspace's own packages have of it. */
export const versionsOf = ({ importers }: Lockfile): ReadonlyMap<string, ReadonlySet<string>> => {
  const found = new Map<string, Set<string>>()
  for (const kinds of Object.values(importers))
    for (const dependencies of Object.values(kinds))
      for (const [name, { version }] of Object.entries(dependencies)) {
        const [, number] = /^(\d[^(]*)/.exec(version) ?? []
        if (number !== undefined) found.set(name, (found.get(name) ?? new Set()).add(number))
      }
  return found
}

/** Whether a version, of which one or two parts may be left out, is one of some. */
const isAmong = (said: string, versions: ReadonlySet<string>): boolean =>
  [...versions].some((version) => version === said || version.startsWith(`${said}.`))

/** What a document says of packages, and the lockfile does not: a scoped package is known by its name alone, too. */
export const wrongVersions = (
  path: string,
  text: string,
  locked: ReadonlyMap<string, ReadonlySet<string>>
): ReadonlyArray<string> => {
  const byName = new Map<string, ReadonlySet<string>>()
  for (const [name, versions] of locked)
    if (!name.startsWith("@types/"))
      for (const called of [name, name.replace(/^@[^/]*\//, "")]) byName.set(called.toLowerCase(), versions)
  return [...text.matchAll(/([\w@/.-]+) (\d+(?:\.\d+)*)(?![\w.,]*\d)/g)].flatMap(([, name = "", said = ""]) => {
    const versions = byName.get((names[name] ?? name).toLowerCase())
    return versions === undefined || isAmong(said, versions)
      ? []
      : [`${path}: says ${name} ${said}, and the lockfile has ${[...versions].join(", ")}`]
  })
}

const read = (path: string): string => readFileSync(join(root, path), "utf8")

/** What docs/comparison.md says of packages of the workspace, and the lockfile does not. */
export const unlocked = (): ReadonlyArray<string> =>
  wrongVersions("docs/comparison.md", read("docs/comparison.md"), versionsOf(parse(read("pnpm-lock.yaml"))))
