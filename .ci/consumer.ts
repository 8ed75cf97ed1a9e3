/**
 * Installs the packed packages as a user would, and uses them: what is published is what was tested.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { installs } from "./installs.ts"
import { type Packed, packed } from "./packed.ts"
import { peers } from "./peers.ts"
import { walk } from "./walk.ts"

const root = join(import.meta.dirname, "..")
const folder = mkdtempSync(join(tmpdir(), "consumer-"))

const run = (command: string, args: ReadonlyArray<string>, cwd: string): string =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] })

const packages = packed(root, folder)
const { ends, wrong } = peers(root)
/** The other packages of an install line, in the lowest version that ours are for. */
const lowest = (peer: string): string => ends.find((end) => end.peer === peer)?.version ?? "*"
const effect = lowest("effect")

const files = (list: ReadonlyArray<Packed>) => Object.fromEntries(list.map((one) => [one.name, `file:${one.tarball}`]))

/** An empty project with some of the packages; the others are there to be taken if one asks for them. */
const project = (name: string, wanted: ReadonlyArray<Packed>): string => {
  const directory = join(folder, name)
  execFileSync("mkdir", [directory])
  const dependencies = { ...files(wanted), effect }
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

/** Imports every entry point in one program, whose types are complete without those of Node.js and of optional peers. */
const importing = () => {
  const directory = project("everything", packages)
  const entries = packages.flatMap(({ exports }) => exports)
  const lines = entries.map((entry, index) => `import * as m${index} from "${entry}"`)
  const program = [...lines, `console.log([${entries.map((_, index) => `m${index}`).join()}].length)`].join("\n")
  writeFileSync(join(directory, "main.ts"), program)
  const options = {
    module: "nodenext",
    target: "es2022",
    lib: ["es2023", "dom"],
    strict: true,
    noEmit: true,
    types: []
  }
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions: options, include: ["main.ts"] }))
  const tsc = join(root, "node_modules/.bin/tsc")
  run(tsc, ["-p", directory], directory)
  const printed = run(process.execPath, ["--disable-warning=ExperimentalWarning", "main.ts"], directory).trim()
  expect(`${entries.length} entry points import and type-check`, printed === String(entries.length))
}

try {
  expect(`peers' ranges are written out, and tested at both ends ${wrong.join("; ")}`, wrong.length === 0)
  selective()
  importing()
  installs(folder, packages, ends, { effect, pino: lowest("pino") }, expect)
  walk(root, folder, packages, expect)
} finally {
  rmSync(folder, { recursive: true })
}
