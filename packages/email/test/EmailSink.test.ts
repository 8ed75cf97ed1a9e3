import { assert, describe, it } from "@effect/vitest"
import type { Alert } from "@redrive/alert/Alert"
import type { SinkError } from "@redrive/alert/Sink"
import * as Verdict from "@redrive/core/Verdict"
import * as EmailSink from "@redrive/email/EmailSink"
import * as Program from "@redrive/testing/Program"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import { createServer, type Socket } from "node:net"
import { createTransport } from "nodemailer"
import { createTransport as createLowest } from "nodemailer-10.5"
import { alertOf, itemAlert, noMessage } from "./samples.ts"
import { mailbox } from "./server.ts"

const [one, two] = ["one@example.com", "two@example.com"] as const

const sinkOf = (url: string, options: Partial<EmailSink.Options> = {}) =>
  EmailSink.make({ transport: Redacted.make(url), from: "Alerts <alerts@shop.example>", to: [one, two], ...options })

const send = (
  url: string,
  options?: Partial<EmailSink.Options>,
  alerts: readonly [Alert, ...Array<Alert>] = [itemAlert()]
) => Effect.suspend(() => sinkOf(url, options).send(alerts, noMessage))

const check = (url: string) => sinkOf(url).check ?? Effect.void

const until = (isSo: () => boolean) =>
  Effect.suspend(() => (isSo() ? Effect.void : Effect.fail("not yet"))).pipe(
    Effect.retry(Schedule.spaced("5 millis")),
    Effect.timeout("30 seconds")
  )

/** A server of few words: it gets the lines of a client, and what it answers is written. */
const scripted = Effect.fnUntraced(function* (answer: (line: string, socket: Socket) => string | undefined) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket)).on("error", () => undefined)
    const reply = (line: string) => {
      const text = answer(line, socket)
      if (text !== undefined) socket.write(`${text}\r\n`)
    }
    let rest = ""
    reply("connected")
    socket.on("data", (chunk) => {
      const lines = `${rest}${chunk.toString()}`.split("\r\n")
      rest = lines.pop() ?? ""
      lines.forEach(reply)
    })
  })
  const url = yield* Program.serve({
    listen: (port, host, listening) => server.listen(port, host, listening),
    address: () => server.address(),
    close: (closed) => server.close(closed),
    closeAllConnections: () => sockets.forEach((socket) => socket.destroy())
  })
  return { url: `smtp://127.0.0.1:${new URL(url).port}`, sockets }
})

/** What a server says that takes everything, up to the end of the email. */
const polite: { readonly [command: string]: string } = {
  connected: "220 ready",
  EHLO: "250 mail",
  MAIL: "250 ok",
  RCPT: "250 ok",
  DATA: "354 go on",
  ".": "250 taken",
  QUIT: "221 bye"
}

/** A polite server, but at one command. */
const at = (command: string, act: (socket: Socket) => string | undefined) =>
  scripted((line, socket) => {
    const word = line === "." || line === "connected" ? line : (/^(EHLO|MAIL|RCPT|DATA|QUIT)\b/.exec(line)?.[1] ?? "")
    return word === command ? act(socket) : polite[word]
  })

