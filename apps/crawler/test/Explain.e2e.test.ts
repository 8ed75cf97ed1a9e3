import { execFileSync } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { assert, describe, it } from "@effect/vitest"
import * as Program from "@redrive/testing/Program"
import { XmlElement, parseXml } from "@rgrove/parse-xml"
import * as Effect from "effect/Effect"
import { main, run } from "./cli.ts"
import { folder } from "./files.ts"

const hostile = `</title><script>alert("&")</script>\u001b[31m`

const policy = {
  retries: 4,
  attemptTimeout: "2 seconds",
  budget: "standard",
  breaker: {},
  bulkhead: { concurrent: 4 },
  rateLimit: { limit: 20, window: "1 second" },
  hedge: { after: "1 second" },
  parking: {},
  server: { base: "1 second", cap: "10 seconds" },
  overrides: { [hostile]: { giveUp: true }, host_returned_error: { retries: 2 } }
}

/** A file with a policy, in a folder of its own. */
const written = Effect.map(folder, (path) => {
  const file = join(path, "policy.json")
  writeFileSync(file, JSON.stringify(policy))
  return { path, file }
})

describe.concurrent("explain", () => {
  it.live("says what the policy of a file does", () =>
    Effect.gen(function* () {
      const { file } = yield* written
      const { code, stderr, stdout } = yield* run(["explain", file])
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.include(stdout, `${file}: `)
      assert.match(stdout, /^ {2}down +quick +5 +[\d.]+ m?s +retries$/m)
      assert.match(stdout, /^ {2}quick +with +0\.\d\d /m)
      assert.match(stdout, /^ +without +[1-5]\.\d\d /m)
    })
  )

  it.live("says what the service does with a page, if no policy is given", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* run(["explain"])
      assert.strictEqual(code, 0)
      assert.strictEqual(
        stderr,
        "no policy given: this is how the service fetches a page; one whose host sends a Retry-After has 20 retries\n"
      )
      assert.include(stdout, "time: 15s for one attempt")
      assert.match(stdout, /^ {2}throttles +Retry-After 2 min +4 +6 min/m)
    })
  )

  it.live("reads standard input, and prints JSON", () =>
    Effect.sync(() => {
      const args = ["--disable-warning=ExperimentalWarning", main, "explain", "-", "--json", "--outage", "10 seconds"]
      const json: unknown = JSON.parse(
        execFileSync(process.execPath, args, { input: JSON.stringify(policy), encoding: "utf8" })
      )
      assert.nestedInclude(json, { name: "standard input", "outage.lasts": 10_000, "policy.retries": 4 })
    })
  )

  it.live("writes a page that loads nothing and escapes what comes from the file, and a picture", () =>
    Effect.gen(function* () {
      const { file, path } = yield* written
      const [html, svg] = [join(path, "a.html"), join(path, "a.svg")]
      writeFileSync(svg, "old")
      const { code, stderr } = yield* run(["explain", file, "--html", html, "--svg", svg])
      assert.strictEqual(code, 0)
      assert.strictEqual(stderr, `wrote ${html}\nwrote ${svg}\n`)
      assert.deepStrictEqual(readdirSync(path).toSorted(), ["a.html", "a.svg", "policy.json"])
      const page = readFileSync(html, "utf8")
      assert.include(page, `content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"`)
      assert.notMatch(page, /<script|https?:/)
      assert.notInclude(page, "\u001b")
      assert.include(page, `&lt;/title>&lt;script>alert(`)
      assert.lengthOf(page.match(/<svg/g) ?? [], 3)
      assert.lengthOf(page.match(/<title id=/g) ?? [], 3)
      assert.isAtLeast(page.match(/<table/g)?.length ?? 0, 3)
      const { root } = parseXml(readFileSync(svg, "utf8"))
      const [title, desc] = root?.children.filter((child) => child instanceof XmlElement) ?? []
      assert.deepStrictEqual([title?.name, desc?.name], ["title", "desc"])
      assert.include(title?.text, file)
    })
  )

  const wrong: ReadonlyArray<readonly [what: string, args: ReadonlyArray<string>, says: RegExp]> = [
    ["no file", ["DIR/none.json"], /cannot read .*none\.json: there is no such folder or file/],
    ["a folder", ["DIR"], /cannot read .*: it is a folder\. /],
    ["no JSON", ["DIR/broken.json"], /broken\.json is no JSON: .*line 2/],
    [
      "fields that are wrong",
      ["DIR/wrong.json"],
      /the nearest is retries; quick\.base is "soon"; allowed: .*"10 seconds"/
    ],
    ["a page that is a folder", ["--html", "DIR"], /cannot write .*: it is a folder\. Give --html the name of a file/],
    [
      "a picture in no folder",
      ["--svg", "DIR/x/a.svg"],
      /cannot write .*a\.svg: there is no such .* Give --svg a file/
    ],
    ["one file for both", ["--svg", "DIR/a", "--html", "DIR/./a"], /both the page and the picture\. Give --html and/],
    ["too long an outage", ["--outage", "2 days"], /--outage.*from 1 second to 1 hour/],
    ["an outage in words", ["--outage", "long"], /--outage.*from 1 second to 1 hour/],
    ["too many calls of a client", ["--clients", "1", "--rate", "101"], /101 calls a second are more than 100/]
  ]
  for (const [what, args, says] of wrong) {
    it.live(`refuses ${what} in one line with the next step`, () =>
      Effect.gen(function* () {
        const path = yield* folder
        writeFileSync(join(path, "broken.json"), "{\n}}")
        writeFileSync(join(path, "wrong.json"), `{"retrys":1,"quick":{"base":"soon","cap":"1 second"}}`)
        const { code, stderr, stdout } = yield* run(["explain", ...args.map((arg) => arg.replace("DIR", path))])
        assert.deepStrictEqual([code, stdout], [1, ""])
        const line = stderr.split("\n").find((line) => line.startsWith("error"))
        assert.match(line ?? "", says)
        assert.deepStrictEqual(readdirSync(path).toSorted(), ["broken.json", "wrong.json"])
      })
    )
  }
})

