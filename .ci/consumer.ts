/**
 * Installs the packed packages as a user would, and uses them: what is published is what was tested.
 */
import { execFileSync } from "node:child_process"
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"

const root = join(import.meta.dirname, "..")
const folder = mkdtempSync(join(tmpdir(), "consumer-"))

const run = (command: string, args: ReadonlyArray<string>, cwd: string): string =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] })

interface Packed {
  readonly name: string
  readonly tarball: string
  readonly exports: ReadonlyArray<string>
}

const pack = (directory: string): Packed => {
  const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"))
  const tarball = join(folder, `${manifest.name.replace(/\W+/g, "-")}.tgz`)
  run("pnpm", ["pack", "--out", tarball], directory)
  const exports = Object.keys(manifest.publishConfig.exports).filter((path) => path !== "./package.json")
  return { name: manifest.name, tarball, exports: exports.map((path) => join(manifest.name, path)) }
}

const packages = globSync("packages/*", { cwd: root }).map((path) => pack(join(root, path)))
const effect = JSON.parse(readFileSync(join(root, "packages/core/node_modules/effect/package.json"), "utf8")).version

/** An empty project with some of the packages; the others are there to be taken if one asks for them. */
const project = (
  name: string,
  wanted: ReadonlyArray<Packed>,
  more: { readonly [name: string]: string } = {}
): string => {
  const directory = join(folder, name.replace(/\W+/g, "-"))
  const files = (list: ReadonlyArray<Packed>) =>
    Object.fromEntries(list.map((one) => [one.name, `file:${one.tarball}`]))
  execFileSync("mkdir", [directory])
  const dependencies = { ...files(wanted), effect, ...more }
  const others = files(packages.filter((one) => !wanted.includes(one)))
  writeFileSync(
    join(directory, "package.json"),
    JSON.stringify({ name: "consumer", private: true, type: "module", dependencies, overrides: others })
  )
  run("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"], directory)
  return directory
}

const expect = (what: string, holds: boolean) => {
  console.log(`${holds ? "ok" : "NOT OK"}: ${what}`)
  if (!holds) process.exitCode = 1
}

const selective = () => {
  const directory = project(
    "selective",
    packages.filter(({ name }) => name === "@redrive/retry")
  )
  const installed = readdirSync(join(directory, "node_modules/@redrive")).toSorted().join(" ")
  expect(`@redrive/retry brings what it needs and no more: ${installed}`, installed === "core retry")
  writeFileSync(
    join(directory, "main.js"),
    `import * as ItemError from "@redrive/core/ItemError"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Effect from "effect/Effect"
const reason = new ItemError.HostReturnedError({ status: 404 })
const failing = Effect.fail(new ItemError.ItemError({ url: "https://example.com/", reason }))
const error = await Effect.runPromise(Effect.flip(Retry.retry(failing, RetryPolicy.make())))
console.log(error.because)
`
  )
  const printed = run(process.execPath, ["main.js"], directory).trim()
  expect(`a program runs on the packed packages: ${printed}`, printed === "permanent")
}

/** Imports every entry point of some packages in one program, with these ambient types only. */
const importing = (name: string, wanted: ReadonlyArray<Packed>, types: { readonly [name: string]: string }) => {
  const directory = project(name, wanted, types)
  const entries = wanted.flatMap(({ exports }) => exports)
  const lines = entries.map((entry, index) => `import * as m${index} from "${entry}"`)
  const program = [...lines, `console.log([${entries.map((_, index) => `m${index}`).join()}].length)`].join("\n")
  writeFileSync(join(directory, "main.ts"), program)
  const options = {
    module: "nodenext",
    target: "es2022",
    lib: ["es2023", "dom"],
    strict: true,
    noEmit: true,
    types: Object.keys(types).map((type) => type.replace("@types/", ""))
  }
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions: options, include: ["main.ts"] }))
  const tsc = join(root, "node_modules/.bin/tsc")
  run(tsc, ["-p", directory], directory)
  const printed = run(process.execPath, ["--disable-warning=ExperimentalWarning", "main.ts"], directory).trim()
  expect(`${entries.length} entry points import and type-check: ${name}`, printed === String(entries.length))
}

/** Pino's own declarations need those of Node.js; nothing of ours does. */
const needsNode = ({ name }: Packed) => name === "@redrive/pino"
const nodeTypes = JSON.parse(readFileSync(join(root, "node_modules/@types/node/package.json"), "utf8")).version

try {
  selective()
  importing(
    "everything, without ambient types",
    packages.filter((one) => !needsNode(one)),
    {}
  )
  importing("pino", packages.filter(needsNode), { "@types/node": nodeTypes })
} finally {
  rmSync(folder, { recursive: true })
}
