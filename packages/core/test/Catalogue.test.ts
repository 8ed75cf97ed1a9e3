import { assert, describe, it } from "@effect/vitest"
import * as Catalogue from "@redrive/core/Catalogue"
import { catalogue } from "@redrive/core/CrawlCatalogue"
import * as Failure from "@redrive/core/Failure"
import * as Verdict from "@redrive/core/Verdict"
import * as Schema from "effect/Schema"

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

  it("is one that a program could make: its own module does not check it", () => {
    assert.deepStrictEqual<object>(Catalogue.make(catalogue), catalogue)
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

describe("a catalogue that is made", () => {
  const row = { verdict: Verdict.permanent, severity: "Warn", actor: "caller" }
  const right = { ...row, meaning: "", status: 200, message: "torn in {part}", details: {} }
  // Called as an untyped program would call it.
  const make: (catalogue: unknown) => Catalogue.Catalogue = Catalogue.make as never

  it("always has both levels", () => {
    assert.deepStrictEqual(make({}), { job: {}, item: {} })
    assert.deepStrictEqual(Object.keys(make({ item: { torn: right } }).item), ["torn"])
    assert.deepStrictEqual(make({ item: { torn: right } }).job, {})
    assert.isUndefined(Catalogue.entry(make({ item: { torn: right } }), "job", "torn"))
  })

  const mistakes: ReadonlyArray<readonly [item: object, says: string]> = [
    [
      { torn: { ...right, verdict: undefined } },
      "item.torn.verdict is missing; allowed: a Verdict (Transient, Throttled"
    ],
    [{ torn: { ...right, verdict: Verdict.transient } }, "item.torn.verdict is a function; allowed: a Verdict"],
    [{ torn: { ...right, severity: "Warning" } }, 'item.torn.severity is "Warning"; allowed: Fatal, Error, Warn, Info'],
    [{ torn: { ...right, actor: "callers" } }, 'item.torn.actor is "callers"; allowed: caller, site owner, operator'],
    [{ torn: { ...right, status: 42 } }, "item.torn.status is 42; allowed: an HTTP status"],
    [
      { torn: { ...right, retry: true } },
      "item.torn.retry is unknown; allowed: verdict, severity, actor, request, status"
    ],
    [
      { torn: { ...right, details: { a: { ...row, page: 404 } } } },
      "item.torn.details.a.page is unknown; allowed: verdict"
    ],
    [{ torn: { ...right, details: { a: { ...row, actor: undefined } } } }, "item.torn.details.a.actor is missing"],
    [
      { torn: { ...right, details: { a: { ...row, pages: 404 } } } },
      "item.torn.details.a.pages is 404; allowed: a list"
    ],
    [
      { torn: { ...right, details: { a: { ...row, pages: [404] }, b: { ...row, pages: [410, 404] } } } },
      "item.torn.details.b.pages has 404, which is a page of a"
    ],
    [{ torn: undefined }, "item.torn.verdict is missing"],
    [
      { torn: { ...right, verdict: { _tag: "Transient", pace: "fast" } } },
      'item.torn.verdict is _tag "Transient", pace "fast"; allowed: a Verdict'
    ],
    [{ torn: { ...right, verdict: { _tag: "Transient" } } }, 'item.torn.verdict is _tag "Transient"; allowed'],
    [{ torn: { ...right, verdict: { _tag: "Parked" } } }, 'item.torn.verdict is _tag "Parked"; allowed'],
    [
      { torn: { ...right, verdict: { _tag: "Throttled", retryAfter: 5 } } },
      'item.torn.verdict is _tag "Throttled", retryAfter 5; allowed'
    ],
    ...[-1, Number.NaN, 0.5, Number.POSITIVE_INFINITY].map(
      (limit) =>
        [
          { torn: { ...right, verdict: Verdict.transient("quick", limit) } },
          `item.torn.verdict is _tag "Transient", pace "quick", limit ${limit}; allowed`
        ] as const
    ),
    ...[0, 199, 600, 700].map(
      (status) => [{ torn: { ...right, status } }, `item.torn.status is ${status}; allowed: an HTTP status`] as const
    ),
    [
      {
        torn: { ...right, details: { a: { ...row, extended: "late" } } },
        burnt: { ...right, details: { b: { ...row, extended: "late" } } }
      },
      'item.burnt.details.b.extended is "late", which stands for torn; allowed: a code of its own'
    ],
    [
      { torn: right, burnt: { ...right, details: { b: { ...row, extended: "torn" } } } },
      'item.burnt.details.b.extended is "torn", which stands for torn'
    ],
    [{ torn: { ...right, details: [] } }, "item.torn.details is a list; allowed: a record"]
  ]
  for (const [item, says] of mistakes) {
    it(`is refused with the place of each mistake: ${says}`, () => assert.throws(() => make({ item }), says))
  }

  it("is refused with all mistakes at once, also for unknown levels", () => {
    assert.throws(() => make({ items: {} }), "items is unknown; allowed: job, item")
    assert.throws(() => make({ item: "torn" }), 'item is "torn"; allowed: a record')
    assert.throws(() => make({ job: [] }), "job is a list; allowed: a record")
    for (const [given, said] of [
      [undefined, "missing"],
      [null, "null"],
      ["x", '"x"'],
      [[], "a list"]
    ])
      assert.throws(() => make(given), `Catalogue.make:\n  the catalogue is ${String(said)}; allowed: a record`)
    try {
      make({ job: { a: { ...right, status: 1 } }, item: { b: { ...right, actor: "me" } } })
      assert.fail("it was made")
    } catch (error) {
      assert.strictEqual(
        (error as Error).message,
        'Catalogue.make:\n  job.a.status is 1; allowed: an HTTP status\n  item.b.actor is "me"; allowed: caller, site owner, operator, nobody'
      )
    }
  })

  const catalogue = Catalogue.make({
    item: {
      torn: {
        verdict: Verdict.permanent,
        severity: "Warn",
        actor: "caller",
        meaning: "",
        status: 200,
        message: "torn in {part}",
        details: {
          twice: { verdict: Verdict.permanent, severity: "Warn", actor: "caller", message: "twice in {place}" }
        }
      }
    }
  })
  const torn = { catalogue, level: "item", code: "torn" } as const
  const { part, place } = { part: { part: Schema.String }, place: { place: Schema.String } }

  it("has no placeholder of which only every object has the name", () => {
    const entry = { ...right, message: "torn in {constructor}" } as const
    const strange = make({ job: { torn: entry } }) as {
      readonly job: { readonly torn: Catalogue.Entry }
      readonly item: {}
    }
    class Torn extends Failure.Reason<Torn>("X")("Torn", { catalogue: strange, level: "job", code: "torn" }) {}
    assert.throws(() => Failure.Job("X")("TornError", strange, [Torn]), "job.torn: no field fills {constructor}")
  })

  it("has the codes and details that reasons stand for", () => {
    assert.throws(
      () => Failure.Reason("X")("Burnt", { ...torn, code: "burnt" as "torn" }),
      /Failure.Reason Burnt:[^]*item code burnt is unknown; allowed: torn/
    )
    assert.throws(
      () => Failure.Reason("X")("Torn", { ...torn, level: "items" as "item" }),
      /items code torn is unknown/
    )
    assert.throws(
      () => Failure.Reason("X")("Torn", { ...torn, detail: "once" }),
      /Failure.Reason Torn:[^]*item.torn: detail once is unknown; allowed: twice/
    )
  })

  it("must have a reason for each code, with fields for its message", () => {
    class Torn extends Failure.Reason<Torn>("Torn")("Torn", torn, { ...part, ...place }) {}
    class Partly extends Failure.Reason<Partly>("Partly")("Partly", torn, part) {}
    class Twice extends Failure.Reason<Twice>("Twice")("Twice", { ...torn, detail: "twice" }, place) {}
    class Bare extends Failure.Reason<Bare>("Bare")("Bare", torn) {}
    assert.isFunction(Failure.Item("X")("PageError", catalogue, [Torn]))
    assert.isFunction(Failure.Item("X")("PageError", catalogue, [Partly, Twice]))
    assert.throws(
      () => Failure.Item("X")("PageError", catalogue, [Partly]),
      /Failure PageError:[^]*item.torn: no field fills \{place\}; allowed: _tag, part, detail, lastError, cause, status, host, field/
    )
    assert.throws(() => Failure.Item("X")("PageError", catalogue, [Bare]), /no field fills \{part\}/)
    assert.throws(() => Failure.Item("X")("PageError", catalogue, [] as never), /item code torn has no reason/)
  })
})
