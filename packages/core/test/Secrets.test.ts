import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as Plain from "@redrive/core/Plain"
import * as Report from "@redrive/core/Report"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

const item = (cause: unknown) =>
  new ItemError.ItemError({
    url: "https://user:password@example.com/a?token=secret",
    reason: new ItemError.HostReturnedError({ status: 0, cause })
  })

const shown = (failure: unknown, ...secrets: ReadonlyArray<string>) =>
  JSON.stringify(Report.make(failure, { secrets: secrets.map((secret) => Redacted.make(secret)) }))

describe("secrets", () => {
  it.prop(
    "of a URL are not shown, wherever the URL stands",
    { before: Schema.String, after: Schema.String },
    ({ after, before }) => {
      const text = `${before} https://u:s3cret@example.com/a?t=s3cret ${after}`
      const report = shown(new Error(text, { cause: item(new Error(text)) }))
      assert.notInclude(report, "u:s3cret")
      assert.notInclude(report, "t=s3cret")
    }
  )

  it("of a URL are not shown where the text is cut within it", () => {
    for (let padding = 1940; padding < 2010; padding++) {
      const text = `${"x ".repeat(padding / 2)} https://ann:s3cretpassword@example.com/path?t=s3cretquery${"y".repeat(5000)}`
      assert.notInclude(shown(new Error(text)), "s3cret", `${padding}`)
    }
  })

  // Letters that JSON writes as they are, and that no other part of a report is made of.
  const secret = Schema.String.check(Schema.isPattern(/^[A-Z0-9+/=_-]{8,64}$/))
  const few = Schema.Struct({ one: secret, two: secret, three: secret })
  it.prop(
    "that are known appear in no text, however long it is and wherever they stand",
    { few, padding: Schema.Literals([0, 1, 1900, 1950, 1990, 1995, 2000, 2100, 5000]) },
    ({ few, padding }) => {
      const secrets = Object.values(few)
      const forms = secrets.map((one) => `${one} ${btoa(one)} ${encodeURIComponent(one)}`)
      const said = `${"x".repeat(padding)} ${forms.join(" ")}`
      const cause = Object.assign(new Error(said), {
        code: said,
        syscall: said,
        stack: `Error: ${said}\n    at ${said}`
      })
      const failure = item(new Error(said, { cause: new AggregateError([cause, cause], said) }))
      for (const one of [failure, cause, { _tag: said, message: said }, said]) {
        const report = shown(one, ...secrets)
        // Eight letters of one would be a leak too.
        for (const secret of secrets) {
          assert.notInclude(report, secret.slice(0, 8))
          assert.notInclude(report, btoa(secret).slice(0, 10))
        }
      }
    },
    { arbitrary: { runs: 1000 } }
  )

  it("that a text is full of are not shown where it is cut, which hiding them has moved", () => {
    for (let length = 8; length < 100; length++) {
      const secret = "Z0".repeat(length / 2)
      assert.notInclude(shown(new Error(secret.repeat(1000)), secret), "Z0")
    }
  })

  it("that the failure itself holds are known", () => {
    class Login extends Schema.TaggedError<Login>("test/Login")("Login", {
      user: Schema.String,
      key: Schema.Redacted(Schema.String)
    }) {}
    const login = new Login({ user: "ann", key: Redacted.make("k-123456789") })
    const report = Report.make(new Error("refused k-123456789", { cause: login }))
    assert.notInclude(JSON.stringify(report), "k-123456789")
    assert.strictEqual(report.message, "refused <redacted>")
    assert.deepStrictEqual(report.causes[0]?.fields, { user: "ann" })
  })

  it("in an Authorization header are known by its scheme", () => {
    assert.strictEqual(Report.make(new Error("sent Bearer abc.def-1 twice")).message, "sent Bearer <redacted> twice")
  })

  const one = "S3CR3T.abc"
  const hiding: ReadonlyArray<readonly [text: string, shown: string]> = [
    [`https://u:${one}@h/p?api_key=${one}`, "https://h/p"],
    [`postgres://u:p'${one}@h/db`, "postgres://h/db"],
    [`GET /v1/x?api_key=${one} failed`, "GET /v1/x failed"],
    [`password: ${one}`, "password: <redacted>"],
    [`pwd=${one}&x=1`, "pwd=<redacted>&x=1"],
    [`{"password":"${one}","a":1}`, `{"password":"<redacted>","a":1}`],
    [`{ private_key: 'my ${one} key' }`, "{ private_key: '<redacted>' }"],
    [`["x-api-key", "${one}"]`, `["x-api-key", "<redacted>"]`],
    [`authorization: bearer ${one}`, "authorization: bearer <redacted>"],
    [`Authorization: Digest username="a", response=${one}`, "Authorization: Digest <redacted>"],
    [`{"authorization":"Bearer ${one}","a":1}`, `{"authorization":"Bearer <redacted>","a":1}`],
    [`BEARER ${one}`, "BEARER <redacted>"],
    ["Basic dXNlcjpwYXNz", "Basic <redacted>"],
    [`Cookie: sid=${one}; b=2`, "Cookie: <redacted>"],
    [`got eyJhbGciOiJIUzI1NiJ9.${one}.def`, "got <redacted>"]
  ]
  it.each(hiding)("are hidden where they look like it: %s", (text, shown) => {
    assert.strictEqual(Report.make(new Error(text)).message, shown)
    assert.strictEqual(Plain.text(text), shown)
  })

  const prose = [
    "the password is wrong",
    "token expired",
    "token: expired",
    "password: missing",
    "your token has been revoked",
    "a cookie was refused",
    "basic usage",
    "the secret of life: patience",
    "is this a question? a=b",
    "Unexpected token } in JSON",
    "max_tokens=100",
    "authorization failed for bob"
  ]
  it.each(prose)("are not seen in what is none: %s", (text) => {
    assert.strictEqual(Report.make(new Error(text)).message, text)
  })

  it("are hidden wherever one stands within a URL that shows another", () => {
    const secrets = [Redacted.make("KNOWN")]
    const { message } = Report.make(new Error("at https://u:KNOWN@h/p?api_key=OTHER"), { secrets })
    assert.strictEqual(message, "at https://h/p")
  })

  it("of a hostile text take no time", () => {
    const parts = ["?a=", "password:", '"password":"', "://a:b@", "cookie: ", "eyJ", "basic ", "secret", "a"]
    const begun = performance.now()
    for (const part of parts) Report.make(new Error(part.repeat(1_000_000)))
    assert.isBelow(performance.now() - begun, 2000)
  })

  it("that are too short to be told from other text are let be", () => {
    assert.strictEqual(Report.make("aaa", { secrets: [Redacted.make("a"), Redacted.make("")] }).message, "aaa")
  })

  it.effect("of the program are hidden by its reporters", () =>
    Effect.gen(function* () {
      const messages: Array<string> = []
      const [twelve, one] = [
        Report.layerSecrets(Redacted.make("twelve")),
        Report.layerSecrets(Redacted.make("key one"))
      ]
      const telling = ErrorReporter.layer([Report.reporter(({ message }) => messages.push(message))])
      yield* ErrorReporter.report(Cause.fail(new Error("key one, key twelve"))).pipe(
        Effect.provide(Layer.provideMerge(twelve, Layer.provideMerge(one, telling)))
      )
      assert.deepStrictEqual(messages, ["<redacted>, key <redacted>"])
    })
  )
})
