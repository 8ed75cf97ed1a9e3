import { assert, describe, it } from "@effect/vitest"
import { displayWidth } from "effect/cli/CliOutput"
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

  const rows = [
    [
      "  https://docs.example.com/a/rather/long/path/to-a-page.html?with=a&query=too",
      "host_returned_error unavailable",
      3
    ],
    [`  https://example.com/${"x".repeat(90)}`, "ファイルファイルファイルファイル", 12],
    ["  short", "a few words that go on for longer than there is room", 1]
  ]

  it.each([40, 60, 80, 120])("fits %i columns, and leaves nothing out", (width) => {
    const lines = Table.lines(["PAGE", "WHY", "N"], rows, width)
    for (const line of lines) assert.isAtMost(displayWidth(line), width)
    const column = lines
      .map((line) => line.slice(0, (lines[0] ?? "").indexOf("WHY")))
      .join("")
      .replace(/\s/g, "")
    assert.include(column, `https://example.com/${"x".repeat(90)}`)
    assert.include(column, "https://docs.example.com/a/rather/long/path/to-a-page.html?with=a&query=too")
  })

  it("breaks wide characters, and loses none", () => {
    const text = "ファイルファイルファイルファイル"
    const lines = Table.lines(["P"], [[text]], 7)
    assert.deepStrictEqual(lines.slice(1).join(""), text)
    for (const line of lines) assert.isAtMost(displayWidth(line), 7)
  })

  it("is as it was where there is room", () => {
    assert.lengthOf(Table.lines(["PAGE", "WHY", "N"], rows, 1000), 4)
  })

  it("never loops where not even its head fits", () => {
    assert.deepStrictEqual(Table.lines(["HEAD", "HEAD"], [["a", "b"]], 3), ["HEAD  HEAD", "a     b"])
  })

  it("breaks after a sign, and indents what goes on", () => {
    assert.deepStrictEqual(Table.lines(["P"], [["  aaa/bbb/ccc"]], 7), ["P", "  aaa/", "  bbb/", "  ccc"])
  })
})
