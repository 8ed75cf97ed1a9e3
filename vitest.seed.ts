import { Effect, Random } from "effect"
import { beforeEach } from "vitest"

/*
 * A test draws the same random numbers in every run, whatever else runs: what fails once fails again, and a landing is not a lottery.
 * `SEED=any-word pnpm test` draws others.
 */
const { SEED = "" } = process.env

beforeEach(({ task }) => {
  const random = Effect.runSync(Random.Random.pipe(Random.withSeed(`${SEED} ${task.fullName}`)))
  Math.random = () => random.nextDoubleUnsafe()
})
