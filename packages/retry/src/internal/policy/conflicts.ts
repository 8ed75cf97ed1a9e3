import * as Duration from "effect/Duration"
import type { Fields } from "../../RetryPolicy.ts"

/** With more retries than this, only a deadline ends a call in a reasonable time. */
const many = 100

interface Problem {
  readonly path: ReadonlyArray<string>
  readonly issue: string
}

/** Settings that can never take effect, never work or never end, each with the path of its field. */
export const problems = (self: Fields): ReadonlyArray<Problem> => {
  const { attemptTimeout, breaker, deadline, hedge, operation, retries } = self
  const found: Array<Problem> = []
  const refuse = (isWrong: boolean, issue: string, ...path: ReadonlyArray<string>) => {
    if (isWrong) found.push({ path, issue })
  }
  const isTooLong = (duration = Duration.zero) =>
    Duration.isGreaterThanOrEqualTo(
      duration,
      Duration.min(attemptTimeout ?? Duration.infinity, deadline ?? Duration.infinity)
    )

  refuse(
    attemptTimeout !== undefined && deadline !== undefined && Duration.isGreaterThan(attemptTimeout, deadline),
    "the deadline is shorter than one attempt",
    "deadline"
  )
  refuse(retries > many && deadline === undefined, `more than ${many} retries need a deadline`, "retries")
  refuse(hedge !== undefined && operation === "create", "a creation is never sent twice: leave out the hedge", "hedge")
  refuse(isTooLong(hedge?.after), "no attempt may take so long", "hedge", "after")
  refuse(isTooLong(breaker?.slowerThan), "no attempt may take so long", "breaker", "slowerThan")
  // `retries: 0` is allowed with any override, so that one setting stops all retries in an emergency.
  for (const [code, one] of Object.entries(self.overrides)) {
    refuse(
      retries > 0 && (one.retries ?? 0) > retries,
      "more than the retries of the policy",
      "overrides",
      code,
      "retries"
    )
  }
  return found
}