/** The widths of windows in which the page is looked at. */
const widths = [390, 1280]

/** Pages in frames of those widths, and a script that tells how wide they become. */
const frames = (page: string): string => `<!doctype html><body>${widths
  .map(
    (width) =>
      `<iframe style="border:0;height:6000px;width:${width}px" srcdoc="${page.replaceAll("&", "&amp;").replaceAll('"', "&quot;")}"></iframe>`
  )
  .join("")}<script>onload = () => {
  const told = [...document.querySelectorAll("iframe")].map(({ contentDocument: page }) => [
    page.documentElement.scrollWidth,
    ...[...page.querySelectorAll("svg")].map((svg) => Math.round(svg.getBoundingClientRect().width)),
    page.scripts.length
  ])
  document.body.textContent = JSON.stringify(told)
}</script>`

describe.skipIf(Program.isMissing("chromium", "chromium"))("a browser", () => {
  it.live("shows the page on a phone and on a desk without a bar to scroll it sideways", () =>
    Effect.gen(function* () {
      const { file, path } = yield* written
      const html = join(path, "a.html")
      yield* run(["explain", file, "--html", html])
      const all = join(path, "frames.html")
      writeFileSync(all, frames(readFileSync(html, "utf8")))
      mkdirSync(join(path, "profile"))
      const flags = ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${join(path, "profile")}`]
      const dom = yield* Program.output("chromium", [...flags, "--dump-dom", `file://${all}`])
      const [, told = "[]"] = /<body>(.*)<\/body>/s.exec(dom) ?? []
      const [phone = [], desk = []] = JSON.parse(told) as ReadonlyArray<ReadonlyArray<number>>
      assert.deepStrictEqual([phone[0], phone.at(-1), desk[0], desk.at(-1)], [390, 0, 1280, 0])
      for (const width of phone.slice(1, -1)) assert.isBelow(width, 390)
      for (const width of desk.slice(1, -1)) assert.isAbove(width, 500)
    })
  )
})
