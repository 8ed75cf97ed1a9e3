/**
 * `rules`: the alerting rules of Prometheus for the service.
 */
import * as PrometheusRules from "@redrive/alert/PrometheusRules"
import { catalogue } from "@redrive/core/CrawlCatalogue"
import * as Console from "effect/Console"
import * as Option from "effect/Option"
import type { RulesFlags } from "./commands.ts"

/**
 * Rules that could never fire: no policy of the service has a budget, a breaker or parking, and its sinks take an alert again where an answer
 * was lost.
 */
const without: ReadonlyArray<PrometheusRules.Name> = [
  "RedriveBudgetSpent",
  "RedriveBreakerOpened",
  "RedriveGateShut",
  "RedriveAlertsUnsure"
]

export const rules = ({ job, runbooks }: RulesFlags) =>
  Console.log(
    PrometheusRules.format(
      PrometheusRules.make({ catalogue, selector: { job }, runbooks: Option.getOrUndefined(runbooks), without })
    ).trimEnd()
  )
