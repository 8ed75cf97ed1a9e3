/** What users of a package notice of a change, and the packages that changed so without a changeset that says it. */

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly [field: string]: unknown
}

type Ranges = Readonly<Record<string, string>>

/** The catalogs of `pnpm-workspace.yaml`; the one without a name is the default. */
export interface Catalogs {
  readonly catalog?: Ranges
  readonly catalogs?: Readonly<Record<string, Ranges>>
}

/** A package at one commit: `undefined` where it did not exist yet. */
export interface Side {
  readonly manifest: Manifest
  readonly catalogs: Catalogs
  readonly api: string | undefined
}

const isRanges = (value: unknown): value is Ranges => typeof value === "object" && value !== null

/** The range that a package is published with. */
const published = ({ catalog = {}, catalogs = {} }: Catalogs, name: string, range: string): string => {
  const [, of] = /^catalog:(.*)$/.exec(range) ?? []
  if (of === undefined) return range
  const ranges = of === "" || of === "default" ? { ...catalog, ...catalogs["default"] } : (catalogs[of] ?? {})
  return ranges[name] ?? range
}

/** The ranges that an install reads. */
const rangesOf = ({ catalogs, manifest }: Side): ReadonlyArray<string> =>
  ["dependencies", "optionalDependencies", "peerDependencies", "engines"].flatMap((field) => {
    const ranges = manifest[field]
    if (!isRanges(ranges)) return []
    return Object.entries(ranges).map(([name, range]) => `${field}: ${name} ${published(catalogs, name, range)}`)
  })

/** What of a package changed for its users, in words. */
const changesOf = (base: Side | undefined, now: Side): ReadonlyArray<string> => {
  const before = new Set(base === undefined ? [] : rangesOf(base))
  const after = new Set(rangesOf(now))
  const ranges = [
    ...[...before].filter((line) => !after.has(line)).map((line) => `no longer ${line}`),
    ...[...after].filter((line) => !before.has(line)).map((line) => `now ${line}`)
  ]
  return [...(base?.api === now.api ? [] : ["api.txt"]), ...ranges]
}

/** The packages that changed for their users, where no changeset since the base names them and no release took it. */
export const untold = (
  sides: ReadonlyArray<{ readonly base: Side | undefined; readonly now: Side }>,
  named: ReadonlySet<string>
): ReadonlyArray<string> =>
  sides.flatMap(({ base, now }) => {
    const { name, version } = now.manifest
    const changes = changesOf(base, now)
    if (changes.length === 0 || named.has(name) || (base !== undefined && base.manifest.version !== version)) return []
    return [`${name} has no changeset for: ${changes.join("; ")}`]
  })
