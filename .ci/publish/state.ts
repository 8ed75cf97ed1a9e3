/** What the registry and the repository know of the versions in the manifests. */
import { execFileSync } from "node:child_process"
import type { Package } from "./packages.ts"
import { git } from "./repository.ts"

/** A package's version, and whether the registry and the repository have it. */
export interface Known {
  readonly name: string
  readonly directory: string
  readonly version: string
  readonly tag: string
  /** Whether no version of the package has a tag. */
  readonly isFirst: boolean
  readonly isPublished: boolean
  readonly isTagged: boolean
}

const registryFor = (root: string, name: string): string => {
  const ask = (key: string) => execFileSync("npm", ["config", "get", key], { cwd: root, encoding: "utf8" }).trim()
  const scoped = ask(`${name.split("/")[0]}:registry`)
  return (scoped === "undefined" ? ask("registry") : scoped).replace(/\/$/, "")
}

/** The registry's own list, past every cache: a version that was published a moment ago counts. */
const versionsOf = async (registry: string, name: string): Promise<ReadonlyArray<string>> => {
  const response = await fetch(`${registry}/${name.replace("/", "%2f")}`, { headers: { "cache-control": "no-cache" } })
  if (response.status === 404) return []
  if (!response.ok) throw new Error(`the registry answers ${response.status} for ${name}`)
  const packument = (await response.json()) as { readonly versions?: object }
  return Object.keys(packument.versions ?? {})
}

/** The tags of the clone and, if it can be asked, of `origin`: a runner's clone may have none. */
const tagsOf = (root: string): ReadonlySet<string> => {
  const own = git(root, "tag", "--list").split("\n")
  try {
    const remote = git(root, "ls-remote", "--tags", "origin")
    return new Set([...own, ...remote.split("\n").map((line) => line.replace(/^.*refs\/tags\//, ""))])
  } catch {
    return new Set(own)
  }
}

export const known = async (root: string, packages: ReadonlyArray<Package>): Promise<ReadonlyArray<Known>> => {
  const registry = registryFor(root, packages[0]?.name ?? "")
  const tags = tagsOf(root)
  return Promise.all(
    packages.map(async ({ directory, name, version }) => {
      const isPublished = (await versionsOf(registry, name)).includes(version)
      const tag = `${name}@${version}`
      const isFirst = ![...tags].some((one) => one.startsWith(`${name}@`))
      return { name, directory, version, tag, isFirst, isPublished, isTagged: tags.has(tag) }
    })
  )
}

/** Published versions that have no tag. */
export const untagged = (states: ReadonlyArray<Known>): ReadonlyArray<Known> =>
  states.filter(({ isPublished, isTagged }) => isPublished && !isTagged)

/**
 * The commit that a version was published from: pnpm does not tell the registry. It is the one that gave the package its version, but for a package's
 * first release, whose version may be older: that is the last one that gave any package a version.
 */
export const versioned = ({ directory, isFirst, version }: Known): string =>
  (isFirst
    ? git(directory, "log", "-1", "--format=%H", '-G"version": "', "--", ":(top,glob)packages/*/package.json")
    : git(directory, "log", "-1", "--format=%H", `-S"version": "${version}"`, "--", "package.json")) || "HEAD"
