/** What a project does with an installed package besides importing it: mistakes are caught, bundles run, `require` works, stacks name sources. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { checks, typeCheck } from "./consumers.ts"
import { type Environment, run } from "./run.ts"
import type { Tools } from "./tools.ts"

const program = `import * as ItemError from "@redrive/core/ItemError"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Effect from "effect/Effect"
const reason = new ItemError.HostReturnedError({ status: 404 })
const failing = Effect.fail(new ItemError.ItemError({ url: "https://example.com/", reason }))
const error = await Effect.runPromise(Effect.flip(Retry.retry(failing, RetryPolicy.make())))
console.log(error.because)
`

/** Two mistakes, and what a person must be able to read of each. */
const mistaken = `import * as RetryPolicy from "@redrive/retry/RetryPolicy"
RetryPolicy.make({ retries: "three" })
RetryPolicy.make({ retires: 3 })
`
const said = [
  /^main\.mistaken\.ts\(2,20\): error TS2322: Type 'string' is not assignable to type 'number'\.$/m,
  // The type is written out, as far as the compiler shows long types, and the hint comes last.
  /^main\.mistaken\.ts\(3,20\): error TS2561: .{0,500} Did you mean to write 'retries'\?$/m
]

/** Each TypeScript once, three of the six checks. */
const mistakes = async (project: Environment, tools: Tools): Promise<ReadonlyArray<string>> => {
  writeFileSync(join(project.folder, "main.mistaken.ts"), mistaken)
  const wrong: Array<string> = []
  for (const check of checks.slice(0, 3)) {
    const { end, output } = await typeCheck(project, tools, "main.mistaken.ts", check)
    if (end === 0 || !said.every((line) => line.test(output)) || output.trim().split("\n").length !== said.length)
      wrong.push(`TypeScript ${check.typescript}, ${check.resolution} says\n${output}`)
  }
  return wrong
}

const requires = (project: Environment, tools: Tools): ReadonlyArray<string> => {
  writeFileSync(join(project.folder, "main.cjs"), `console.log(typeof require("@redrive/retry/Retry").retry)\n`)
  return [...tools.nodes].flatMap(([line, node]) => {
    const printed = run(project, node, "main.cjs")
    return printed === "function" ? [] : [`require in Node.js ${line} gives ${printed}`]
  })
}

/** Bundles run where there is no node_modules. The map of esbuild's holds the sources that the packages' maps only name; rolldown reads no map of a package. */
const bundles = (project: Environment, tools: Tools): ReadonlyArray<string> => {
  writeFileSync(join(project.folder, "bundled.ts"), program)
  const commands = {
    esbuild: ["bundled.ts", "--bundle", "--platform=node", "--format=esm", "--sourcemap", "--outfile=esbuild/main.mjs"],
    rolldown: ["bundled.ts", "--platform", "node", "--format", "esm", "--sourcemap", "--file", "rolldown/main.mjs"]
  }
  return Object.entries(commands).flatMap(([bundler, args]) => {
    run(project, tools.bin(bundler), ...args)
    const folder = join(project.folder, "..", `bundle-${bundler}`)
    mkdirSync(folder)
    const code = readFileSync(join(project.folder, bundler, "main.mjs"), "utf8")
    writeFileSync(join(folder, "main.mjs"), code)
    const printed = run({ ...project, folder }, process.execPath, "main.mjs")
    const hasSources = bundler === "rolldown" || holds(join(project.folder, bundler, "main.mjs.map"))
    return [
      ...(printed === "permanent" ? [] : [`the bundle of ${bundler} prints ${printed}`]),
      ...(hasSources ? [] : [`the map of ${bundler}'s bundle has no source of RetryPolicy`])
    ]
  })
}

/** Whether a bundle's map holds a source of a package. */
const holds = (file: string): boolean => {
  const { sources, sourcesContent } = JSON.parse(readFileSync(file, "utf8"))
  const index = sources.findIndex((source: string) => source.endsWith("retry/src/RetryPolicy.ts"))
  return Boolean(sourcesContent?.[index])
}

/** A stack names the line of the package's source, and Node.js shows it. */
const stacks = (project: Environment): ReadonlyArray<string> => {
  const file = "main.stack.mjs"
  writeFileSync(
    join(project.folder, file),
    `import * as RetryPolicy from "@redrive/retry/RetryPolicy"
try { RetryPolicy.make({ retries: -1 }) } catch (error) { console.log(error.stack) }
`
  )
  const stack = run(project, process.execPath, "--enable-source-maps", file)
  return /@redrive\/retry\/src\/.*\.ts:\d+/.test(stack) ? [] : [`a stack names no source:\n${stack}`]
}

type Use = (project: Environment, tools: Tools) => ReadonlyArray<string> | Promise<ReadonlyArray<string>>

export const uses: Readonly<Record<string, Use>> = {
  "mistakes are caught, in words that a person can read": mistakes,
  "require gives the modules": requires,
  "bundles run by themselves": bundles,
  "stacks name sources": stacks
}
