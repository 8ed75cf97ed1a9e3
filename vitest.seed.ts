import { createHash } from "node:crypto"
import { beforeEach } from "vitest"

/*
 * A test draws the same random numbers in every run, whatever else runs: what fails once fails again, and a landing is not a lottery.
 * `SEED=any-word pnpm test` draws others. The numbers are hashes of the test's name and of their place in the row, because this runs
 * in every worker, and loading a generator for them takes longer than most test files do.
 */
const { SEED = "" } = process.env

/** Hashed at a time, because a test of properties draws thousands. */
const bytes = 64

const numbers = (seed: string) => {
  let block = Buffer.alloc(0)
  let blocks = 0
  let at = bytes
  return () => {
    if (at >= bytes) {
      block = createHash("sha512").update(`${seed} ${blocks++}`).digest()
      at = 0
    }
    const number = block.readUIntBE(at, 6) / 2 ** 48
    at += 8
    return number
  }
}

beforeEach(({ task }) => {
  Math.random = numbers(`${SEED} ${task.fullName}`)
})
