/**
 * Guards what calls allocate: fails if one takes over 5 % more bytes than results/bytes.json says. With `--write` it writes that file.
 *
 * Without the optimising compilers the bytes of a call are the same in each run, whatever else the machine does; they are more than a warm process allocates.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { allocated } from "./measure.ts"

const table = join(import.meta.dirname, "../results/bytes.json")
const unoptimised = ["--disable-warning=ExperimentalWarning", "--no-opt", "--no-maglev", "--no-sparkplug"]
/** Figures that vary by a few bytes are not worth a word. */
const [allowed, least] = [1.05, 16]

/** The files and their tasks (none: all of them). What peers allocate is not ours to guard, and a timer of theirs is not the same in each run. */
const files = {
  core: [],
  retry: ["Retry.retry", "Retry.retry, a runtime each", "Retry.retry, all of the above", "Runner.promise"],
  log: ["Log.layer", "Pino.layer", "Log.layer and two"]
}

const measured = Object.entries(files).flatMap(([name, tasks]) =>
  allocated(join(import.meta.dirname, `${name}.ts`), unoptimised, tasks).flatMap(
    (task): ReadonlyArray<[string, number]> =>
      task.bytes === undefined ? [] : [[`${name}: ${task.path}: ${task.name}`, Math.round(task.bytes)]]
  )
)

if (process.argv.includes("--write")) {
  writeFileSync(table, `${JSON.stringify(Object.fromEntries(measured), undefined, 2)}\n`)
  process.stdout.write(`wrote ${table}\n`)
} else {
  const known: { readonly [what: string]: number } = JSON.parse(readFileSync(table, "utf8"))
  for (const [what, bytes] of measured) {
    const before = known[what]
    const isMore = before === undefined || (bytes > before * allowed && bytes > before + least)
    if (isMore) process.exitCode = 1
    process.stdout.write(`${isMore ? "NOT OK" : "ok"}: ${what}: ${bytes} bytes, ${before ?? "unknown"} before\n`)
  }
  if (process.exitCode === 1)
    process.stdout.write("If that is worth it, `npx -y pnpm@12.21.0 bench:bytes --write` says so.\n")
}
