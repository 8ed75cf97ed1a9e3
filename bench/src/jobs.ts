/** Jobs as the crawl API writes them. */
import * as ItemError from "@redrive/core/ItemError"
import * as Job from "@redrive/core/Job"
import * as Wire from "@redrive/core/Wire"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

const itemOf = (index: number): Job.Item => {
  const reason = new ItemError.HostReturnedError({ status: 503, retryAfter: Duration.seconds(30) })
  const place = { jobId: "j1", itemId: `i${index}`, url: `https://example.com/${index}` }
  const texts = {
    referredUrl: "",
    title: `page ${index}`,
    rawContentUrl: "",
    cleanedContentUrl: "",
    markdownContentUrl: ""
  }
  const isFailed = index % 10 === 0
  return new Job.Item({
    id: place.itemId,
    jobId: place.jobId,
    url: place.url,
    ...texts,
    depth: 1,
    status: isFailed ? "error" : "done",
    pageStatus: isFailed ? 503 : 200,
    cost: 0.002,
    attempts: 1,
    links: ["https://example.com/", "https://example.com/next"],
    ...(isFailed ? { error: new ItemError.ItemError({ ...place, reason }) } : {})
  })
}

/** The JSON of a job of so many pages, of which a tenth failed. */
export const jobOf = (pages: number): string => {
  const job = new Job.Job({
    id: "j1",
    orgId: "o1",
    url: "https://example.com/",
    status: "done",
    scrapeType: "markdown",
    outputFormats: [],
    whitelistRegexp: "",
    blacklistRegexp: "",
    allowSubdomains: false,
    itemsLimit: pages,
    respectRobotsTxt: false,
    webhookUrl: "",
    webhookStatus: "",
    webhookError: "",
    recommendedPullDelay: Duration.seconds(5),
    items: Array.from({ length: pages }, (_, index) => itemOf(index))
  })
  return JSON.stringify(Schema.encodeSync(Schema.toCodecJson(Wire.JobBody))(job))
}
