import { assert, describe, it } from "@effect/vitest"
import type { Alert } from "@redrive/alert/Alert"
import * as EmailWire from "@redrive/email/EmailWire"
import * as DateTime from "effect/DateTime"
import { join } from "node:path"
import { expect } from "vitest"
import { alertOf, itemAlert } from "./samples.ts"

const message = (...alerts: readonly [Alert, ...Array<Alert>]) =>
  EmailWire.message(alerts, { domain: "shop.example", prefix: "shop" })

const fixture = (name: string) => join(import.meta.dirname, "fixtures", name)

const { inReplyTo: thread } = message(itemAlert())

const kept = (one: EmailWire.Message) => {
  const { html: _, text: __, ...rest } = one
  return `${JSON.stringify(rest, undefined, 2)}\n`
}

describe("an email", () => {
  for (const [name, one] of [
    ["opened", message(itemAlert({ nextAt: DateTime.makeUnsafe("2026-11-24T01:03:00Z") }))],
    ["digest", message(itemAlert({ severity: "Fatal" }), alertOf(1, { status: "resolved" }), alertOf(2))]
  ] as const) {
    it(`is as it is kept: ${name}`, async () => {
      await expect(one.text).toMatchFileSnapshot(fixture(`${name}.txt`))
      await expect(one.html).toMatchFileSnapshot(fixture(`${name}.html`))
      await expect(kept(one)).toMatchFileSnapshot(fixture(`${name}.json`))
    })
  }

  it("is the same for the same alert, and has an id that no other alert has", () => {
    assert.deepStrictEqual(message(itemAlert()), message(itemAlert()))
    const ids = [message(itemAlert()), message(itemAlert({ id: "other" })), message(itemAlert(), alertOf(1))]
    assert.lengthOf(new Set(ids.map(({ messageId }) => messageId)), 3)
  })

  it("of the same incident is in its thread to the end, with the same subject but for the word in brackets", () => {
    // The detail and the host are gone when failures differ in them.
    const { detail: _, ...later } = itemAlert({ id: "2", status: "news", severity: "Fatal", total: 40 })
    const all = [
      itemAlert(),
      later,
      itemAlert({ id: "3", status: "resolved" }),
      itemAlert({ id: "4", status: "expired" })
    ]
    const emails = all.map((alert) => message(alert))
    assert.deepStrictEqual(
      emails.map(({ subject }) => subject),
      ["Warn", "Fatal", "Resolved", "Expired"].map((word) => `[shop] [${word}] website_access_denied at example.com`)
    )
    assert.isTrue(emails.every(({ inReplyTo, references }) => inReplyTo === thread && references === thread))
    assert.isFalse(emails.some(({ messageId }) => messageId === thread))
  })

  it("names a host only if it groups the incident, which may have many otherwise", () => {
    assert.strictEqual(
      message(itemAlert({ key: "website_access_denied" })).subject,
      "[shop] [Warn] website_access_denied"
    )
  })

  it("about an error of the program says what it said", () => {
    const { host: _, ...program } = itemAlert({
      level: "program",
      code: "TypeError",
      message: "x is not a function\nat y"
    })
    assert.strictEqual(message(program).subject, "[shop] [Warn] TypeError: x is not a function at y")
  })

  it("with two alerts of one incident is in its thread", () => {
    const email = message(itemAlert(), itemAlert({ id: "2", status: "resolved" }))
    assert.deepStrictEqual([email.inReplyTo, email.subject.slice(0, 17)], [thread, "[shop] [Warn] web"])
    assert.include(email.text, "Resolved: website_access_denied")
  })

  it("that is a digest has the word of its alerts, or the highest severity of those that go on", () => {
    const over = (n: number) => alertOf(n, { status: "resolved", severity: "Fatal" })
    assert.strictEqual(message(over(1), over(2)).subject, "[shop] [Resolved] 2 alerts: 2 resolved")
    assert.strictEqual(message(over(1), alertOf(2)).subject, "[shop] [Warn] 2 alerts: 1 resolved, 1 opened")
  })

  it("of another incident of the same key is in another thread", () => {
    assert.notStrictEqual(message(itemAlert({ incident: `${itemAlert().key}#2` })).inReplyTo, thread)
  })

  it("is important only if it is fatal, and not over", () => {
    const priorities = [
      itemAlert({ severity: "Fatal" }),
      itemAlert({ severity: "Fatal", status: "resolved" }),
      itemAlert(),
      itemAlert({ severity: "Info" })
    ].map((alert) => message(alert).priority)
    assert.deepStrictEqual(priorities, ["high", "normal", "normal", "low"])
  })

  it("has bounds, and says what it leaves out", () => {
    const long = "é".repeat(100_000)
    const { html, subject, text } = message(
      itemAlert({
        level: "program",
        message: long,
        urls: Array.from({ length: 50 }, (_, n) => `https://a.example/${n}`)
      })
    )
    assert.isAtMost(subject.length, 200)
    assert.isBelow(text.length, 10_000)
    assert.isBelow(html.length, 15_000)
    for (const body of [text, html]) {
      assert.include(body, "é…")
      assert.include(body, "and 30 more")
    }
  })

  it("loads nothing, and leaves the colors of text and ground to the client", () => {
    const { html } = message(itemAlert())
    assert.notMatch(html, /<(?:img|link|script|style)|url\(|background|[^-]color:/)
    assert.include(html, `content="light dark"`)
  })
})
