/**
 * Counts reported failures by level and code, for Prometheus and whatever else reads Effect's metrics.
 *
 * @since 0.1.0
 */
import * as Catalogue from "@redrive/core/Catalogue"
import * as Observer from "@redrive/core/Observer"
import type * as Report from "@redrive/core/Report"
import type * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"

/**
 * Counts the failures that are reported in its scope as `redrive_failures_total{level,code}`.
 *
 * A code that the catalogue does not have at that level, such as the name of a program's error, counts as `other`, so that the number of
 * series is bounded. A code that never failed has no series yet. Install it once: two in one scope count each failure twice.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (catalogue: Catalogue.Catalogue): Layer.Layer<never> =>
  Observer.layer({
    report: ({ code, level }, { fiber }) =>
      counterOf(level, isKnown(catalogue, level, code) ? code : "other").updateUnsafe(1, fiber.context)
  })

const isKnown = (catalogue: Catalogue.Catalogue, level: Report.Report["level"], code: string): boolean =>
  level !== "program" && Catalogue.entry(catalogue, level, code) !== undefined

const counterOf = (level: string, code: string) =>
  Metric.counter("redrive_failures_total", {
    description: "Reported failures, by level and code",
    incremental: true,
    attributes: { level, code }
  })
