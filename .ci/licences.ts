// docs/licences.md: the licences of everything that is installed here, as pnpm reads them from the packages; one that is not allowed fails.
import { execFileSync } from "node:child_process"
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { table } from "./policies.ts"

const root = join(import.meta.dirname, "..")

/** Licences that ask for no more than a notice: allowed everywhere. */
const permissive = [
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC0-1.0",
  "ISC",
  "MIT",
  "MIT-0",
  "Python-2.0",
  "Unlicense"
]

/** Allowed for tools besides, which nobody gets from us: their files stay under this licence. */
const forTools = ["Artistic-2.0", "CC-BY-4.0", "MPL-2.0"]

/** Packages whose manifest names no licence, and the licence that a file of theirs has. */
const unnamed: { readonly [name: string]: string } = { "map-stream": "MIT" }

interface Installed {
  readonly name: string
  readonly paths: ReadonlyArray<string>
}

type Listed = { readonly [licence: string]: ReadonlyArray<Installed> }

const manifestOf = (folder: string) =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    readonly name: string
    readonly license?: string
    readonly os?: unknown
    readonly cpu?: unknown
    readonly peerDependencies?: { readonly [name: string]: string }
  }

/** Whether a package is of one system only, such as a compiled binary: another machine has another one of the same licence. */
const isOfOneSystem = ({ paths }: Installed): boolean =>
  paths.some((path) => {
    const { cpu, os } = manifestOf(path)
    return cpu !== undefined || os !== undefined
  })

/** The names of the packages by licence. */
const list = (...args: ReadonlyArray<string>): ReadonlyMap<string, ReadonlyArray<string>> => {
  const text = execFileSync("pnpm", [...args, "licenses", "list", "--json"], { cwd: root, encoding: "utf8" })
  const listed = JSON.parse(text) as Listed
  const found = new Map<string, Set<string>>()
  for (const [licence, all] of Object.entries(listed))
    for (const one of all.filter((each) => !isOfOneSystem(each))) {
      const known = licence === "Unknown" ? (unnamed[one.name] ?? licence) : licence
      found.set(known, (found.get(known) ?? new Set()).add(one.name))
    }
  return new Map(
    [...found]
      .map(([licence, names]) => [licence, [...names].toSorted()] as const)
      .toSorted(([one], [other]) => one.localeCompare(other))
  )
}

const service = list("--prod", "--filter", "@redrive/crawler")
const everything = list("-r")

/** What the packages take from the program that installs them. */
const peers = new Map(
  globSync("packages/*", { cwd: root }).flatMap((path) =>
    Object.keys(manifestOf(join(root, path)).peerDependencies ?? {}).map((peer) => {
      const { license = "none" } = manifestOf(join(root, path, "node_modules", peer))
      return [peer, license] as const
    })
  )
)

/** A licence is a name, or several to choose from: `(MIT OR CC0-1.0)`. */
const isAllowed = (licence: string, allowed: ReadonlyArray<string>): boolean =>
  licence
    .replaceAll(/[()]/g, "")
    .split(" OR ")
    .some((one) => one.split(" AND ").every((part) => allowed.includes(part)))

/** Packages whose licence is not allowed. */
export const forbidden: ReadonlyArray<string> = [
  ...[...peers]
    .filter(([, licence]) => !isAllowed(licence, permissive))
    .map(([name, licence]) => `${name}: ${licence}`),
  ...[...service].flatMap(([licence, names]) =>
    isAllowed(licence, permissive) ? [] : names.map((name) => `${name} of the crawl service: ${licence}`)
  ),
  ...[...everything].flatMap(([licence, names]) =>
    isAllowed(licence, [...permissive, ...forTools]) ? [] : names.map((name) => `${name}: ${licence}`)
  )
]

export const licences = [
  "# Licences",
  "",
  "<!-- Written by `pnpm generate`, from what is installed. -->",
  "",
  "Everything here is under the [MIT licence](../LICENSE). `.ci/docs.ts --check` fails if a dependency has a licence that is not allowed:",
  `${permissive.join(", ")}; for tools that nobody gets from us also ${forTools.join(", ")}.`,
  "Packages of one system only, such as compiled binaries, are not in the tables.",
  "",
  "## The packages",
  "",
  "They bring only one another. What they take from the program, as peers:",
  "",
  table(
    ["peer", "licence"],
    [...peers].toSorted(([one], [other]) => one.localeCompare(other)).map(([name, licence]) => [`\`${name}\``, licence])
  ),
  "",
  "## The crawl service",
  "",
  "What `apps/crawler` runs with:",
  "",
  ...[...service].flatMap(([licence, names]) => [
    `- **${licence}**: ${names.filter((name) => !name.startsWith("@redrive/")).join(", ")}`
  ]),
  "",
  "## All tools, tests and benchmarks",
  "",
  table(
    ["licence", "packages"],
    [...everything].map(([licence, names]) => [licence, names.length > 8 ? String(names.length) : names.join(", ")])
  ),
  "",
  "## The audit",
  "",
  "`npx -y pnpm@12.21.0 audit` asks the registry for known weaknesses of what the lockfile has, and `npx -y pnpm@12.21.0 audit --prod` of what the service",
  "runs with. It needs a registry that answers such questions, so it is not part of `.ci/run`. Each install checks the integrity of every package against",
  "the lockfile, and no install script runs (`allowBuilds` in `pnpm-workspace.yaml`).",
  ""
].join("\n")
