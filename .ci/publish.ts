/**
 * `pnpm release`: publishes what the registry does not have, and tags what it has, until every version is both; it may be interrupted and run again.
 * `pnpm release --dry-run` shows what would happen, and changes nothing.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { join } from "node:path"
import process from "node:process"
import { setTimeout } from "node:timers/promises"
import { packagesOf, waiting } from "./publish/packages.ts"
import { planOf } from "./publish/plan.ts"
import { git, refusal } from "./publish/repository.ts"
import { show } from "./publish/show.ts"
import { type Known, known } from "./publish/state.ts"

const root = join(import.meta.dirname, "..")
const attempts = 3

/** Tags what is published, at the commit it was published from, and pushes the tags: a runner's clone does not stay. */
const tag = (states: ReadonlyArray<Known>): void => {
  const untagged = states.filter(({ isPublished, isTagged }) => isPublished && !isTagged)
  for (const { commit, tag: name } of untagged) {
    git(root, "tag", name, ...(commit === undefined ? [] : [commit]))
    console.log(`tagged ${name}`)
  }
  const own = new Set(git(root, "tag", "--list").split("\n"))
  const tags = states.filter(({ isPublished, tag: name }) => isPublished && own.has(name)).map((one) => one.tag)
  if (tags.length > 0) git(root, "push", "origin", ...tags.map((name) => `refs/tags/${name}`))
}

/** Publishes until the registry itself has every version, since a lost answer says nothing. */
const publish = async (): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    const states = await known(root, packagesOf(root))
    tag(states)
    const left = states.filter(({ isPublished }) => !isPublished).map((one) => one.tag)
    if (left.length === 0) return console.log(`${states.length} packages are published and tagged`)
    if (attempt > attempts) throw new Error(`not published after ${attempts} attempts: ${left.join(", ")}`)
    if (attempt > 1) await setTimeout(2000 * (attempt - 1))
    console.log(`publishing ${left.join(", ")}`)
    // Its exit code does not count: the registry is asked.
    spawnSync("changeset", ["publish", "--no-git-tag"], { cwd: root, stdio: ["ignore", "inherit", "inherit"] })
  }
}

const main = async (args: ReadonlyArray<string>): Promise<void> => {
  const unknown = args.filter((word) => word !== "--dry-run")
  if (unknown.length > 0) throw new Error(`unknown: ${unknown.join(" ")}; the only option is --dry-run`)
  const refused = refusal(root)
  const packages = packagesOf(root)
  if (args.includes("--dry-run")) {
    execFileSync("turbo", ["run", "build", "--output-logs=errors-only"], { cwd: root, stdio: "inherit" })
    await show(root, packages, planOf(packages, waiting(root)), refused)
    return
  }
  if (refused !== undefined) throw new Error(`nothing is published: ${refused}`)
  if (waiting(root).size > 0) throw new Error("changesets are waiting: run `pnpm version-packages` and commit first")
  if (git(root, "status", "--porcelain") !== "") throw new Error("nothing is published: there are uncommitted changes")
  execFileSync("turbo", ["run", "build", "--output-logs=errors-only"], { cwd: root, stdio: "inherit" })
  await publish()
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