describe("an alert by email", () => {
  it.live("comes as text and HTML, to all, with the headers of a message by a machine", () =>
    Effect.gen(function* () {
      const { received, url } = yield* mailbox()
      yield* send(url, { prefix: "shop", replyTo: "ops@shop.example" })
      assert.lengthOf(received, 1)
      const [{ mail, recipients } = assert.fail()] = received
      assert.deepStrictEqual(recipients, [one, two])
      assert.strictEqual(mail.subject, "[shop] [Warn] website_access_denied at example.com")
      assert.deepStrictEqual(mail.from?.value, [{ address: "alerts@shop.example", name: "Alerts" }])
      assert.strictEqual(mail.replyTo?.text, "ops@shop.example")
      assert.strictEqual(mail.headers.get("auto-submitted"), "auto-generated")
      assert.strictEqual(mail.headers.get("x-auto-response-suppress"), "All")
      assert.strictEqual(mail.date?.toISOString(), "2026-11-24T01:02:33.000Z")
      assert.match(mail.messageId ?? "", /^<alert\.[0-9a-f]{32}@shop\.example>$/)
      assert.match(mail.inReplyTo ?? "", /^<incident\.[0-9a-f]{32}@shop\.example>$/)
      for (const body of [mail.text, mail.html || ""])
        for (const said of ["forbidden 403 at https://example.com/a", "12 failures", "2026-11-24T01:02:31.002Z", "j1"])
          assert.include(body, said)
    })
  )

  it.live.each([
    ["newest", (url: string) => createTransport({ url, pool: true })],
    ["lowest", (url: string) => createLowest({ url, pool: true })]
  ] as const)("goes through a transporter of the user's, of the %s version, which stays theirs", ([, create]) =>
    Effect.gen(function* () {
      const { received, url } = yield* mailbox()
      const transport = create(url)
      yield* send(url, { transport })
      yield* Effect.promise(() => transport.sendMail({ from: one, to: two, subject: "own", text: "own" }))
      transport.close()
      assert.deepStrictEqual(
        received.map(({ mail }) => mail.subject),
        ["[Warn] website_access_denied at example.com", "own"]
      )
    })
  )

  it.live("goes over TLS if the URL says so", () =>
    Effect.gen(function* () {
      const { received, url } = yield* mailbox({
        options: {
          disabledCommands: [],
          onMailFrom: (_, { secure }, done) => done(secure ? undefined : new Error("in the clear"))
        }
      })
      yield* send(`${url}?requireTLS=true&tls.rejectUnauthorized=false`)
      assert.lengthOf(received, 1)
    })
  )

  it.live("keeps what failures say in its place: no header, no recipient, no element", () =>
    Effect.gen(function* () {
      const { received, url } = yield* mailbox()
      const evil = "x\r\nBcc: evil@example.com\r\n\r\n<script>alert(1)</script>\u202e"
      yield* send(url, { prefix: evil }, [
        itemAlert({ code: evil, host: evil, message: evil, route: evil, incident: evil, urls: [evil], jobIds: [evil] })
      ])
      const [{ mail, raw, recipients } = assert.fail()] = received
      assert.deepStrictEqual(recipients, [one, two])
      assert.isUndefined(mail.bcc)
      assert.notMatch(raw.split("\r\n\r\n")[0] ?? "", /^bcc:/im)
      assert.notInclude(mail.html || "", "<script>")
      assert.notInclude(`${mail.subject} ${mail.text} ${mail.html}`, "\u202e")
      assert.isAtMost(mail.subject?.length ?? 0, 200)
    })
  )

  it.live("with 100 others is one email", () =>
    Effect.gen(function* () {
      const { received, url } = yield* mailbox()
      const rest = Array.from({ length: 99 }, (_, n) => alertOf(n))
      yield* send(url, {}, [itemAlert(), ...rest])
      const [{ mail } = assert.fail(), ...others] = received
      assert.lengthOf(others, 0)
      assert.strictEqual(mail.subject, "[Warn] 100 alerts: 100 opened")
      assert.isUndefined(mail.inReplyTo)
      assert.include(mail.text, "98.example")
    })
  )
})

