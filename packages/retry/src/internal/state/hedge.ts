import * as Duration from "effect/Duration"
import * as Budget from "../../Budget.ts"
import type { Hedge } from "../../Hedge.ts"

/** How many attempts may be sent twice. */
export type State = Budget.State

export const make = ({ share }: Hedge): State =>
  Budget.make({ _tag: "Ratio", ratio: share, window: Duration.seconds(10), floor: 0 })
