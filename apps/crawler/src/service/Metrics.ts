/**
 * What the service itself counts for `/metrics`, beside what the packages do.
 */
import * as Metric from "effect/Metric"

const pages = (outcome: "done" | "failed") =>
  Metric.counter("redrive_pages_total", {
    description: "Pages that were finished, by outcome",
    incremental: true,
    attributes: { outcome }
  })

/** Counts a page that was kept and paid. */
export const pageDone = Metric.update(pages("done"), 1)

/** Counts a page that failed for good. */
export const pageFailed = Metric.update(pages("failed"), 1)
