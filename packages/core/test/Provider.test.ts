import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Wire from "@redrive/core/Wire"
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"

// What the provider's own SDK and gateway show, besides the error page: read without loss, whatever is left out of it.

const fixture = (name: string) => JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), "utf8"))
const read = (name: string) => Result.getOrThrow(Wire.readJob(fixture(name)))

describe("the provider's own shapes", () => {
  it("a job in progress, as the SDK shows it", () => {
    const { job, warnings } = read("sdk-job")
    assert.isEmpty(warnings)
    assert.strictEqual(job.outcome, "running")
    assert.isUndefined(job.finishedAt)
    const [item] = job.items
    assert.strictEqual(item?.status, "new")
    assert.isUndefined(item?.error)
    assert.strictEqual(item?.createdAt && DateTime.formatIso(item.createdAt), "2024-12-28T21:36:04.468Z")
    // The item names another job than the one it stands in; it is kept as it came.
    assert.strictEqual(item?.jobId, "49c4942a-b7d9-4d62-94b5-b54a3016ac51")
  })

  it("a webhook's job, with another name for its id, no items and the other spelling", () => {
    const { job, warnings } = read("webhook-job")
    assert.isEmpty(warnings)
    assert.strictEqual(job.id, "60b7c4a5-aca7-4183-87db-017418218641")
    assert.strictEqual(job.status, "cancelled")
    assert.isEmpty(job.items)
  })

  it("a scrape's failure under status 200", () => {
    const reason = Wire.readReason({ status: 200, body: fixture("scrape-error") })
    assert.strictEqual(reason.code, "name_not_resolved")
    assert.strictEqual(reason.lastError, "Connection refused")
  })

  it("the gateway's refusal, of which the longer text is kept", () => {
    const reason = Wire.readReason({ status: 401, body: fixture("gateway-401") })
    assert.strictEqual(reason._tag, "Unauthorized")
    assert.strictEqual(reason.lastError, "No Authorization header. Read the docs")
  })

  it("an answer that is none: the job is not finished", () => {
    const reason = Wire.readReason({ status: 422, body: fixture("markdown-422") })
    assert.strictEqual(reason._tag, "MalformedResponse")
    assert.strictEqual(reason.lastError, "The job is not finished yet")
  })
})
