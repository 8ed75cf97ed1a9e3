/** The project's repository: its address stands in the root manifest, and nowhere else by hand. */
import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { json } from "./packages.ts"

export const addressOf = (root: string): string => json(join(root, "package.json")).repository

/** One form for the ways to write an address: `git@host:a/b.git`, `ssh://git@host/a/b`, `git+https://host/a/b.git`. */
export const plain = (address: string): string =>
  address
    .trim()
    .replace(/^git\+/, "")
    .replace(/^(?:ssh:\/\/)?git@([^/:]+)[/:]/, "https://$1/")
    // An address may carry a token.
    .replace(/^https:\/\/[^/@]*@/, "https://")
    .replace(/(?:\.git)?\/?$/, "")

export const git = (root: string, ...args: ReadonlyArray<string>): string =>
  execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim()

/** Why nothing may be published from this clone, or `undefined`. */
export const refusal = (root: string): string | undefined => {
  const wanted = addressOf(root)
  let origin: string
  try {
    // As written: `git remote get-url` would apply the rewrites of the user's configuration.
    origin = git(root, "config", "--get", "remote.origin.url")
  } catch {
    return `the git remote "origin" is not set; packages name ${wanted}`
  }
  return plain(origin) === plain(wanted)
    ? undefined
    : `the git remote "origin" is ${plain(origin)}; packages name ${wanted}`
}
