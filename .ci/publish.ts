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
import { type Known, known, untagged, versioned } from "./publish/state.ts"

const root = join(import.meta.dirname, "..")
const attempts = 3
/** Milliseconds for an attempt to publish all packages. */
const longest = 600_000

/** Tags what is published and pushes the tags, since a runner's clone does not stay. */
const tag = (states: ReadonlyArray<Known>, commitOf: (state: Known) => string): void => {
  for (const state of untagged(states)) {
    git(root, "tag", state.tag, commitOf(state))
    console.log(`tagged ${state.tag}`)
  }
  const own = new Set(git(root, "tag", "--list").split("\n"))
  const tags = states
    .filter((state) => state.isPublished && own.has(state.tag))
    .map((state) => `refs/tags/${state.tag}`)
  if (tags.length > 0) git(root, "push", "origin", ...tags)
}

/** Publishes until the registry itself has every version, since a lost answer says nothing. */
const publish = async (): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    const states = await known(root, packagesOf(root))
    // What is there before the first attempt, an earlier run has published, perhaps at an earlier commit.
    tag(states, attempt === 1 ? versioned : () => "HEAD")
    const left = states.filter(({ isPublished }) => !isPublished).map((one) => one.tag)
    if (left.length === 0) return console.log(`${states.length} packages are published and tagged`)
    if (attempt > attempts) throw new Error(`not published after ${attempts} attempts: ${left.join(", ")}`)
    if (attempt > 1) await setTimeout(2000 * (attempt - 1))
    console.log(`publishing ${left.join(", ")}`)
    // Its exit code does not count: the registry is asked. pnpm waits for an answer without end.
    spawnSync("changeset", ["publish", "--no-git-tag"], {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
      timeout: longest
    })
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
