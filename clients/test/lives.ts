import { spawn } from "node:child_process"
import process from "node:process"
import { createInterface } from "node:readline"
import * as Effect from "effect/Effect"

/** Runs a Node.js program, which is killed so many milliseconds after each line that it prints; gives whether it ended by itself. */
const life = (args: ReadonlyArray<string>, killAfter: number) =>
  Effect.promise(
    () =>
      new Promise<boolean>((resolve, reject) => {
        const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...args], {
          stdio: ["ignore", "pipe", "inherit"]
        })
        createInterface({ input: child.stdout }).on("line", () => {
          if (killAfter < Infinity) setTimeout(() => child.kill("SIGKILL"), killAfter)
        })
        child.on("exit", (code) => (code === 0 || code === null ? resolve(code === 0) : reject(code)))
      })
  )

/**
 * Runs a program in two processes at once. Each is killed and started again at random moments, at most `longest` milliseconds
 * after it says that it works, until all `kills` are used up; then both run to their end. Gives how often it killed.
 */
export const killed = Effect.fnUntraced(function* (
  args: ReadonlyArray<string>,
  { kills, longest }: { readonly kills: number; readonly longest: number }
) {
  let used = 0
  const lives = Effect.gen(function* () {
    for (let isOver = false; !isOver;) {
      const isLast = used >= kills
      if (!isLast) used++
      isOver = yield* life(args, isLast ? Infinity : 50 + Math.random() * (longest - 50))
    }
  })
  yield* Effect.all([lives, lives], { concurrency: 2 })
  return used
})
