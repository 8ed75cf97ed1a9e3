import { assert, describe, it } from "@effect/vitest"
import * as EmailSink from "@redrive/email/EmailSink"
import * as Redacted from "effect/Redacted"
import { createTransport } from "nodemailer"

const right: EmailSink.Options = {
  transport: Redacted.make("smtps://user:s3cret@mail.example.com"),
  from: "Alerts <alerts@example.com>",
  to: ["one@example.com", "Two <two@bücher.example>", `"Three, of us" <three@example.com>`]
}

// Called as an untyped program would call it.
const make = (options: object) => () => EmailSink.make({ ...right, ...options })

/** Refused options, and the message for each. */
const refused: ReadonlyArray<readonly [make: () => unknown, ...says: ReadonlyArray<string>]> = [
  [make({ subject: "x" }), "EmailSink:", "subject is unknown; allowed: transport, from, to"],
  [make({ transport: undefined }), "transport is missing; allowed: a Redacted smtp or smtps URL, or a nodemailer"],
  [make({ transport: "smtp://user:s3cret@mail" }), "transport is a string; allowed: a Redacted smtp or smtps URL"],
  [make({ transport: Redacted.make("https://mail.example.com/s3cret") }), "transport is something else; allowed"],
  [make({ from: "alerts" }), `from is "alerts"; allowed: an address, such as`],
  [make({ from: "a@example.com\r\nBcc: b@example.com" }), "from is"],
  [make({ from: "a@example.com, b@example.com" }), "from is"],
  [make({ to: [] }), "to is", "allowed: a list of addresses"],
  [make({ to: "one@example.com" }), "to is"],
  [make({ to: ["one@example.com", "two@example.com, three@example.com"] }), "to is"],
  [make({ replyTo: "ops" }), `replyTo is "ops"; allowed`],
  [make({ batch: 0 }), "batch is 0; allowed: a whole number, 1 to 100"],
  [make({ pace: -1, attemptTimeout: "soon" }), "pace is -1; allowed", `attemptTimeout is "soon"; allowed`]
]

describe("options", () => {
  for (const [make, ...says] of refused) {
    it(`are refused when the sink is made: ${says.join(", ")}`, () => {
      for (const one of says) assert.throws(make, one)
      assert.throws(make, /^(?![\s\S]*s3cret)/)
    })
  }

  it("are accepted when they are right", () => {
    EmailSink.make(right)
    EmailSink.layer(right)
    make({ transport: createTransport({ host: "mail.example.com" }) })()
    make({ prefix: "", batch: 100, pace: 0, attempts: 1, backoff: 0, attemptTimeout: "1 minute", greylistWait: 0 })()
  })
})
