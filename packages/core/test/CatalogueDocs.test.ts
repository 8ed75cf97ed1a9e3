import { assert, describe, it } from "@effect/vitest"
import * as Catalogue from "@redrive/core/Catalogue"
import * as CatalogueDocs from "@redrive/core/CatalogueDocs"
import { catalogue } from "@redrive/core/CrawlCatalogue"
import { meanings } from "@redrive/core/CrawlMeanings"
import * as Verdict from "@redrive/core/Verdict"

describe("the documentation of a catalogue", () => {
  const page = CatalogueDocs.markdown(catalogue, { meanings })

  it("has every code under the anchor that the overview links to, and every detail", () => {
    // A heading's anchor is its text in lower case, without punctuation, and with dashes for spaces.
    const anchors = [...page.matchAll(/^### (.*)$/gm)].map(([, title = ""]) => title.replace(":", "").replace(" ", "-"))
    const links = [...page.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor]) => anchor)
    assert.deepStrictEqual(links, anchors)
    assert.deepStrictEqual(anchors, [
      ...Object.keys(catalogue.job).map((code) => Catalogue.anchor("job", code)),
      ...Object.keys(catalogue.item).map((code) => Catalogue.anchor("item", code))
    ])
    for (const level of ["job", "item"] as const) {
      for (const { details } of Object.values(catalogue[level])) {
        for (const detail of Object.keys(details)) assert.include(page, `| \`${detail}\` `)
      }
    }
  })

  it("is of a small catalogue this, word for word", () => {
    const small = Catalogue.make({
      item: {
        codec_unknown: {
          meaning: "The film's codec is not known | supported.",
          verdict: Verdict.permanent,
          severity: "Warn",
          actor: "caller",
          status: 200,
          message: "no decoder for {codec}",
          details: {
            licence: { verdict: Verdict.parked("buy"), severity: "Error", actor: "operator" }
          }
        }
      }
    })
    const lines = CatalogueDocs.markdown(small, {
      title: "Films",
      preface: "All of them.",
      meanings: { item: { codec_unknown: { licence: "no licence" } } }
    }).split("\n")
    assert.notInclude(lines.join("\n"), "Job level")
    assert.include(CatalogueDocs.markdown(small, { levels: { item: "Films." } }), "## Item level\n\nFilms.")
    assert.deepStrictEqual(lines.slice(0, 7), [
      "# Films",
      "",
      "All of them.",
      "",
      "| Level | Code                                   | Meaning                                     | Retry     | Who acts  |",
      "| ----- | -------------------------------------- | ------------------------------------------- | --------- | --------- |",
      "| item  | [`codec_unknown`](#item-codec_unknown) | The film's codec is not known \\| supported. | by detail | by detail |"
    ])
    assert.deepStrictEqual(lines.slice(-15), [
      "| HTTP status | Retry   | Severity | Who acts |",
      "| ----------- | ------- | -------- | -------- |",
      "| 200         | give up | Warn     | caller   |",
      "",
      "```json",
      "{",
      '  "error_code": "codec_unknown",',
      '  "error_message": "no decoder for {codec}"',
      "}",
      "```",
      "",
      "| Detail    | Meaning    | Retry            | Severity | Who acts |",
      "| --------- | ---------- | ---------------- | -------- | -------- |",
      "| `licence` | no licence | parked until buy | Error    | operator |",
      ""
    ])
  })
})
