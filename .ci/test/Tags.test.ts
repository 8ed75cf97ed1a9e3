import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import { refusal } from "../publish/repository.ts"
import { untagged, versioned } from "../publish/state.ts"

const root = mkdtempSync(join(tmpdir(), "tags-"))
afterAll(() => rmSync(root, { recursive: true }))

const git = (...args: ReadonlyArray<string>) =>
  execFileSync("git", ["-c", "user.name=test", "-c", "user.email=test@example.com", ...args], {
    cwd: root,
    encoding: "utf8"
  }).trim()

const directory = join(root, "packages/core")
const other = join(root, "packages/other")
for (const folder of [directory, other]) mkdirSync(folder, { recursive: true })
writeFileSync(join(root, "package.json"), `{ "repository": "https://forge.example/owner/project" }`)
git("init", "-q", "-b", "main")

const commit = (version: string, description: string, folder = directory): string => {
  writeFileSync(join(folder, "package.json"), `{\n  "version": "${version}",\n  "description": "${description}"\n}\n`)
  git("add", "-A")
  git("commit", "-qm", description)
  return git("rev-parse", "HEAD")
}

const state = (fields: { readonly isPublished: boolean; readonly isTagged: boolean; readonly isFirst?: boolean }) => ({
  isFirst: false,
  name: "@x/core",
  directory,
  version: "0.2.0",
  tag: "@x/core@0.2.0",
  ...fields
})

describe("tags that are missing", () => {
  it("are those of published versions without one", () => {
    const states = [true, false].flatMap((isPublished) =>
      [true, false].map((isTagged) => state({ isPublished, isTagged }))
    )
    assert.deepStrictEqual(untagged(states), [state({ isPublished: true, isTagged: false })])
  })

  it("of an earlier run go to the commit that set the version, not to a later one", () => {
    commit("0.1.0", "first")
    const set = commit("0.2.0", "second")
    commit("0.2.0", "later")
    assert.strictEqual(versioned(state({ isPublished: true, isTagged: false })), set)
  })

  it("of a package's first release go to the commit that last set any version, since its own may be older", () => {
    const set = commit("0.3.0", "a version of another", other)
    commit("0.3.0", "and no version", other)
    assert.strictEqual(versioned(state({ isPublished: true, isTagged: false, isFirst: true })), set)
  })
})

describe("a clone", () => {
  it("may publish only if its origin is the repository that the root manifest names", () => {
    assert.include(refusal(root), "is not set")
    git("remote", "add", "origin", "git@forge.example:owner/project.git")
    assert.isUndefined(refusal(root))
    git("remote", "set-url", "origin", "https://forge.example/fork/project")
    assert.include(refusal(root), "is https://forge.example/fork/project")
  })
})
