/** The versions of the next release: a bump that leaves the range of a dependent breaks the dependent as well. */
import type { Bump, Package } from "./packages.ts"

/** A package that changes, and whether its own changesets ask for less than that. */
export interface Release {
  readonly name: string
  readonly bump: Bump
  readonly isRaised: boolean
  readonly from: string
  readonly to: string
  /** The packages whose new versions are outside this package's published range, so that its users meet their breaks. */
  readonly broken: ReadonlyArray<string>
}

const numbers = (version: string): readonly [number, number, number] => {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)$/.exec(version) ?? []
  if (patch === undefined) throw new Error(`${version} is not a version of three numbers`)
  return [Number(major), Number(minor), Number(patch)]
}

export const next = (version: string, bump: Bump): string => {
  const [major, minor, patch] = numbers(version)
  if (bump === "major") return `${major + 1}.0.0`
  return bump === "minor" ? `${major}.${minor + 1}.0` : `${major}.${minor}.${patch + 1}`
}

/** Whether `^from`, which is what `workspace:^` is published as, no longer includes a version. */
export const leaves = (from: string, to: string): boolean => {
  const [before, after] = [numbers(from), numbers(to)]
  // The first number that is not zero tells versions apart that may break each other; 0.0.1 and 0.0.2 may.
  const fixed = before.findIndex((number) => number !== 0)
  return before.some((number, index) => (fixed === -1 || index <= fixed) && number !== after[index])
}

/** The bump by which a package tells its users of a break: npm's ranges take a minor of 0.x for one. */
export const breaking = (version: string): Bump => (numbers(version)[0] === 0 ? "minor" : "major")

const rank: ReadonlyArray<Bump | undefined> = [undefined, "patch", "minor", "major"]
const isHigher = (one: Bump, other: Bump | undefined): boolean => rank.indexOf(one) > rank.indexOf(other)

/** The next release, with the bumps that the changesets leave out. */
export const planOf = (packages: ReadonlyArray<Package>, asked: ReadonlyMap<string, Bump>): ReadonlyArray<Release> => {
  const bumps = new Map(asked)
  const isBroken = (name: string): boolean => {
    const [bump, found] = [bumps.get(name), packages.find((one) => one.name === name)]
    return bump !== undefined && found !== undefined && leaves(found.version, next(found.version, bump))
  }
  // A raised package may break its own dependents, so go on until nothing changes.
  for (let isChanged = true; isChanged;) {
    isChanged = false
    for (const { name, uses, version } of packages) {
      if (!uses.some((used) => isBroken(used.name)) || !isHigher(breaking(version), bumps.get(name))) continue
      bumps.set(name, breaking(version))
      isChanged = true
    }
  }
  return packages.flatMap(({ name, uses, version }) => {
    const bump = bumps.get(name)
    if (bump === undefined) return []
    const broken = uses.map((used) => used.name).filter(isBroken)
    return [{ name, bump, isRaised: bump !== asked.get(name), from: version, to: next(version, bump), broken }]
  })
}

/** A changeset for the packages that only their dependencies raise, or `undefined` if there is none. */
export const missing = (plan: ReadonlyArray<Release>): string | undefined => {
  const raised = plan.filter(({ isRaised }) => isRaised)
  if (raised.length === 0) return undefined
  const causes = new Set(raised.flatMap(({ broken }) => broken))
  const versions = plan.filter(({ name }) => causes.has(name)).map(({ name, to }) => `- \`${name}\` ${to}`)
  const front = raised.map(({ bump, name }) => `"${name}": ${bump}`)
  const text =
    "Built on a version of its own dependencies that may break a program. Update the packages you use together:"
  return ["---", ...front, "---", "", text, "", ...versions, ""].join("\n")
}