describe("a recipient that is refused", () => {
  const warned: Array<string> = []
  const listening = Logger.layer([Logger.make(({ message }) => void warned.push(JSON.stringify(message)))])

  it.live("for good does not stop the others, who get it once; the log says who has not", () =>
    Effect.gen(function* () {
      warned.length = 0
      const { received, url } = yield* mailbox({
        recipient: (address) => (address === two ? "550 5.1.1 unknown" : undefined)
      })
      const sink = sinkOf(url)
      yield* sink.send([itemAlert()], noMessage)
      assert.deepStrictEqual(
        received.map(({ recipients }) => recipients),
        [[one]]
      )
      assert.lengthOf(warned, 1)
      assert.include(warned[0], two)
    }).pipe(Effect.provide(listening))
  )

  it.live("for now is the only one that gets it later, with the same Message-ID", () =>
    Effect.gen(function* () {
      let isGreylisted = true
      const { received, url } = yield* mailbox({
        recipient: (address) => (address === two && isGreylisted ? "450 4.2.0 greylisted" : undefined)
      })
      const sink = sinkOf(url, { greylistWait: "5 minutes" })
      const error = yield* Effect.flip(sink.send([itemAlert()], noMessage))
      assert.deepStrictEqual([error.reason, error.isAmbiguous], ["busy", false])
      assert.strictEqual(error.verdict && Verdict.format(error.verdict), "wait 5m, then retry")
      // Still: those who have it do not get it again.
      yield* Effect.flip(sink.send([itemAlert()], noMessage))
      isGreylisted = false
      yield* sink.send([itemAlert(), alertOf(1)], noMessage)
      const seen = received.map(({ mail, recipients }) => [recipients, mail.subject])
      assert.deepStrictEqual(seen, [
        [[one], "[Warn] website_access_denied at example.com"],
        [[one], "[Warn] website_access_denied at 1.example"],
        [[two], "[Warn] 2 alerts: 2 opened"]
      ])
    })
  )

  it.live("for now gets the same email later", () =>
    Effect.gen(function* () {
      let refusals = 1
      const { received, url } = yield* mailbox({
        recipient: (address) => (address === two && refusals-- > 0 ? "450 4.2.0 greylisted" : undefined)
      })
      const sink = sinkOf(url)
      yield* Effect.flip(sink.send([itemAlert()], noMessage))
      yield* sink.send([itemAlert()], noMessage)
      assert.deepStrictEqual(
        received.map(({ recipients }) => recipients),
        [[one], [two]]
      )
      assert.strictEqual(received[0]?.mail.messageId, received[1]?.mail.messageId)
    })
  )

  it.live("for now, and then for good, is given up", () =>
    Effect.gen(function* () {
      warned.length = 0
      const replies = ["450 4.2.0 later", "550 5.1.1 unknown"]
      const { received, url } = yield* mailbox({
        recipient: (address) => (address === two ? replies.shift() : undefined)
      })
      const sink = sinkOf(url)
      yield* Effect.flip(sink.send([itemAlert()], noMessage))
      yield* sink.send([itemAlert()], noMessage)
      assert.lengthOf(received, 1)
      assert.lengthOf(warned, 1)
    }).pipe(Effect.provide(listening))
  )

  it.live("for ten minutes is given up", () =>
    Effect.gen(function* () {
      const { received, url } = yield* mailbox({
        recipient: (address) => (address === two ? "450 4.2.0 greylisted" : undefined)
      })
      const sink = sinkOf(url)
      yield* Effect.flip(sink.send([itemAlert()], noMessage))
      yield* TestClock.adjust("9 minutes")
      yield* Effect.flip(sink.send([itemAlert()], noMessage))
      yield* TestClock.adjust("1 minute")
      yield* sink.send([itemAlert()], noMessage)
      assert.lengthOf(received, 1)
    }).pipe(Effect.provide(TestClock.layer()))
  )
})

/** What a server does, and what it means: the reason, the verdict, and whether the alert may have been taken. */
const table: ReadonlyArray<
  readonly [
    what: string,
    command: string,
    act: (socket: Socket) => string | undefined,
    reason: SinkError["reason"],
    verdict: string,
    isAmbiguous: boolean
  ]
> = [
  ["a greeting of 421", "connected", () => "421 4.3.2 too many connections", "busy", "wait, then retry", false],
  ["a greeting of 554", "connected", () => "554 5.7.1 no mail here", "gone", "give up", false],
  ["greylisting", "RCPT", () => "451 4.7.1 greylisted", "busy", "wait 1m, then retry", false],
  ["421 in mid-session", "RCPT", (socket) => void socket.end("421 4.4.2 bye\r\n"), "busy", "wait, then retry", false],
  ["a refused sender", "MAIL", () => "550 5.7.1 not you", "gone", "give up", false],
  ["no recipient that is known", "RCPT", () => "550 5.1.1 unknown", "gone", "give up", false],
  ["a login that is missing", "MAIL", () => "530 5.7.0 log in", "gone", "give up", false],
  ["a refused text", ".", () => "554 5.7.1 spam", "refused", "give up", false],
  ["a failed check of its sender", ".", () => "550 5.7.26 no DMARC", "gone", "give up", false],
  ["a text that is too large", ".", () => "552 5.3.4 too big", "too large", "give up", false],
  ["451 at its end", ".", () => "451 4.3.0 later", "busy", "wait 1m, then retry", false],
  ["421 at its end", ".", (socket) => void socket.end("421 4.4.2 bye\r\n"), "busy", "wait, then retry", false],
  ["a reset before its text", "DATA", (socket) => void socket.destroy(), "unreachable", "steady retry", false],
  ["a reset after its text", ".", (socket) => void socket.destroy(), "unreachable", "steady retry", true],
  ["no greeting", "connected", () => undefined, "timeout", "steady retry", false],
  ["no answer before its text", "RCPT", () => undefined, "timeout", "steady retry", false],
  ["no answer after its text", ".", () => undefined, "timeout", "steady retry", true],
  ["nonsense", "connected", () => "hello", "failed", "steady retry", false]
]

