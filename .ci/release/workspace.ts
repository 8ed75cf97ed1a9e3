/** A copy of this workspace in a repository of its own, which can be versioned and published without a trace in this one. */
import { execFileSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { addressOf } from "../publish/repository.ts"
import { environment, type Environment, run, served } from "./run.ts"

const root = join(import.meta.dirname, "../..")

/** Settings of npm, pnpm and Yarn 1 that send only the packages' scope to a registry on this machine; gives the registry of all others. */
export const settings = (file: string, registry: string): string => {
  const { host } = new URL(registry)
  // What the user has set stays, since that is where other packages come from.
  const upstream = execFileSync("npm", ["config", "get", "registry"], { cwd: root, encoding: "utf8" }).trim()
  const lines = [`registry=${upstream}`, `@redrive:registry=${registry}`, `//${host}/:_authToken=any`]
  writeFileSync(file, `${lines.join("\n")}\n`)
  return upstream
}

const identity = Object.fromEntries(
  ["AUTHOR", "COMMITTER"].flatMap((who) => [
    [`GIT_${who}_NAME`, "release test"],
    [`GIT_${who}_EMAIL`, "release@example.com"]
  ])
)

/** Copies what git would commit, with its changes that are not committed yet. */
const copy = (folder: string): void => {
  const listed = execFileSync("git", ["ls-files", "-z", "-co", "--exclude-standard", "--deduplicate"], {
    cwd: root,
    encoding: "utf8"
  })
  // git lists files that were deleted and not committed, too.
  for (const path of listed.split("\0").filter((one) => one !== "" && existsSync(join(root, one)))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    cpSync(join(root, path), join(folder, path), { force: true, errorOnExist: false, verbatimSymlinks: true })
  }
}

/** The copy, whose `origin` has the project's address, and is a folder beside it. */
export const workspace = async (parent: string, userconfig: string): Promise<Environment> => {
  const folder = join(parent, "workspace")
  const remote = join(parent, "origin.git")
  mkdirSync(folder)
  copy(folder)
  const here = environment(folder, {
    ...identity,
    NPM_CONFIG_USERCONFIG: userconfig,
    TURBO_TELEMETRY_DISABLED: "1",
    CI: "1"
  })
  run(here, "git", "init", "-q", "--bare", remote)
  run(here, "git", "init", "-q", "-b", "main")
  run(here, "git", "remote", "add", "origin", addressOf(root))
  run(here, "git", "config", `url.${remote}.insteadOf`, addressOf(root))
  commit(here, "start")
  await served(here, "pnpm", "install", "--frozen-lockfile", "--prefer-offline")
  return here
}

export const commit = (here: Environment, subject: string): void => {
  run(here, "git", "add", "-A")
  run(here, "git", "commit", "-qm", subject)
  run(here, "git", "push", "-q", "origin", "main")
}
