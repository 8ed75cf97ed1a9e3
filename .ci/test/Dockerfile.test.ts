import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import { execute } from "../dockerfile.ts"

const folder = mkdtempSync(join(tmpdir(), "dockerfile-"))
afterAll(() => rmSync(folder, { recursive: true }))

let builds = 0

/** Builds from a context with `kept/a.txt`, `kept/left.db` and `b.txt`. */
const build = (...lines: ReadonlyArray<string>) => {
  const own = join(folder, String(builds++))
  const context = join(own, "context")
  mkdirSync(join(context, "kept"), { recursive: true })
  for (const name of ["kept/a.txt", "kept/left.db", "b.txt"]) writeFileSync(join(context, name), name)
  const dockerfile = join(own, "Dockerfile")
  writeFileSync(dockerfile, ["FROM node:22.1.0-slim AS build", "WORKDIR /app", ...lines, ""].join("\n"))
  writeFileSync(`${dockerfile}.dockerignore`, "**/*.db\n")
  return execute({ context, dockerfile, folder: own })
}

describe("a Dockerfile that is built without Docker", () => {
  it("copies from the context and from stages, runs commands with its environment, and says how to start", () => {
    const stages = build(
      "ENV WORD=said",
      "COPY kept kept",
      "COPY b.txt ./",
      "# a comment",
      'RUN echo "$WORD" > \\',
      "  said.txt",
      "FROM node:22.1.0-slim",
      "WORKDIR /srv",
      "COPY --from=build /app /data",
      "COPY --from=build /app/kept ./",
      "USER 1000:1000",
      'CMD ["node", "main.ts"]'
    )
    const image = stages[1]
    assert.deepInclude(image, { cwd: "/srv", user: "1000:1000", cmd: ["node", "main.ts"], env: {} })
    const read = (path: string) => readFileSync(join(image?.root ?? "", path), "utf8")
    assert.deepStrictEqual(
      [read("data/kept/a.txt"), read("data/b.txt"), read("data/said.txt"), read("srv/a.txt")],
      ["kept/a.txt", "b.txt", "said\n", "kept/a.txt"]
    )
    assert.throws(() => read("data/kept/left.db"))
  })

  const wrong: ReadonlyArray<readonly [what: string, line: string, says: RegExp]> = [
    ["a path that there is not", "COPY nothing ./", /there is no nothing/],
    ["a path that is ignored", "COPY kept/left.db ./", /there is no kept\/left\.db/],
    ["a stage that there is not", "COPY --from=other /app ./", /there is no stage other/],
    ["a command that fails", "RUN echo why >&2; exit 3", /ended with 3\nwhy/],
    ["a command on the machine's own files", "RUN ls /etc", /an absolute path/],
    ["a command for a shell", "CMD node main.ts", /must be a JSON list/],
    ["an instruction that is not known", "ADD b.txt ./", /ADD is not understood/]
  ]
  for (const [what, line, says] of wrong)
    it(`fails for ${what}`, () => {
      assert.throws(() => build(line), says)
    })
})
