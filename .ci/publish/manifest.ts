/** The shape that all manifests of published packages have: fields that follow from the repository and the folder, and fields that are the same for all. */

export type Manifest = Readonly<Record<string, unknown>>

const exported = (folder: string, types: string | undefined, code: string, closed: ReadonlyArray<string>) => {
  const entry = (name: string) =>
    types === undefined
      ? `./${folder}/${name}${code}`
      : { types: `./${folder}/${name}${types}`, default: `./${folder}/${name}${code}` }
  return {
    ".": entry("index"),
    "./*": entry("*"),
    ...Object.fromEntries(closed.map((path) => [path, null])),
    "./package.json": "./package.json"
  }
}

/** The fields, in the order in which a manifest has them; `undefined` stands for a field of the package's own. */
const fields = (address: string, folder: string): ReadonlyArray<readonly [string, unknown]> => [
  ["name", `@redrive/${folder}`],
  ["version", undefined],
  ["description", undefined],
  ["keywords", undefined],
  ["homepage", `${address}/tree/main/packages/${folder}#readme`],
  ["bugs", `${address}/issues`],
  ["license", "MIT"],
  ["repository", { type: "git", url: `git+${address}.git`, directory: `packages/${folder}` }],
  ["files", ["dist", "src", "CHANGELOG.md"]],
  ["type", "module"],
  ["sideEffects", false],
  ["exports", exported("src", undefined, ".ts", ["./index", "./internal/*"])],
  [
    "publishConfig",
    { exports: exported("dist", ".d.ts", ".js", ["./chunk-*", "./index", "./internal/*"]), access: "public" }
  ],
  ["scripts", undefined],
  ["dependencies", undefined],
  ["devDependencies", undefined],
  ["peerDependencies", undefined],
  ["peerDependenciesMeta", undefined],
  ["engines", { node: ">=22.19" }]
]

/** Fields that no package has to have. */
const optional = ["dependencies", "peerDependenciesMeta"]

/** The manifest as it should be; fields that the shape does not know come last. */
export const shaped = (address: string, folder: string, manifest: Manifest): Manifest => {
  const known = fields(address, folder).map(([name, value]) => [name, value ?? manifest[name]] as const)
  return { ...Object.fromEntries(known.filter(([, value]) => value !== undefined)), ...withoutKnown(manifest, known) }
}

const withoutKnown = (manifest: Manifest, known: ReadonlyArray<readonly [string, unknown]>): Manifest =>
  Object.fromEntries(Object.entries(manifest).filter(([name]) => known.every(([other]) => other !== name)))

const isWord = (value: unknown): boolean => typeof value === "string" && /^[a-z][a-z0-9-]*$/.test(value)

/** What only a person can put right. */
export const faults = (address: string, folder: string, manifest: Manifest): ReadonlyArray<string> => {
  const all = fields(address, folder)
  const absent = all.flatMap(([name]) => (name in manifest || optional.includes(name) ? [] : [`has no ${name}`]))
  const extra = Object.keys(manifest).flatMap((name) =>
    all.some(([known]) => known === name) ? [] : [`has a field ${name} that the others do not`]
  )
  const { keywords } = manifest
  const areWords = Array.isArray(keywords) && keywords.includes("effect") && keywords.every(isWord)
  return [...absent, ...extra, ...(areWords ? [] : [`keywords are not lower-case words with "effect" among them`])]
}
