import { assert, describe, it } from "@effect/vitest"
import * as Alerter from "@redrive/alert/Alerter"
import * as ItemError from "@redrive/core/ItemError"
import * as EmailSink from "@redrive/email/EmailSink"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import { mailbox } from "./server.ts"

const tell = (host: string) =>
  ErrorReporter.report(
    Cause.fail(
      new ItemError.ItemError({ url: `https://${host}/`, reason: new ItemError.HostReturnedError({ status: 503 }) })
    )
  )

/** An alerter that tells of everything at once by email, and waits little. */
const alerting = (url: string, options: Partial<EmailSink.Options> = {}) => {
  const email = EmailSink.make({
    transport: Redacted.make(url),
    from: "alerts@shop.example",
    to: ["one@example.com", "two@example.com"],
    pace: 0,
    backoff: "10 millis",
    greylistWait: "20 millis",
    ...options
  })
  return Alerter.layerOf({ email }, { threshold: "Trace", groupWait: "30 millis", onLost: () => undefined }).pipe(
    Layer.provide(Logger.layer([]))
  )
}

const until = (isSo: () => boolean) =>
  Effect.suspend(() => (isSo() ? Effect.void : Effect.fail("not yet"))).pipe(
    Effect.retry(Schedule.spaced("5 millis")),
    Effect.timeout("30 seconds")
  )

/** Waits in real time for what a real server does. */
const moment = (isSo: () => boolean) =>
  Effect.promise(async () => {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5))
  })

describe("an alerter with email", () => {
  it.live("tells of a burst in few emails, which are paced", () =>
    Effect.gen(function* () {
      const { received, url } = yield* mailbox()
      const tellHosts = (from: number, to: number) =>
        Effect.forEach(Array.from({ length: to - from }), (_, n) => tell(`${from + n}.example`), { discard: true })
      yield* Effect.gen(function* () {
        yield* tellHosts(0, 40)
        yield* TestClock.adjust("30 millis")
        yield* moment(() => received.length === 1)
        for (let second = 0; second < 10; second++) {
          yield* tellHosts(40 + second, 41 + second)
          yield* TestClock.adjust("900 millis")
        }
        yield* TestClock.adjust("1 second")
        yield* moment(() => received.length === 2)
      }).pipe(Effect.provide(alerting(url, { pace: "10 seconds" }).pipe(Layer.provideMerge(TestClock.layer()))))
      assert.deepStrictEqual(
        received.map(({ mail }) => mail.subject),
        ["[Warn] 40 alerts: 40 opened", "[Warn] 10 alerts: 10 opened"]
      )
    })
  )

  it.live.each(["451 4.7.1 greylisted", "421 4.3.2 busy", "450 4.2.0 later"])(
    "tries an email again that is met with %s, and sends it once",
    (reply) =>
      Effect.gen(function* () {
        let refusals = 2
        const { connections, received, url } = yield* mailbox({
          data: () => (refusals-- > 0 ? reply : undefined)
        })
        yield* Effect.andThen(
          tell("a.example"),
          until(() => received.length > 0)
        ).pipe(Effect.provide(alerting(url)))
        assert.lengthOf(received, 1)
        // One of them is the check at the start.
        assert.strictEqual(connections(), 4)
      })
  )

  it.live("sends an email again only to those who have not had it", () =>
    Effect.gen(function* () {
      let refusals = 2
      const { received, url } = yield* mailbox({
        recipient: (address) => (address.startsWith("two") && refusals-- > 0 ? "450 4.2.0 greylisted" : undefined)
      })
      yield* Effect.andThen(
        tell("a.example"),
        until(() => received.length > 1)
      ).pipe(Effect.provide(alerting(url)))
      assert.deepStrictEqual(
        received.map(({ recipients }) => recipients),
        [["one@example.com"], ["two@example.com"]]
      )
      assert.lengthOf(new Set(received.map(({ mail }) => mail.messageId)), 1)
    })
  )

  it.live("finds the alert that a server does not take, and sends the others", () =>
    Effect.gen(function* () {
      const taken: Array<string> = []
      const { url } = yield* mailbox({
        onData: (stream, _, done) => {
          let raw = ""
          stream.on("data", (chunk: Buffer) => void (raw += chunk.toString()))
          stream.on("end", () => {
            if (raw.includes("poison.example")) return done(Object.assign(new Error("spam"), { responseCode: 554 }))
            taken.push(raw)
            done()
          })
        }
      })
      const hosts = ["a.example", "poison.example", "b.example", "c.example"]
      const isTaken = (host: string) => taken.some((raw) => raw.includes(host))
      yield* Effect.andThen(
        Effect.forEach(hosts, tell),
        until(() => hosts.every((host) => host.startsWith("poison") || isTaken(host)))
      ).pipe(Effect.provide(alerting(url)))
    })
  )

  it.live("sends what waits when its scope closes", () =>
    Effect.gen(function* () {
      const { received, url } = yield* mailbox()
      yield* Effect.provide(tell("a.example"), alerting(url, { pace: "1 hour" }))
      assert.lengthOf(received, 1)
    })
  )

  it.live("ends with its scope though a server hangs", () =>
    Effect.gen(function* () {
      const { connections, sockets, url } = yield* mailbox({ onData: () => undefined })
      const layer = Alerter.layerOf(
        { email: EmailSink.make({ transport: Redacted.make(url), from: "a@a.example", to: ["one@example.com"] }) },
        { threshold: "Trace", groupWait: 0, flushTimeout: "100 millis", onLost: () => undefined }
      ).pipe(Layer.provide(Logger.layer([])))
      yield* Effect.andThen(
        tell("a.example"),
        until(() => connections() > 0)
      ).pipe(Effect.provide(layer))
      yield* until(() => sockets.size === 0)
    })
  )
})
