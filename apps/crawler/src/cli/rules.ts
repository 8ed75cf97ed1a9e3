/**
 * `rules`: the alerting rules of Prometheus for the service.
 */
import * as PrometheusRules from "@redrive/alert/PrometheusRules"
import { catalogue } from "@redrive/core/CrawlCatalogue"
import * as Console from "effect/Console"
import * as Option from "effect/Option"
import type { RulesFlags } from "./commands.ts"

export const rules = ({ job, runbooks }: RulesFlags) =>
  Console.log(
    PrometheusRules.format(
      PrometheusRules.make({ catalogue, selector: { job }, runbooks: Option.getOrUndefined(runbooks) })
    ).trimEnd()
  )
