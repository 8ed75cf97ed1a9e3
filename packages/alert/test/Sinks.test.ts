import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { text as textOf } from "node:stream/consumers"
import { assert, describe, it } from "@effect/vitest"
import type * as Alert from "@redrive/alert/Alert"
import * as AlertmanagerSink from "@redrive/alert/AlertmanagerSink"
import * as AppriseSink from "@redrive/alert/AppriseSink"
import * as ConsoleSink from "@redrive/alert/ConsoleSink"
import * as DiscordSink from "@redrive/alert/DiscordSink"
import * as DiscordWire from "@redrive/alert/DiscordWire"
import * as Heartbeat from "@redrive/alert/Heartbeat"
import * as PagerDutySink from "@redrive/alert/PagerDutySink"
import * as PagerDutyWire from "@redrive/alert/PagerDutyWire"
import type { Service, SinkError } from "@redrive/alert/Sink"
import * as SlackSink from "@redrive/alert/SlackSink"
import * as SlackWire from "@redrive/alert/SlackWire"
import * as TeamsSink from "@redrive/alert/TeamsSink"
import * as TeamsWire from "@redrive/alert/TeamsWire"
import * as WebhookSink from "@redrive/alert/WebhookSink"
import * as Verdict from "@redrive/core/Verdict"
import * as Program from "@redrive/testing/Program"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import type * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { itemAlert, jobAlert, noMessage } from "./samples.ts"

interface Request {
  readonly path: string
  readonly headers: IncomingMessage["headers"]
  readonly body: string
}

type Handle = (request: Request, response: ServerResponse) => void

/** A server that answers each request in some way, and keeps it. */
const serving = Effect.fnUntraced(function* (handle: Handle) {
  const requests: Array<Request> = []
  const url = yield* Program.serve(
    createServer(async (incoming, response) => {
      const request = { path: incoming.url ?? "", headers: incoming.headers, body: await textOf(incoming) }
      requests.push(request)
      handle(request, response)
    })
  )
  return { requests, url: url.replace(/\/$/, "") }
})

const secret = (text: string) => Redacted.make(text)
const key = secret("k".repeat(32))

/** A sink that posts to a URL, and what its server answers when it takes something. */
interface Kind {
  readonly make: (
    url: string
  ) => Effect.Effect<Service<HttpClient.HttpClient>, never, HttpClient.HttpClient | Scope.Scope>
  readonly ok: Handle
}

const answering =
  (status: number, body = "", headers: Record<string, string> = {}): Handle =>
  (_, response) =>
    void response.writeHead(status, headers).end(body)

const kinds: { readonly [name: string]: Kind } = {
  webhook: { make: (url) => Effect.succeed(WebhookSink.make({ url: secret(url) })), ok: answering(204) },
  slack: { make: (url) => Effect.succeed(SlackSink.make({ url: secret(url) })), ok: answering(200, "ok") },
  "slack bot": {
    make: (url) => Effect.succeed(SlackSink.bot({ token: secret("xoxb"), channel: "C1", api: url })),
    ok: answering(200, `{"ok":true,"ts":"1.2","channel":"C1"}`)
  },
  pagerduty: {
    make: (url) => Effect.succeed(PagerDutySink.make({ routingKey: key, url })),
    ok: answering(202, `{"status":"success"}`)
  },
  discord: { make: (url) => Effect.succeed(DiscordSink.make({ url: secret(url) })), ok: answering(200, "{}") },
  teams: { make: (url) => Effect.succeed(TeamsSink.make({ url: secret(url) })), ok: answering(202) },
  alertmanager: { make: (url) => AlertmanagerSink.make({ urls: [url] }), ok: answering(200) },
  apprise: { make: (url) => Effect.succeed(AppriseSink.make({ url: secret(url) })), ok: answering(200, "{}") }
}

const cut: Handle = ({ headers }, response) => void (headers.host !== undefined && response.destroy())
const halfClosed: Handle = (_, response) => {
  response.writeHead(503, { "content-length": "100" })
  response.write("half")
  setTimeout(() => response.destroy(), 5)
}

/** What a server does, and what it means: the reason, the verdict, and whether the alert may have been taken. */
const table: ReadonlyArray<
  readonly [what: string, handle: Handle, reason: SinkError["reason"], verdict: string, isAmbiguous: boolean]
