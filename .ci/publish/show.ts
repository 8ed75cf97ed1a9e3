/** The plan of a release for people: versions, ranges, tags and sizes. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Package } from "./packages.ts"
import type { Release } from "./plan.ts"
import { type Known, known } from "./state.ts"

/** Bytes of the tarball that would be published. */
const sizeOf = (directory: string): number => {
  const folder = mkdtempSync(join(tmpdir(), "size-"))
  try {
    const tarball = join(folder, "package.tgz")
    execFileSync("pnpm", ["pack", "--out", tarball], { cwd: directory, stdio: ["ignore", "ignore", "inherit"] })
    return statSync(tarball).size
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const kilobytes = (bytes: number): string => `${Math.round(bytes / 1000)} kB`

const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd()
    )
    .join("\n")
}

/** `undefined` if the registry cannot be asked: the rest of the plan is still worth a look. */
const states = async (root: string, packages: ReadonlyArray<Package>): Promise<ReadonlyArray<Known> | undefined> => {
  try {
    return await known(root, packages)
  } catch (error) {
    console.log(`the registry cannot be asked: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

const statusOf = (state: Known | undefined): string => {
  if (state === undefined) return "unknown"
  if (!state.isPublished) return "not published"
  return state.isTagged ? "published" : "published, no tag"
}

const reasonOf = ({ broken, bump, isRaised }: Release): string =>
  isRaised ? `${bump}, since ${broken.join(" and ")} may break it` : bump

export const show = async (
  root: string,
  packages: ReadonlyArray<Package>,
  plan: ReadonlyArray<Release>,
  refused: string | undefined
): Promise<void> => {
  const next = planned(packages, plan)
  const versions = packages.map((one) => ({ ...one, version: next.get(one.name) ?? one.version }))
  const asked = await states(root, versions)
  const rows = versions.map(({ directory, name, uses, version }) => {
    const release = plan.find((one) => one.name === name)
    const before = release === undefined ? version : `${release.from} -> ${version}`
    const ranges = uses.map((used) => `${used.name.replace(/^.*\//, "")} ^${next.get(used.name)}`).join(", ")
    const status = statusOf(asked?.find((one) => one.name === name))
    const reason = release === undefined ? "as it is" : reasonOf(release)
    return [name, before, ranges, `${name}@${version}`, kilobytes(sizeOf(directory)), status, reason]
  })
  console.log(table([["package", "version", "installs", "tag", "size", "registry", "why"], ...rows]))
  const waits = plan.length > 0 ? "changesets are waiting: `pnpm version-packages` makes these versions. " : ""
  console.log(`\n${waits}Nothing was published.`)
  if (refused !== undefined) console.log(`A release would be refused: ${refused}`)
}

/** The version that each package has after the release. */
const planned = (packages: ReadonlyArray<Package>, plan: ReadonlyArray<Release>): ReadonlyMap<string, string> =>
  new Map([
    ...packages.map(({ name, version }) => [name, version] as const),
    ...plan.map(({ name, to }) => [name, to] as const)
  ])
