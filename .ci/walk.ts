/** Walks docs/getting-started.md as a newcomer would, in an empty folder: each command, each file, with the packed packages in place of published ones. */
import { execFileSync, type ExecFileSyncOptionsWithStringEncoding } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import type { Packed } from "./packed.ts"
import { isKept, promised } from "./program-output.ts"

const page = "docs/getting-started.md"

/** A step of the page: a command to type, or a file to save. */
type Step =
  | { readonly _tag: "Command"; readonly words: ReadonlyArray<string> }
  | { readonly _tag: "File"; readonly name: string; readonly code: string }

const steps = (text: string): ReadonlyArray<Step> =>
  [...text.matchAll(/^ {4}(\S.*)$|[Ss]ave this as `([^`]+)`:\n\n```ts\n([\s\S]*?)^```/gm)].map(
    ([, command, name = "", code = ""]): Step =>
      command === undefined ? { _tag: "File", name, code } : { _tag: "Command", words: command.split(" ") }
  )

/** A package with those of ours that it depends on, which npm would fetch. */
const closure = (name: string, packages: ReadonlyArray<Packed>): ReadonlyArray<string> => {
  const found = packages.find((one) => one.name === name)
  if (found === undefined) return [name]
  const { dependencies = {} } = JSON.parse(readFileSync(join(found.directory, "package.json"), "utf8"))
  const ours = Object.keys(dependencies).filter((one) => packages.some((other) => other.name === one))
  return [found.tarball, ...ours.flatMap((one) => closure(one, packages))]
}

/** Types a command, and gives what it prints. */
const typed = (words: ReadonlyArray<string>, cwd: string, packages: ReadonlyArray<Packed>): string => {
  const [program = "", ...args] = words
  const options: ExecFileSyncOptionsWithStringEncoding = {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 120_000
  }
  if (program === "node") return execFileSync(process.execPath, args, options)
  if (program !== "npm") throw new Error(`the page says ${words.join(" ")}: a newcomer has only npm and node`)
  const isInstall = args[0] === "i"
  const all = isInstall ? [...new Set(args.flatMap((name) => closure(name, packages)))] : args
  return execFileSync(program, isInstall ? [...all, "--no-audit", "--no-fund"] : all, options)
}

export const walk = (
  root: string,
  folder: string,
  packages: ReadonlyArray<Packed>,
  expect: (what: string, holds: boolean) => void
): void => {
  let cwd = folder
  const files = new Map<string, string>()
  for (const step of steps(readFileSync(join(root, page), "utf8"))) {
    if (step._tag === "File") {
      files.set(step.name, step.code)
      writeFileSync(join(cwd, step.name), step.code)
      continue
    }
    const [program, name = ""] = step.words
    if (program === "mkdir") mkdirSync(join(cwd, name))
    else if (program === "cd") cwd = join(cwd, name)
    else {
      const printed = typed(step.words, cwd, packages)
      const promises = promised(files.get(name) ?? "")
      const holds = program !== "node" || (promises.length > 0 && isKept(promises, printed))
      expect(`${page}: ${step.words.join(" ")}${holds ? "" : ` prints\n${printed}`}`, holds)
    }
  }
}
