import process from "node:process"
import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as Plain from "@redrive/core/Plain"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

const item = (cause: unknown) =>
  new ItemError.ItemError({
    url: "https://user:password@example.com/a?token=secret",
    reason: new ItemError.HostReturnedError({ status: 0, cause })
  })

const shown = (failure: unknown, ...secrets: ReadonlyArray<string>) =>
  JSON.stringify(Report.make(failure, { secrets: secrets.map((secret) => Redacted.make(secret)) }))

/** The time, in milliseconds, that this process has computed: what else runs on the machine does not count. */
const computed = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1000
}

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

  const json = (text: string) => JSON.stringify(text).slice(1, -1)
  const form = (text: string) => new URLSearchParams({ "": text }).toString().slice(1)
  const lower = (text: string) => text.replace(/%../g, (byte) => byte.toLowerCase())
  const byte = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  const base64 = (text: string) => Buffer.from(text).toString("base64")
  /** How a secret may be written, with what stands before and behind it there. */
  const encodings: {
    readonly [name: string]: (secret: string) => readonly [before: string, own: string, after: string]
  } = {
    plain: (secret) => ["", secret, ""],
    JSON: (secret) => ['{"a":"', json(secret), '"}'],
    "JSON in JSON": (secret) => ['{\\"a\\":\\"', json(json(secret)), '\\"}'],
    percent: (secret) => ["?", encodeURIComponent(secret), ""],
    "percent in lower case": (secret) => ["", lower(encodeURIComponent(secret)), ""],
    "strict percent": (secret) => ["", encodeURIComponent(secret).replace(/[!'()*]/g, byte), ""],
    form: (secret) => ["a=", form(secret), "&b=1"],
    "form in lower case": (secret) => ["a=", lower(form(secret)), ""],
    hex: (secret) => ["0x", Buffer.from(secret).toString("hex"), ""],
    "hex in capitals": (secret) => ["", Buffer.from(secret).toString("hex").toUpperCase(), ""],
    Base64: (secret) => ["", base64(secret), ""],
    "Base64 without padding": (secret) => ["", base64(secret).replace(/=+$/, ""), "."],
    base64url: (secret) => ["", Buffer.from(secret).toString("base64url"), ""],
    "Base64 of a longer text": (secret) => {
      const whole = base64(`user:${secret}, and more`)
      return [whole.slice(0, 7), whole.slice(7, 15), whole.slice(15)]
    },
    "base64url of JSON": (secret) => {
      const whole = Buffer.from(`{"secret":"${secret}"}`).toString("base64url")
      return [whole.slice(0, 16), whole.slice(16, 24), whole.slice(24)]
    }
  }
  it.prop(
    "that are known are hidden in every form, at every place of a text",
    {
      secret: Schema.String.check(Schema.isPattern(/^[ -~äßé]{8,40}$/)),
      form: Schema.Literals(Object.keys(encodings)),
      padding: Schema.Int.check(Schema.isBetween({ minimum: 1900, maximum: 2000 }))
    },
    ({ form, padding, secret }) => {
      const [before, own, after] = encodings[form]?.(secret) ?? ["", "", ""]
      // No letter of it stands in what is around it.
      for (const text of [
        `${before}${own}${after} `,
        `${"\n".repeat(padding)}${before}${own}${after}${"\n".repeat(300)}`
      ]) {
        const shown = Plain.text(text, { secrets: [Redacted.make(secret)] })
        const rest = shown.replaceAll("<redacted>", "\0").replace(before, "\0").replace(after, "\0")
        // Half of it would be a leak, too.
        for (const part of [own, own.slice(0, 8)]) assert.notInclude(rest, part)
      }
    },
    { arbitrary: { runs: 3000 } }
  )

  it("that are known leave every longer text cut, whether it holds one or not", () => {
    const secrets = [Redacted.make("a long secret of some 40 characters or so")]
    const wrong = Array.from({ length: 400 }, (_, more) => 1900 + more).filter((length) => {
      const shown = Plain.text("a b c d ".repeat(300).slice(0, length), { secrets })
      const end = `… (${length} characters)`
      return length > 2000 ? !shown.endsWith(end) || shown.length > 2000 + end.length : shown.length !== length
    })
    assert.deepStrictEqual(wrong, [])
  })

  const shapes = ["ghp_", "github_pat_", "glpat-", "xoxb-", "sk_live_", "AIza", "npm_", "hf_"]
  it.each(shapes)("of a known shape are hidden where a text is cut within them: %s", (beginning) => {
    const token = `${beginning}${"aBcDeFgHiJ".repeat(5)}`
    for (let padding = 1940; padding < 2005; padding++)
      for (const text of [`${"~".repeat(padding)} ${token} ${"~".repeat(400)}`, `${"~".repeat(padding)} ${token}`])
        assert.notInclude(Plain.text(text), `${beginning}a`, `${padding}`)
  })

  it("behind a name, or in a private key, are hidden where a text is cut within them", () => {
    const key = `-----BEGIN PRIVATE KEY-----\n${"S3CR3T".repeat(500)}\n-----END PRIVATE KEY-----`
    for (let padding = 1930; padding < 2005; padding++)
      for (const secret of [key, `password="${"S3CR3T".repeat(50)}"`, `tokens: ["a", "${"S3CR3T".repeat(50)}"]`])
        assert.notInclude(Plain.text(`${"~".repeat(padding)} ${secret}`), "S3C", `${padding}`)
  })

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

  it("that a failure holds are known, wherever in it, and whatever kind of error it is", () => {
    const key = Redacted.make("k-123456789")
    class Refused extends Data.TaggedError("Refused")<{ readonly message: string; readonly key: unknown }> {}
    class Denied extends Schema.TaggedError<Denied>("test/Denied")("Denied", {
      message: Schema.String,
      login: Schema.Struct({ key: Schema.Option(Schema.Redacted(Schema.String)) })
    }) {}
    const message = "refused k-123456789"
    const denied = new Denied({ message, login: { key: Option.some(key) } })
    for (const failure of [new Refused({ message, key }), new Refused({ message, key: [{ key }] }), denied])
      for (const one of [failure, new Error(message, { cause: failure })])
        assert.notInclude(JSON.stringify(Report.make(one)), "k-123456789")
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
    [`got eyJhbGciOiJIUzI1NiJ9.${one}.def`, "got <redacted>"],
    // In lists and objects behind the name.
    [`tokens: ["${one}", "b"], x`, "tokens: <redacted>, x"],
    [`{"tokens":{"a":{"b":"${one}"},"c":"]}${one}"},"x":1}`, `{"tokens":<redacted>,"x":1}`],
    [`{"secrets":["a]b","${one}"]}`, `{"secrets":<redacted>}`],
    [`{\\"tokens\\":[\\"a]\\",\\"${one}\\"],\\"x\\":1}`, `{\\"tokens\\":<redacted>,\\"x\\":1}`],
    [`password: { old: '${one}'`, "password: <redacted>"],
    // After an escaped quote.
    [`{"password":"a\\"${one}","x":1}`, `{"password":"<redacted>","x":1}`],
    [`{"password":"a\\\\","x":1}`, `{"password":"<redacted>","x":1}`],
    [`{\\"password\\":\\"a\\\\\\"${one}\\",\\"x\\":1}`, `{\\"password\\":\\"<redacted>\\",\\"x\\":1}`],
    [`{ password: 'it\\'s ${one}', x: 1 }`, "{ password: '<redacted>', x: 1 }"],
    [`{"password":"${one} cut`, `{"password":"<redacted>`],
    [`secret: 'a\\n' +\n  '${one}',\n x: 1`, "secret: '<redacted>',\n x: 1"],
    // English words.
    ["password: inkwell", "password: <redacted>"],
    ["password: missing-link", "password: <redacted>"],
    ["password=hunted", "password=<redacted>"],
    [`{"password":"missing"}`, `{"password":"<redacted>"}`],
    // Commas and brackets that belong to the value, and those that do not.
    [`password: a,b)${one}`, "password: <redacted>"],
    [`a=1,password=${one},b=2`, "a=1,password=<redacted>,b=2"],
    [`connect(password=${one}), again`, "connect(password=<redacted>), again"],
    [`Server=db;Password=${one};Timeout=3`, "Server=db;Password=<redacted>;Timeout=3"],
    // A password with a slash, which a reader of URLs takes for the end of the host.
    [`postgres://u:p/${one}@db.example/x`, "postgres://db.example/x"],
    [`redis://:p/a#s?s${one}@cache:6379/0`, "redis://cache:6379/0"],
    // Files of this machine have no credentials, but what stands beside them may, and other schemes that look like theirs.
    [`file:///a,redis://u:${one}@h/0`, "file:///a,redis://h/0"],
    [`at file:///a@1/b.js https://u:${one}@h/`, "at file:///a@1/b.js https://h/"],
    [`file:///a@1/b.js?key=${one}`, "file:///a@1/b.js"],
    [`file://u:${one}@h/a`, "file://h/a"],
    [`profile:///u:${one}@h/a`, "profile://h/a"],
    [`svn+file:///u:${one}@h/a`, "svn+file://h/a"],
    // A key in PEM.
    [
      `cannot parse -----BEGIN PRIVATE KEY-----\nMIIE\n${one}\n-----END PRIVATE KEY-----, sorry`,
      "cannot parse <redacted>, sorry"
    ],
    [`key "-----BEGIN RSA PRIVATE KEY-----\\nMIIE\\n${one}`, `key "<redacted>`],
    [
      `private_key: "-----BEGIN EC PRIVATE KEY-----\nMIIE\n${one}\n-----END EC PRIVATE KEY-----"`,
      `private_key: "<redacted>"`
    ],
    [`-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOY${one}\n-----END PGP PRIVATE KEY BLOCK-----`, "<redacted>"],
    // What other separators and quotes there are.
    [`Map(1) { 'password' => '${one}' }`, "Map(1) { 'password' => '<redacted>' }"],
    [`URLSearchParams { 'token' => '${one}', 'a' => '1' }`, "URLSearchParams { 'token' => '<redacted>', 'a' => '1' }"],
    [`password := "${one}"; pwd == '${one}'`, `password := "<redacted>"; pwd == '<redacted>'`],
    [`{'token': b'${one}', 'x': 1}`, "{'token': b'<redacted>', 'x': 1}"],
    [`password: Some("${one}"), x`, `password: Some("<redacted>"), x`],
    [`password = """${one}"""`, `password = """<redacted>"""`],
    [`Password='a''${one}';x=1`, "Password='<redacted>';x=1"],
    [`{ password: <Buffer 68 75 6e> }`, "{ password: <redacted> }"],
    [`'{"password":"ab\\\\"${one}","x":1}'`, `'{"password":"<redacted>","x":1}'`],
    ["password: |\n  line one\n  line two\nuser: ann", "password: <redacted>\nuser: ann"],
    [`- name: DB_PASSWORD\n  value: ${one}\n- name: A`, "- name: DB_PASSWORD\n  value: <redacted>\n- name: A"],
    [
      `{"key":"DB_PASSWORD","type":"text","value":"${one}"}`,
      `{"key":"DB_PASSWORD","type":"text","value":"<redacted>"}`
    ],
    [
      `{ authorization: 'Bearer ${one}', host: 'h', status: 401 }`,
      "{ authorization: 'Bearer <redacted>', host: 'h', status: 401 }"
    ],
    [`{ headers: { cookie: 'a=${one}' }, status: 500 }`, "{ headers: { cookie: '<redacted>' }, status: 500 }"],
    [`login failed: password=correcthorse ghp_${"a1B2".repeat(9)}`, "login failed: password=<redacted> <redacted>"],
    [`{ cookies: [Object: null prototype] { sid: '${one}' }, a: 1 }`, "{ cookies: <redacted>, a: 1 }"],
    [`tokens: Map(1) { 'ann' => '${one}' }, x`, "tokens: <redacted>, x"],
    [`credentials: Credentials { user: 'u', v: '${one}' }`, "credentials: <redacted>"],
    [`password:\n  ${one}\nuser: ann`, "password:\n  <redacted>\nuser: ann"],
    [`secrets:\n  - ${one}\n  - b\nuser: ann`, "secrets:\n  <redacted>\nuser: ann"],
    ["[ '--password', 'correcthorse', '--verbose' ]", "[ '--password', '<redacted>', '--verbose' ]"],
    ["[['password', 'correcthorse'], ['token', 'hunter']]", "[['password', '<redacted>'], ['token', '<redacted>']]"],
    [
      `cookieHeader=${one}; resetTokenUrl=${one}; API_KEY_ACCOUNT=${one}`,
      "cookieHeader=<redacted>; resetTokenUrl=<redacted>; API_KEY_ACCOUNT=<redacted>"
    ],
    [
      `TOKEN_PAYMENT_SERVICE=${one} tokenAccount=${one} secretArray=${one}`,
      "TOKEN_PAYMENT_SERVICE=<redacted> tokenAccount=<redacted> secretArray=<redacted>"
    ],
    [
      "token=a.b.c password=no.way password=path password=missing",
      "token=<redacted> password=<redacted> password=<redacted> password=<redacted>"
    ],
    ["password: this!isit", "password: <redacted>"],
    [`{"cmd":"mysql --password ${one}","code":5}`, `{"cmd":"mysql --password <redacted>","code":5}`],
    [`GET cb?code=${one}`, "GET cb"],
    [`https://h/?list=a,https://b/&sig=${one} x`, "https://h/ x"],
    [`postgres://u:12345/${one}@h/db and mongodb+srv://u:p@ss/${one}@h/db`, "postgres://h/db and mongodb+srv://h/db"],
    // Lists of URLs, quotes in a query, and slashes that JSON escapes.
    [`nats://u:${one}@h1:4222,nats://u:${one}@h2:4222`, "nats://h1:4222,nats://h2:4222"],
    [`https://a.example/T?$filter=K%20eq%20'a'&sig=${one} failed`, "https://a.example/T failed"],
    [`{"url":"https:\\/\\/u:${one}@h\\/db"}`, `{"url":"https:\\/\\/h\\/db"}`],
    [`(see 'https://a.example/x?a=${one}').`, "(see 'https://a.example/x')."],
    [`(see https://a.example/x?a=${one}), twice`, "(see https://a.example/x), twice"],
    // Options of command lines.
    [`foo --password "${one}" --token '${one}' bar`, "foo --password <redacted> --token <redacted> bar"],
    // Tokens behind an escaped character.
    [`"X:\\nghp_${"a1B2".repeat(9)}"`, `"X:\\n<redacted>"`],
    [`a%20ghp_${"a1B2".repeat(9)}`, "a%20<redacted>"],
    [`jwt:\\neyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc`, "jwt:\\n<redacted>"],
    [`sk-or-v1-${"0a1b".repeat(16)}`, "<redacted>"],
    [`ya29.${"a0Bc".repeat(10)}`, "<redacted>"],
    ["https://discord.com/api/v10/webhooks/123/abc-DEF", "https://discord.com/api/v10/webhooks/123/<redacted>"],
    // More names.
    [`auth: { user: 'u', pass: '${one}' }`, "auth: { user: 'u', pass: '<redacted>' }"],
    [`smtpPass=${one}`, "smtpPass=<redacted>"],
    [`db_pass: ${one}`, "db_pass: <redacted>"],
    [`AccountKey=${one};x=1`, "AccountKey=<redacted>;x=1"],
    [`passcode ${one}? passcode: ${one}`, `passcode ${one}? passcode: <redacted>`],
    [`mysql --user u --password ${one} failed`, "mysql --user u --password <redacted> failed"],
    [`curl --proxy-token=${one}`, "curl --proxy-token=<redacted>"],
    // Pairs of names and values.
    [`{"name":"authorization","value":"${one}"}`, `{"name":"authorization","value":"<redacted>"}`],
    [`[ 'Authorization', '${one}', 'Accept', '*/*' ]`, "[ 'Authorization', '<redacted>', 'Accept', '*/*' ]"],
    // Tokens of known shapes.
    [`push with ghp_${"a1B2".repeat(9)} refused`, "push with <redacted> refused"],
    [`github_pat_${"11ABC_".repeat(5)}x`, "<redacted>"],
    [`glpat-${"a1B2".repeat(5)}`, "<redacted>"],
    [`xoxb-${"1234567890-".repeat(3)}abc`, "<redacted>"],
    [`sk_live_${"4eC39H".repeat(4)} and rk_test_${"4eC39H".repeat(4)}`, "<redacted> and <redacted>"],
    [`Incorrect API key provided: sk-proj-${"a1B2".repeat(8)}`, "Incorrect API key provided: <redacted>"],
    ["AKIAIOSFODNN7EXAMPLE", "<redacted>"],
    [`AIza${"a1B2-".repeat(7)}`, "<redacted>"],
    [`npm_${"a1B2".repeat(9)}`, "<redacted>"],
    [`SG.${"a1B2".repeat(5)}.${"a1B2".repeat(10)}`, "<redacted>"],
    [`hf_${"aBcD".repeat(9)}`, "<redacted>"],
    [
      "posting to https://hooks.slack.com/services/T0/B0/x7Y failed",
      "posting to https://hooks.slack.com/services/<redacted> failed"
    ],
    ["https://discord.com/api/webhooks/123/abc-DEF", "https://discord.com/api/webhooks/123/<redacted>"],
    ["https://api.telegram.org/bot123:AA-bb/sendMessage", "https://api.telegram.org/bot123:<redacted>"]
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
    "authorization failed for bob",
    "password: must be longer",
    "tokens: 512 of 4096",
    "12 passed, bypass=1, compass: north",
    "https://example.com:8080/@ann/feed",
    "https://example.com/@ann: gone",
    "http://[::1]:8080/a@b",
    "file:///srv/node_modules/.pnpm/effect@4.1.0/node_modules/effect/dist/Layer.js:844:56",
    "cannot find file:///srv/node_modules/@redrive/core/dist/Report.js",
    "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
    "pass --token to log in",
    "risk-assessment-of-every-page-17",
    "task_live_rows_of_the_table_1",
    "33d6fb20-83de-4f22-b9e8-d411af6c83e2",
    "a-long-name-of-a-host-name-with-dashes.example",
    '{"error":"invalid_token","error_description":"The access token expired"}',
    '{"message":"Invalid token","type":"OAuthException"}',
    '{"path":"/oauth/token","status":400}',
    '{"grant_type":"password","username":"bob"}',
    '{"event":"password_changed","user":5}',
    'SELECT "id", "password", "email" FROM users',
    "['Content-Type', 'Authorization', 'Accept']",
    'upstream: "http://h/a/token", host: "x.example"',
    "{ cookie: [Object], url: '/x' }",
    "JsonWebTokenError: jwt malformed",
    "TokenExpiredError: jwt expired",
    "CredentialsProviderError: Could not load credentials from any providers",
    "AuthorizationError: user may not read this",
    "SecretNotFoundError: The secret was not found",
    "token-service: started",
    "Access denied for user 'ann'@'host' (using password: YES)",
    "password: cannot be blank",
    "password: String must contain at least 8 characters",
    "Unexpected token: punc (})",
    "Unexpected token: { at position 5\nand more",
    'WWW-Authenticate: Bearer realm="x", error="invalid_token"',
    "Basic Auth is required",
    "Visual Basic 6, Basic 2.0, Basic Plan",
    "not authorized to perform: secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:us-east-1:1:secret:prod/db because",
    "npm_config_user_agent_is_long and hf_hub_download_is_a_long_name",
    "sk-toolbar-Button-1-primary-large",
    "{ readonly token: string; readonly id: number }",
    "--token has been deprecated, --max-tokens 100, --cookie-jar /tmp/x",
    "tokens: 512, max_tokens: 4096",
    '{"usage":{"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":0},"tokens":[1,2]}}',
    "Second pass: emit each schema",
    "PASS: test.ts",
    "private key: bad decrypt",
    "token: unauthorized",
    "access key: does not exist",
    "api key: 3 of 5 left",
    "password: 8 characters minimum",
    "Cookie: missing",
    "Authorization: required",
    "cookies: [Object], a: 1",
    "token_type: opaque, secretName: db",
    "secretary: ann, cookieless: 1"
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
    const begun = computed()
    for (const part of parts) Report.make(new Error(part.repeat(1_000_000)))
    assert.isBelow(computed() - begun, 2000)
  })

  it("in a text that is built to be slow are found soon", () => {
    const beginnings = [
      "token_",
      "a.",
      "password=",
      'password="',
      "secrets: [",
      "'\\\\",
      "--token ",
      "=(",
      "https://a,",
      "name: token,"
    ]
    const begun = computed()
    for (const part of beginnings) {
      const text = part.repeat(Math.ceil(2500 / part.length))
      const list = Array.from({ length: 32 }, () => new Error(text))
      Report.make(new AggregateError(list, text))
      Plain.make({ list: list.map(() => text), [text]: { [text]: text } })
      Plain.text(text, { secrets: [Redacted.make("x".repeat(4000))] })
    }
    assert.isBelow(computed() - begun, 4000)
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
      const telling = Observer.layer({ report: ({ message }) => void messages.push(message) })
      yield* ErrorReporter.report(Cause.fail(new Error("key one, key twelve"))).pipe(
        Effect.provide(Layer.provideMerge(twelve, Layer.provideMerge(one, telling)))
      )
      assert.deepStrictEqual(messages, ["<redacted>, key <redacted>"])
    })
  )
})