> = [
  ["301", answering(301, "", { location: "/elsewhere" }), "redirect", "give up", false],
  ["302", answering(302, "", { location: "/elsewhere" }), "redirect", "give up", false],
  ["308", answering(308, "", { location: "/elsewhere" }), "redirect", "give up", false],
  ["400", answering(400, "bad"), "refused", "give up", false],
  ["401", answering(401), "gone", "give up", false],
  ["403", answering(403), "gone", "give up", false],
  ["404", answering(404), "gone", "give up", false],
  ["410", answering(410), "gone", "give up", false],
  ["413", answering(413), "too large", "give up", false],
  ["429 in seconds", answering(429, "", { "retry-after": "7" }), "busy", "wait 7s, then retry", false],
  ["429 without a wait", answering(429), "busy", "wait, then retry", false],
  ["500", answering(500, "<html>"), "failed", "steady retry", true],
  ["503 in seconds", answering(503, "", { "retry-after": "7" }), "busy", "wait 7s, then retry", true],
  ["a reset", cut, "unreachable", "", true],
  ["half an answer", halfClosed, "busy", "wait, then retry", true]
]

describe.each(Object.entries(kinds))("%s", (name, { make, ok }) => {
  const sending = (url: string, alerts: readonly [Alert.Alert, ...Array<Alert.Alert>] = [itemAlert()]) =>
    Effect.flatMap(make(`${url}/s3cret`), (sink) => sink.send(alerts, noMessage)).pipe(
      Effect.provide(FetchHttpClient.layer)
    )

  it.live("takes an alert in one request", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* serving(ok)
      yield* sending(url)
      assert.lengthOf(requests, 1)
      assert.include(requests[0]?.headers["content-type"], "application/json")
    })
  )

  for (const [what, handle, reason, verdict, isAmbiguous] of table) {
    it.live(`that is met with ${what} fails once, and says what that means`, () =>
      Effect.gen(function* () {
        const { requests, url } = yield* serving(handle)
        const error = yield* Effect.flip(sending(url))
        assert.deepStrictEqual([error.reason, error.isAmbiguous], [reason, isAmbiguous], error.message)
        if (verdict !== "") assert.strictEqual(error.verdict && Verdict.format(error.verdict), verdict)
        assert.lengthOf(requests, 1)
        assert.notInclude(`${error.message} ${error.stack} ${JSON.stringify(error)}`, "s3cret")
      })
    )
  }

  it.live("that nobody listens to fails, and was not taken", () =>
    Effect.gen(function* () {
      // The port of a server that has been stopped.
      const { url } = yield* Effect.scoped(serving(ok))
      const error = yield* Effect.flip(sending(url))
      assert.deepStrictEqual([error.reason, error.isAmbiguous], ["unreachable", false], error.message)
    })
  )

  it.live("shows no title, message or fact that is longer than it may be", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* serving(ok)
      const long = "é@everyone <!channel> ".repeat(5000)
      yield* sending(url, [itemAlert({ message: long, code: long, urls: [long, long], jobIds: [long] })])
      const kB = Buffer.byteLength(requests[0]?.body ?? "") / 1000
      if (name === "teams") assert.isBelow(kB, 28)
      if (name.startsWith("slack")) assert.isBelow(kB, 40)
    })
  )
})

describe("Slack", () => {
  const words: ReadonlyArray<readonly [status: number, word: string, reason: string]> = [
    [400, "invalid_blocks", "refused"],
    [404, "no_service", "gone"],
    [403, "action_prohibited", "gone"],
    [410, "channel_is_archived", "gone"],
    [500, "rollup_error", "failed"],
    [200, "invalid_payload", "refused"]
  ]
  for (const [status, word, reason] of words) {
    it.live(`that refuses with ${status} ${word} means ${reason}`, () =>
      Effect.gen(function* () {
        const { url } = yield* serving(answering(status, word))
        const send = SlackSink.make({ url: secret(url) }).send([itemAlert()], noMessage)
        const error = yield* Effect.flip(Effect.provide(send, FetchHttpClient.layer))
        assert.strictEqual(error.reason, reason)
        assert.include(error.message, word)
      })
    )
  }

  it("reads no mention, link or channel in what failures say", () => {
    const said = JSON.stringify(SlackWire.message(itemAlert({ urls: ["<!channel> <@U1> a&b"] })))
    assert.include(said, "&lt;!channel&gt; &lt;@U1&gt; a&amp;b")
    assert.notInclude(said, "<!channel>")
  })

  it.live("shows one message for an incident as a bot: posted, edited, and posted anew where it is gone", () =>
    Effect.gen(function* () {
      let isGone = false
      let ts = 0
      const { requests, url } = yield* serving(({ path }, response) => {
        const isMissing = path.endsWith("chat.update") && isGone
        if (path.endsWith("chat.postMessage")) ts++
        const body = isMissing ? { ok: false, error: "message_not_found" } : { ok: true, ts: String(ts), channel: "C9" }
        response.end(JSON.stringify(body))
      })
      const sink = SlackSink.bot({ token: secret("xoxb-1"), channel: "#ops", api: url })
      const messages = new Map<string, string>()
      const send = Effect.fnUntraced(function* (changes: Partial<Alert.Alert>) {
        const alert = itemAlert(changes)
        const receipt = yield* sink.send([alert], (incident) => messages.get(incident))
        messages.set(alert.incident, receipt?.id ?? "")
      }, Effect.provide(FetchHttpClient.layer))
      yield* send({})
      yield* send({ status: "reminder" })
      isGone = true
      yield* send({ status: "news" })
      isGone = false
      yield* send({ status: "resolved" })
      yield* send({ incident: "another" })
      assert.deepStrictEqual(
        requests.map(({ body, path }) => {
          const { channel, ts } = JSON.parse(body) as { readonly channel: string; readonly ts?: string }
          return [path, channel, ts]
        }),
        [
          ["/chat.postMessage", "#ops", undefined],
          ["/chat.update", "C9", "1"],
          ["/chat.update", "C9", "1"],
          ["/chat.postMessage", "#ops", undefined],
          ["/chat.update", "C9", "2"],
          ["/chat.postMessage", "#ops", undefined]
        ]
      )
      assert.strictEqual(requests[0]?.headers.authorization, "Bearer xoxb-1")
    })
  )

  it.live("says as a bot what a 200 with an error means", () =>
    Effect.gen(function* () {
      for (const [error, reason] of [
        ["ratelimited", "busy"],
        ["invalid_auth", "gone"],
        ["msg_too_long", "refused"],
        ["internal_error", "failed"]
      ]) {
        const { url } = yield* serving(answering(200, JSON.stringify({ ok: false, error })))
        const sink = SlackSink.bot({ token: secret("x"), channel: "C", api: url })
        const failed = yield* Effect.flip(Effect.provide(sink.send([itemAlert()], noMessage), FetchHttpClient.layer))
        assert.strictEqual(failed.reason, reason)
      }
    })
  )
})

