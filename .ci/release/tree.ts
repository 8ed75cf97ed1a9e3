/** What is in a project's node_modules, wherever a package manager put it. */
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs"
import { dirname, join } from "node:path"

export interface Installed {
  readonly name: string
  readonly version: string
  readonly uses: ReadonlyArray<string>
}

const entriesOf = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder).flatMap((entry) =>
    entry.startsWith("@") ? readdirSync(join(folder, entry)).map((inner) => join(entry, inner)) : [entry]
  )

/** The folders of all copies: links lead to one of them, and a copy may have a node_modules of its own. */
const foldersIn = (folder: string, known = new Set<string>()): ReadonlySet<string> => {
  const modules = join(folder, "node_modules")
  if (!existsSync(modules)) return known
  for (const entry of entriesOf(modules)) {
    if (entry === ".pnpm")
      for (const one of readdirSync(join(modules, entry))) foldersIn(join(modules, entry, one), known)
    if (!existsSync(join(modules, entry, "package.json"))) continue
    const real = realpathSync(join(modules, entry))
    if (!known.has(real)) foldersIn(real, known.add(real))
  }
  return known
}

const read = (directory: string): Installed => {
  const { dependencies = {}, name, version } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"))
  return { name, version, uses: Object.keys(dependencies) }
}

/** Every copy of every package. */
export const installedIn = (folder: string): ReadonlyArray<Installed> => [...foldersIn(folder)].map(read)

/** The copy that a package in a folder finds by a name, as Node.js looks for it. */
const found = (from: string, name: string): string | undefined => {
  const candidate = join(from, "node_modules", name)
  if (existsSync(join(candidate, "package.json"))) return realpathSync(candidate)
  return dirname(from) === from ? undefined : found(dirname(from), name)
}

/** The copies that a project's program can load: pnpm keeps older ones for a while, which nothing finds. */
export const loadable = (folder: string): ReadonlyArray<Installed> => {
  const known = new Set([folder])
  for (const directory of known) {
    for (const name of read(directory).uses) {
      const copy = found(directory, name)
      if (copy !== undefined) known.add(copy)
    }
  }
  return [...known].filter((directory) => directory !== folder).map(read)
}

/** The names of packages, and of all that they depend on. */
export const reached = (all: ReadonlyArray<Installed>, names: ReadonlyArray<string>): ReadonlySet<string> => {
  const known = new Set(names)
  for (const name of known) for (const one of all) if (one.name === name) for (const used of one.uses) known.add(used)
  return known
}
