import { assert, describe, it } from "@effect/vitest"
import * as Table from "../src/cli/Table.ts"

describe("a table", () => {
  it.each([
    ["short", 5, "short"],
    ["longer", 5, "long…"],
    ["ファイル", 8, "ファイル"],
    ["ファイル", 7, "ファイ…"],
    ["ファイル", 6, "ファ…"],
    ["ab👩‍👩‍👧cd", 5, "ab👩‍👩‍👧…"],
    ["ab👩‍👩‍👧cd", 4, "ab…"]
  ])("cuts %s to %i columns, and no character", (text, width, expected) => {
    assert.strictEqual(Table.cut(text, width), expected)
  })

  it("has columns as wide as their widest cell, numbers to the right", () => {
    const rows = [
      ["ファイル", 5],
      ["a", 12]
    ]
    assert.deepStrictEqual(Table.lines(["name", "n"], rows), ["name      n", "ファイル   5", "a         12"])
  })
})