describe("PagerDuty", () => {
  const routing = "r".repeat(32)

  it("opens and resolves one incident by its key", () => {
    const [opened, news, resolved] = (["opened", "news", "resolved"] as const).map((status) =>
      PagerDutyWire.body(itemAlert({ status }), routing, "shop")
    )
    assert.deepStrictEqual(
      [opened, news, resolved].map((event) => [event?.event_action, event?.dedup_key]),
      ["trigger", "trigger", "resolve"].map((action) => [action, itemAlert().incident])
    )
    assert.deepInclude(opened?.payload, { severity: "warning", source: "example.com", class: "website_access_denied" })
    assert.strictEqual(PagerDutyWire.body(jobAlert(), routing, "shop").payload.source, "shop")
  })

  it("keeps its limits: 255 characters of key, 1024 of summary, 512 kB in all", () => {
    const long = "x".repeat(600_000)
    const event = PagerDutyWire.body(itemAlert({ incident: long, message: long, urls: [long] }), routing, "shop")
    assert.isAtMost(event.dedup_key.length, 255)
    assert.isAtMost(event.payload.summary.length, 1024)
    assert.isTrue(event.payload.summary.endsWith("…"))
    assert.isAtMost(Buffer.byteLength(JSON.stringify(event)), 512 * 1024)
    assert.include(JSON.stringify(event.payload.custom_details), "left out")
    const other = PagerDutyWire.body(itemAlert({ incident: `${long}y` }), routing, "shop")
    assert.notStrictEqual(other.dedup_key, event.dedup_key)
  })
})

describe("Discord", () => {
  it("shows ten alerts within 6000 characters, and mentions nobody", () => {
    const long = "x".repeat(3000)
    const { allowed_mentions, embeds } = DiscordWire.body(
      Array.from({ length: 10 }, () => itemAlert({ code: long, message: long, urls: [long] }))
    )
    assert.deepStrictEqual(allowed_mentions, { parse: [] })
    assert.lengthOf(embeds, 10)
    const length = embeds.reduce(
      (sum, { description, fields, title }) =>
        sum +
        title.length +
        description.length +
        fields.reduce((all, { name, value }) => all + name.length + value.length, 0),
      0
    )
    assert.isAtMost(length, 6000)
  })

  it.live("asks whether the message was saved, and waits as its body says, in parts of a second", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* serving(
        answering(429, `{"message":"slow","retry_after":1.337,"global":false}`, { "retry-after": "2" })
      )
      const send = DiscordSink.make({ url: secret(`${url}/hook?thread_id=1`) }).send([itemAlert()], noMessage)
      const error = yield* Effect.flip(Effect.provide(send, FetchHttpClient.layer))
      assert.strictEqual(requests[0]?.path, "/hook?thread_id=1&wait=true")
      assert.deepStrictEqual(error.verdict, Verdict.throttled(Duration.millis(1337)))
    })
  )
})

