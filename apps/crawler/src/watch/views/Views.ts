/**
 * All views: those that stay live, and those that are drawn once.
 */
import type { Shown } from "../Model.ts"
import type { Node } from "../../html.ts"
import { liveView } from "./Live.ts"
import { planView } from "./Plan.ts"
import { policyView } from "./Policy.ts"
import { problemView, signInView } from "./SignIn.ts"

export const anyView = (shown: Shown): Node | undefined => {
  switch (shown.view) {
    case "policy":
      return policyView(shown)
    case "plan":
      return planView(shown, shown.frame)
    case "sign in":
      return signInView(shown, shown.frame)
    case "problem":
      return problemView(shown)
    default:
      return liveView(shown)
  }
}
