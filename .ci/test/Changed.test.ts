import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import process from "node:process"
import { afterAll, assert, beforeEach, describe, it } from "vitest"

const parent = mkdtempSync(join(tmpdir(), "changed-"))
afterAll(() => rmSync(parent, { recursive: true }))

let folder = parent
let count = 0

const write = (path: string, text: string) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

const git = (...args: ReadonlyArray<string>) =>
  execFileSync("git", ["-c", "user.name=test", "-c", "user.email=test@example.com", ...args], { cwd: folder })

const manifest = (name: string, fields: object = {}) =>
  write(`packages/${name}/package.json`, JSON.stringify({ name: `@x/${name}`, version: "0.1.0", ...fields }))

const changeset = (...names: ReadonlyArray<string>) =>
  write(
    `.changeset/${names.join("-")}.md`,
    `---\n${names.map((name) => `"@x/${name}": patch`).join("\n")}\n---\n\ntext\n`
  )

/** What the check says of the working tree, or nothing if it is content. */
const complaints = (): string => {
  try {
    const script = join(import.meta.dirname, "../changed.ts")
    execFileSync(process.execPath, ["--disable-warning=ExperimentalWarning", script, "main"], {
      cwd: folder,
      stdio: "pipe"
    })
    return ""
  } catch (error) {
    return error instanceof Error && "stderr" in error ? String(error.stderr).trim() : String(error)
  }
}

beforeEach(() => {
  folder = join(parent, String(count++))
  manifest("core", { peerDependencies: { effect: "catalog:" } })
  manifest("alert", { dependencies: { "@x/core": "workspace:^" }, devDependencies: { vitest: "catalog:" } })
  for (const name of ["core", "alert"]) write(`packages/${name}/api.txt`, "declare const one: 1\n")
  write("pnpm-workspace.yaml", "catalog:\n  effect: ^4.1.0\n  vitest: ^5.0.0\n")
  changeset("core", "alert")
  git("init", "-q", "-b", "main")
  git("add", "-A")
  git("commit", "-qm", "base")
  git("checkout", "-qb", "work")
})

describe("a change that users notice", () => {
  it("of api.txt needs a changeset of that very package, written since the base", () => {
    assert.strictEqual(complaints(), "")
    write("packages/alert/api.txt", "declare const two: 2\n")
    assert.strictEqual(complaints(), "@x/alert has no changeset for: api.txt")
    changeset("core")
    assert.strictEqual(complaints(), "@x/alert has no changeset for: api.txt")
    changeset("alert")
    assert.strictEqual(complaints(), "")
  })

  it("of a catalog's range needs a changeset of the packages that are published with it, and of no other", () => {
    write("pnpm-workspace.yaml", "catalog:\n  effect: ^4.2.0\n  vitest: ^6.0.0\n")
    assert.strictEqual(
      complaints(),
      "@x/core has no changeset for: no longer peerDependencies: effect ^4.1.0; now peerDependencies: effect ^4.2.0"
    )
    changeset("core")
    assert.strictEqual(complaints(), "")
  })

  it("is nothing if the same range is written out instead", () => {
    manifest("core", { peerDependencies: { effect: "^4.1.0" } })
    assert.strictEqual(complaints(), "")
  })

  it("of a named catalog counts as well", () => {
    write("pnpm-workspace.yaml", "catalog:\n  effect: ^4.1.0\ncatalogs:\n  next:\n    effect: ^5.0.0\n")
    manifest("core", { peerDependencies: { effect: "catalog:next" } })
    assert.include(complaints(), "now peerDependencies: effect ^5.0.0")
  })

  it("is told if the branch makes the release, which takes the changesets away", () => {
    write("packages/core/api.txt", "declare const two: 2\n")
    manifest("core", { version: "0.1.1", peerDependencies: { effect: "catalog:" } })
    rmSync(join(folder, ".changeset"), { recursive: true })
    assert.strictEqual(complaints(), "")
  })

  it("is a new package too", () => {
    manifest("retry")
    write("packages/retry/api.txt", "declare const one: 1\n")
    assert.strictEqual(complaints(), "@x/retry has no changeset for: api.txt")
  })
})
