import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { render } from "../src/Document.ts"
import * as Table from "../src/Table.ts"

// docs/clients.md must show what the clients do; `pnpm generate` updates it.

const document = readFileSync(join(import.meta.dirname, "../../docs/clients.md"), "utf8")

/** The sections of the document by heading, without those that this machine cannot produce. */
const partsOf = (text: string, leaves: (line: string) => boolean): ReadonlyMap<string, string> =>
  new Map(
    text.split(/^## /m).map((part) => {
      const [heading = "", ...lines] = part.split("\n")
      // Column widths depend on the rows that are left out.
      const kept = lines.filter((line) => !leaves(line)).map((line) => line.replace(/ {2,}|-{3,}/g, " "))
      return [heading, kept.join("\n")]
    })
  )

/** Failures after which the request may have happened, for every client. */
const mayHaveHappened =
  /^(?:no answer in time|reset before|cut within|ended by|statement_timeout|max_execution_time|503|called off)/

/** Only a very busy machine takes this long. */
const limit = 120_000

it.live(
  "clients in front of servers that fail throw what docs/clients.md says, and merit what it says",
  () =>
    Effect.gen(function* () {
      const sections = yield* Table.sections
      for (const { client, rows } of sections) {
        for (const [what = "", , , again] of rows) {
          if (mayHaveHappened.test(what)) assert.notStrictEqual(again, "yes", `${client}: ${what}`)
        }
      }
      const lacksTls = Table.lacksTls()
      const leaves = (line: string) => lacksTls && line.startsWith("| untrusted certificate")
      const written = partsOf(document, leaves)
      const found = partsOf(render(sections.filter(({ rows }) => rows.length > 0)), leaves)
      for (const [heading, text] of found) assert.strictEqual(text, written.get(heading), heading)
      const missing = sections.filter(({ rows }) => rows.length === 0).length
      assert.strictEqual(found.size + missing, written.size)
    }),
  limit
)
