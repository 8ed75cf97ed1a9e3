/**
 * `changed.ts BASE` fails if a package offers something else, or is published with other ranges, than at BASE, and no changeset since BASE names it.
 * `changeset status` is content with one changeset of any package, and does not see that a catalog in pnpm-workspace.yaml changes a package.
 */
import { existsSync, globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { parse } from "yaml"
import { type Side, untold } from "./publish/changed.ts"
import { releasesOf } from "./publish/packages.ts"
import { git } from "./publish/repository.ts"

const [branch = "main"] = process.argv.slice(2)
const root = process.cwd()
const base = git(root, "merge-base", "HEAD", branch)

type Read = (path: string) => string | undefined

const now: Read = (path) => (existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : undefined)

const atBase: Read = (path) => {
  try {
    return git(root, "show", `${base}:${path}`)
  } catch {
    return undefined
  }
}

const sideOf = (directory: string, read: Read): Side | undefined => {
  const manifest = read(`${directory}/package.json`)
  if (manifest === undefined) return undefined
  const catalogs = parse(read("pnpm-workspace.yaml") ?? "") ?? {}
  // `git show` is trimmed.
  return { manifest: JSON.parse(manifest), catalogs, api: read(`${directory}/api.txt`)?.trim() }
}

/** The packages that a changeset names which is new since the base, or was edited. */
const named = new Set(
  globSync(".changeset/*.md", { cwd: root }).flatMap((path) => {
    const text = now(path)?.trim() ?? ""
    return text === atBase(path) ? [] : releasesOf(text).map(([name]) => name)
  })
)

const sides = globSync("packages/*", { cwd: root }).flatMap((directory) => {
  const side = sideOf(directory, now)
  return side === undefined ? [] : [{ base: sideOf(directory, atBase), now: side }]
})
const complaints = untold(sides, named)
for (const complaint of complaints) console.error(complaint)
if (complaints.length > 0) process.exitCode = 1
else
  console.log(`each change of ${sides.length} packages that users notice since ${base.slice(0, 9)} has its changeset`)