describe("Teams", () => {
  it.live("that says in a 200 which status it means has refused", () =>
    Effect.gen(function* () {
      const { url } = yield* serving(
        answering(200, "Microsoft Teams endpoint returned HTTP error 429 with ContextId x")
      )
      const send = TeamsSink.make({ url: secret(url) }).send([itemAlert()], noMessage)
      assert.strictEqual((yield* Effect.flip(Effect.provide(send, FetchHttpClient.layer))).reason, "busy")
    })
  )

  it("reads no Markdown in what failures say", () => {
    const said = TeamsWire.body(itemAlert({ message: "[click](http://evil.example) **now**" }))
    assert.include(JSON.stringify(said), JSON.stringify(String.raw`\[click\]\(http://evil.example\) \*\*now\*\*`))
  })
})

describe("Alertmanager", () => {
  it.live("is told again while an alert fires, and for five minutes when it is over, each member", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* serving(answering(200)), yield* serving(answering(500))]
      yield* Effect.provide(telling(one, other), TestClock.layer())
    })
  )

  type Server = Effect.Success<ReturnType<typeof serving>>

  const telling = (one: Server, other: Server) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(itemAlert().at.epochMilliseconds)
      const sink = yield* AlertmanagerSink.make({ urls: [one.url, `${other.url}/`] })
      const ends = () =>
        one.requests.map(({ body }) => (JSON.parse(body) as ReadonlyArray<{ readonly endsAt: string }>)[0]?.endsAt)
      const turns = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 50)))
      const minutes = Effect.fnUntraced(function* (count: number) {
        for (let minute = 0; minute < count; minute++) {
          yield* TestClock.adjust("1 minute")
          // The answers of real servers take a moment of real time.
          yield* turns
        }
      })
      yield* sink.send([itemAlert()], noMessage)
      yield* minutes(3)
      assert.lengthOf(one.requests, 4)
      assert.deepStrictEqual(ends().slice(0, 2), ["2026-11-24T01:07:33.456Z", "2026-11-24T01:08:33.456Z"])
      yield* sink.send([itemAlert({ status: "resolved" })], noMessage)
      yield* minutes(8)
      assert.strictEqual(ends().at(-1), "2026-11-24T01:02:33.456Z")
      assert.isAtLeast(one.requests.length, 6)
      const last = one.requests.length
      yield* minutes(3)
      assert.lengthOf(one.requests, last)
      assert.lengthOf(other.requests, last)
      assert.strictEqual(one.requests[0]?.path, "/api/v2/alerts")
    }).pipe(Effect.scoped, Effect.provide(FetchHttpClient.layer))
})

describe("the console", () => {
  it.effect("shows a line for each alert, and no sign that would turn the terminal", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const sink = ConsoleSink.make({ stream: { write: (line: string) => lines.push(line) } })
      yield* sink.send([itemAlert({ message: "a\u001b[31m\nb\u202e" }), jobAlert({ status: "resolved" })], noMessage)
      assert.deepStrictEqual(lines, [
        "2026-11-24T01:02:33.456Z ALERT Warn: website_access_denied forbidden at example.com (12 failures): a [31m b \n",
        "2026-11-24T01:02:33.456Z ALERT Resolved: insufficient_balance (1 failure): insufficient_balance\n"
      ])
    })
  )
})

/** Waits until a server was asked so often. */
const arrived = (requests: ReadonlyArray<unknown>, count: number) =>
  Effect.repeat(
    Effect.sync(() => requests.length),
    { until: (length) => length >= count, schedule: Schedule.spaced("5 millis") }
  )

describe("a heartbeat", () => {
  it.live("is there while the program runs, and says that it failed", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* serving(answering(200))
      const program = Effect.andThen(arrived(requests, 2), Effect.fail("down"))
      const beating = Heartbeat.layer({ url: secret(`${url}/ping/1`), every: "1 millis" })
      yield* Effect.exit(Effect.provide(program, beating)).pipe(Effect.provide(FetchHttpClient.layer))
      const paths = requests.map(({ path }) => path)
      assert.isAtLeast(paths.filter((path) => path === "/ping/1").length, 2)
      assert.strictEqual(paths.at(-1), "/ping/1/fail")
    })
  )

  it.live("says that all is not well while a check says so, fails or dies", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* serving(answering(200))
      const checks = [Effect.succeed(true), Effect.succeed(false), Effect.fail("no"), Effect.die("bug")]
      let turn = 0
      const check = Effect.suspend(() => checks[turn++] ?? Effect.succeed(true))
      const beating = Heartbeat.layer({ url: secret(`${url}/p`), every: "1 millis", check })
      yield* Effect.provide(arrived(requests, 5), Layer.provide(beating, FetchHttpClient.layer))
      const paths = requests.map(({ path }) => path)
      assert.deepStrictEqual(paths.slice(0, 5), ["/p", "/p/fail", "/p/fail", "/p/fail", "/p"])
    })
  )
})
