/**
 * The ranges of versions that the packages name for their peers. They are written out, so that they do not rise with updates of what is developed with,
 * and both ends of each are among the devDependencies, which the tests run against.
 */
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** The lowest or the newest version of a peer that a package is tested with. */
export interface End {
  readonly peer: string
  readonly version: string
}

interface Manifest {
  readonly name: string
  readonly peerDependencies?: { readonly [name: string]: string }
  readonly devDependencies?: { readonly [name: string]: string }
}

const read = (file: string) => JSON.parse(readFileSync(file, "utf8"))

const numbers = (version: string): ReadonlyArray<number> => version.split(".").map(Number)

/** Whether a version comes before another. */
const isBefore = (one: string, other: string): boolean => {
  const [a, b] = [numbers(one), numbers(other)]
  const at = a.findIndex((number, index) => number !== b[index])
  return at !== -1 && (a[at] ?? 0) < (b[at] ?? 0)
}

/** The versions of a peer that are installed for a package's tests, by whatever name. */
const triedOf = (directory: string, { devDependencies = {} }: Manifest, peer: string): ReadonlyArray<string> =>
  Object.keys(devDependencies)
    .map((name) => read(join(directory, "node_modules", name, "package.json")))
    .flatMap(({ name, version }) => (name === peer ? [version] : []))

/** The ends of each part of a range such as `^10.0.0 || ^11.0.0`, and what is wrong with it. */
const endsOf = (owner: string, peer: string, range: string, tried: ReadonlyArray<string>) => {
  const wrong: Array<string> = []
  const ends = range.split(" || ").flatMap((part) => {
    const [, lowest] = /^\^(\d+\.\d+\.\d+)$/.exec(part) ?? []
    if (lowest === undefined) {
      wrong.push(`${owner}: the peer ${peer} is ${part}; it must be written out as ^1.2.3`)
      return []
    }
    const of = tried.filter((version) => version.split(".")[0] === lowest.split(".")[0])
    // The packed packages are run with the lowest Effect.
    if (!of.includes(lowest) && peer !== "effect")
      wrong.push(`${owner}: no devDependency is ${peer} ${lowest}, the lowest of ${part}`)
    const newest = of.reduce((best, version) => (isBefore(best, version) ? version : best), lowest)
    return [lowest, ...(newest === lowest ? [] : [newest])]
  })
  return { wrong, ends: ends.map((version): End => ({ peer, version })) }
}

/** The ends of all peers' ranges, each once, and what is wrong with the ranges. */
export const peers = (root: string): { readonly ends: ReadonlyArray<End>; readonly wrong: ReadonlyArray<string> } => {
  const all = globSync("packages/*", { cwd: root }).flatMap((path) => {
    const directory = join(root, path)
    const manifest: Manifest = read(join(directory, "package.json"))
    return Object.entries(manifest.peerDependencies ?? {}).map(([peer, range]) =>
      endsOf(manifest.name, peer, range, triedOf(directory, manifest, peer))
    )
  })
  const byName = new Map(all.flatMap(({ ends }) => ends).map((end) => [`${end.peer} ${end.version}`, end]))
  return { ends: [...byName.values()], wrong: all.flatMap(({ wrong }) => wrong) }
}