describe("an attempt that is met with", () => {
  for (const [what, command, act, reason, verdict, isAmbiguous] of table) {
    it.live(`${what} says what that means, and closes its connection`, () =>
      Effect.gen(function* () {
        const { sockets, url } = yield* at(command, act)
        const error = yield* Effect.flip(send(url, { attemptTimeout: "300 millis" }))
        assert.deepStrictEqual(
          [error.reason, error.verdict && Verdict.format(error.verdict), error.isAmbiguous],
          [reason, verdict, isAmbiguous],
          error.message
        )
        yield* until(() => sockets.size === 0)
      })
    )
  }

  it.live("a closed port says that nobody listens", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(send(`smtp://127.0.0.1:${yield* Program.freePort}`))
      assert.deepStrictEqual([error.reason, error.isAmbiguous], ["unreachable", false])
    })
  )

  it.live("a refused login says so without the login", () =>
    Effect.gen(function* () {
      const { url } = yield* mailbox({
        options: {
          authOptional: false,
          allowInsecureAuth: true,
          onAuth: (_, __, done) => done(Object.assign(new Error("no"), { responseCode: 535 }))
        }
      })
      const error = yield* Effect.flip(send(url.replace("//", "//user:s3cret@")))
      assert.strictEqual(error.reason, "gone")
      assert.notInclude(`${error.message} ${error.stack} ${JSON.stringify(error)}`, "s3cret")
      // The check at the start finds it without an email.
      const checked = yield* Effect.flip(check(url.replace("//", "//user:s3cret@")))
      assert.deepStrictEqual([checked.reason, checked.message.includes("s3cret")], ["gone", false])
    })
  )

  it.live("the check at the start sends nothing", () =>
    Effect.gen(function* () {
      const { connections, received, url } = yield* mailbox()
      yield* check(url)
      assert.deepStrictEqual([connections(), received.length], [1, 0])
      const error = yield* Effect.flip(check(`smtp://127.0.0.1:${yield* Program.freePort}`))
      assert.strictEqual(error.reason, "unreachable")
    })
  )

  it.live("its own end closes its connection", () =>
    Effect.gen(function* () {
      const { sockets, url } = yield* at("RCPT", () => undefined)
      const fiber = yield* Effect.forkChild(send(url))
      yield* until(() => sockets.size === 1)
      yield* Fiber.interrupt(fiber)
      yield* until(() => sockets.size === 0)
    })
  )

  it.live("its own end, while the server thinks, waits for the answer: it is not sent twice", () =>
    Effect.gen(function* () {
      const ids: Array<string> = []
      let isThinking = false
      const { url } = yield* mailbox({
        onData: (stream, _, done) => {
          stream.resume().once("end", () => {
            isThinking = true
            setTimeout(() => {
              ids.push("taken")
              done()
            }, 100)
          })
        }
      })
      const sink = sinkOf(url)
      const fiber = yield* Effect.forkChild(sink.send([itemAlert()], noMessage))
      yield* until(() => isThinking)
      yield* Fiber.interrupt(fiber)
      yield* sink.send([itemAlert()], noMessage)
      assert.lengthOf(ids, 1)
    })
  )

  it.live("a certificate that nobody knows says that it is not trusted", () =>
    Effect.gen(function* () {
      const { received, url } = yield* mailbox({ options: { disabledCommands: [] } })
      const error = yield* Effect.flip(send(`${url}?requireTLS=true`))
      assert.strictEqual(error.reason, "unreachable")
      assert.lengthOf(received, 0)
    })
  )
})
