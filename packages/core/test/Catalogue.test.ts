import { assert, describe, it } from "@effect/vitest"
import * as Catalogue from "@redrive/core/Catalogue"
import { catalogue } from "@redrive/core/CrawlCatalogue"
import * as Verdict from "@redrive/core/Verdict"

describe("the crawl catalogue", () => {
  it("has the three job codes and the four item codes of the API, with its texts", () => {
    const texts = (level: Catalogue.Level) =>
      Object.fromEntries(
        Object.entries<Catalogue.Entry>(catalogue[level]).map(([code, { message }]) => [code, message])
      )
    assert.deepStrictEqual(texts("job"), {
      insufficient_balance: "Your balance is not enough to run this job",
      invalid_request: "{field} is invalid",
      internal_error: "Internal server error"
    })
    assert.deepStrictEqual(texts("item"), {
      host_returned_error: "Webpage returned error status code: {status}",
      website_access_denied: "Webpage returned access denied status code: {status}",
      name_not_resolved: "Connection refused",
      internal_error: "Internal server error"
    })
  })

  it("gives a page status one meaning at most under a code", () => {
    for (const entry of Object.values<Catalogue.Entry>(catalogue.item)) {
      const pages = Object.values(entry.details).flatMap(({ pages = [] }) => pages)
      assert.lengthOf([...new Set(pages)], pages.length)
    }
  })

  it("keeps the levels apart: an internal error of a job is not one of an item", () => {
    assert.deepStrictEqual(Catalogue.row(catalogue, "job", "internal_error")?.verdict, Verdict.transient("steady"))
    assert.deepStrictEqual(Catalogue.row(catalogue, "item", "internal_error")?.verdict, Verdict.transient("steady", 2))
  })
})

describe("a row", () => {
  it("is the detail's where there is one, else the code's", () => {
    const row = (detail?: string) => Catalogue.row(catalogue, "item", "name_not_resolved", detail)?.verdict
    assert.deepStrictEqual(row("dns_unavailable"), Verdict.transient("slow"))
    assert.deepStrictEqual(row("never heard of"), Verdict.permanent)
    assert.deepStrictEqual(row(), Verdict.permanent)
  })

  it("is nothing for a code that the catalogue does not have, whatever its name", () => {
    for (const code of ["teapot", "constructor", "__proto__", "toString", ""]) {
      assert.isUndefined(Catalogue.row(catalogue, "job", code), code)
    }
    assert.deepStrictEqual(
      Catalogue.row(catalogue, "item", "internal_error", "constructor"),
      Catalogue.row(catalogue, "item", "internal_error")
    )
  })
})

describe("a message", () => {
  it("is its template with the facts filled in; a missing one stays visible", () => {
    assert.strictEqual(Catalogue.render("{a} of {b} and {c}", { a: 1, b: "two" }), "1 of two and {c}")
    assert.strictEqual(Catalogue.render("{constructor}", {}), "{constructor}")
  })

  it("is filled once: a fact that looks like a template is not read again", () => {
    assert.strictEqual(Catalogue.render("{a}", { a: "{b}", b: "x" }), "{b}")
  })
})

describe("a catalogue of one's own", () => {
  it("keeps its codes as types", () => {
    const row = { verdict: Verdict.permanent, severity: "Warn", actor: "caller" } as const
    const own = Catalogue.make({
      job: {},
      item: { late: { ...row, status: 200, message: "{days} days late", meaning: "It came late.", details: {} } }
    })
    const code: Catalogue.Code<typeof own, "item"> = "late"
    assert.strictEqual(Catalogue.row(own, "item", code)?.actor, "caller")
  })
})
