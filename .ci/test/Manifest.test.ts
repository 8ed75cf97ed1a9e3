import { assert, describe, it } from "vitest"
import { absolute, pathsOf } from "../publish/links.ts"
import { faults, shaped } from "../publish/manifest.ts"
import { plain } from "../publish/repository.ts"

const address = "https://forge.example/owner/project"

describe("a manifest", () => {
  const written = {
    description: "text",
    version: "1.2.3",
    keywords: ["effect", "two-words"],
    dependencies: { a: "^1.0.0" }
  }

  it("gets the fields that follow from the repository and its folder, and keeps its own", () => {
    const { bugs, dependencies, name, repository } = shaped(address, "core", written)
    assert.deepStrictEqual(
      { bugs, dependencies, name, repository },
      {
        bugs: `${address}/issues`,
        dependencies: { a: "^1.0.0" },
        name: "@redrive/core",
        repository: { type: "git", url: `git+${address}.git`, directory: "packages/core" }
      }
    )
  })

  it("is refused with what only a person can write, or with fields of its own", () => {
    const found = faults(
      address,
      "core",
      shaped(address, "core", { ...written, keywords: ["Two words"], main: "x.js" })
    )
    for (const fault of ["has no scripts", "has a field main that the others do not"]) assert.include(found, fault)
    assert.include(found.join("\n"), "keywords are not lower-case words")
  })
})

describe("links of a README", () => {
  const options = { address, directory: "packages/core", isFolder: (path: string) => path === "packages/log" }

  it("lead to the repository, and stay as they are if they are addresses or anchors", () => {
    const text = "[a](../../docs/a.md#part), [b](../log), [c](#here), [d](https://other.example/x), ![e](e.svg)"
    assert.strictEqual(
      absolute(text, options),
      `[a](${address}/blob/main/docs/a.md#part), [b](${address}/tree/main/packages/log#readme), [c](#here), [d](https://other.example/x), ![e](${address}/blob/main/packages/core/e.svg)`
    )
    assert.strictEqual(absolute(absolute(text, options), options), absolute(text, options))
  })

  it("name paths of the repository, which can be looked for", () => {
    const text = `[a](${address}/blob/main/docs/a.md#part) [b](${address}/tree/main/packages/log#readme) [c](${address}/issues)`
    assert.deepStrictEqual(pathsOf(text, address), ["docs/a.md", "packages/log"])
  })
})

describe("the address of a remote", () => {
  it("is the same in every form of writing it, and carries no token", () => {
    for (const form of [
      address,
      `${address}.git`,
      `git+${address}.git`,
      "git@forge.example:owner/project.git",
      "ssh://git@forge.example/owner/project.git",
      "https://user:token@forge.example/owner/project/"
    ])
      assert.strictEqual(plain(form), address)
  })
})
