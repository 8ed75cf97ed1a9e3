/**
 * The policy in force as the views show it: in words, and how it fares in an outage that is simulated.
 */
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Effect from "effect/Effect"
import * as Explanation from "../explain/Explanation.ts"
import * as ExplanationText from "../explain/ExplanationText.ts"
import * as Pictures from "../explain/pictures.ts"
import { answerTimeout } from "../page/Fetcher.ts"
import type { PolicyView } from "./Model.ts"

export const viewOf = (policy: RetryPolicy.RetryPolicy): Effect.Effect<PolicyView> =>
  Effect.map(
    // The fetcher ends an attempt, where the policy does not.
    Explanation.make(RetryPolicy.make({ ...policy, attemptTimeout: policy.attemptTimeout ?? answerTimeout }), {
      name: "pages of this service",
      clients: 1,
      callsPerSecond: 10,
      outage: 60_000
    }),
    (explanation) => ({
      view: "policy",
      policy: RetryPolicy.describe(policy),
      svg: Pictures.svg(explanation),
      table: ExplanationText.lines(explanation, 100).join("\n")
    })
  )
