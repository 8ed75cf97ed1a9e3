import { assert, describe, it } from "@effect/vitest"
import * as Alerter from "@redrive/alert/Alerter"
import * as Route from "@redrive/alert/Route"
import * as WebhookSink from "@redrive/alert/WebhookSink"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

const url = Redacted.make("https://hooks.example/s3cret")

// Called as an untyped program would call them.
const alerter = (options: unknown) => () => Alerter.layer(options as never)
const webhook = (options: object) => () => WebhookSink.layer({ url, ...options })

/** Refused options, and the message for each. */
const refused: ReadonlyArray<readonly [make: () => unknown, ...says: ReadonlyArray<string>]> = [
  [alerter({ groupwait: 1 }), "Alerter.layer:", "groupwait is unknown; allowed: routes, threshold, groupWait"],
  [
    alerter({ groupWait: "-1 second" }),
    `groupWait is "-1 second"; allowed: a duration that is not negative and has an end`
  ],
  [alerter({ groupWait: Duration.infinity }), "groupWait is Infinity; allowed"],
  [
    alerter({ threshold: 5, maxKeys: 0.5 }),
    "threshold is 5; allowed: Fatal",
    "maxKeys is 0.5; allowed: a whole number, 1 or more"
  ],
  [
    alerter({ routes: [{ name: "raw", sinks: ["a"] }] }),
    "routes is",
    "allowed: routes as Route.make or Route.fromJson make them"
  ],
  [alerter({ silences: [{ name: "s", match: {}, from: 2, until: 1, by: "me" }] }), "until after that"],
  [alerter({ inhibitions: [{ name: "i" }] }), "inhibitions is", "each with name, source, target and equal"],
  [webhook({ retries: 3 }), "WebhookSink:", "retries is unknown; allowed: url, secrets, attempts, backoff"],
  [webhook({ attempts: 0 }), "attempts is 0; allowed: a whole number, 1 or more"],
  [webhook({ backoff: -5, attemptTimeout: "soon" }), "backoff is -5; allowed", `attemptTimeout is "soon"; allowed`],
  [webhook({ url: undefined }), "url is missing; allowed: a Redacted http or https URL"],
  [webhook({ url: "https://hooks.example/s3cret" }), "url is a string; allowed: a Redacted"],
  [
    webhook({ url: Redacted.make("hooks.example/s3cret") }),
    "url is something else; allowed: a Redacted http or https URL"
  ],
  [() => WebhookSink.make({} as never), "url is missing"]
]

describe("options", () => {
  for (const [make, ...says] of refused) {
    it(`are refused when the adapter is made: ${says.join(", ")}`, () => {
      for (const one of says) assert.throws(make, one)
    })
  }

  it("that change nothing, or name what is not there, are refused", () => {
    const routes = Route.make([{ name: "all", sinks: ["x"] }])
    const sinks = { x: { send: () => Effect.void } }
    const silence = { name: "deploy", by: "ops", match: {}, routes: ["some"], from: 0, until: 1 } as const
    assert.throws(
      () => Alerter.layerOf(sinks, { routes, groupWait: 0, threshold: "Warn" }),
      "threshold, groupWait beside routes changes nothing: each route has its own"
    )
    assert.throws(
      () => Alerter.layerOf(sinks, { routes, silences: [silence] }),
      "no route has the name some; there are all"
    )
    assert.throws(() => Alerter.layerOf(sinks, { fallbacks: { x: "x" } }), "cannot stand in for itself: x")
  })

  it("are accepted when they are right", () => {
    Alerter.layer()
    Alerter.layer({ groupWait: "1 second", repeatInterval: Duration.days(1), maxKeys: 1, onLost: () => undefined })
    WebhookSink.layer({ url, attempts: 1, backoff: 0, attemptTimeout: "1 second", maxRetryAfter: Duration.zero })
  })
})

describe("Route.make", () => {
  it("names the route and the field that is wrong", () => {
    const wrong = (some: object) => () => Route.make([{ name: "a", sinks: ["x"], match: {}, ...some }])
    assert.throws(wrong({ match: { code: "x" } }), `Route.make: Expected no excess property at [0]["match"]["code"]`)
    assert.throws(wrong({ groupWait: "soon" }), `Route.make: Expected Duration at [0]["groupWait"]`)
    assert.throws(wrong({ escalation: { after: -1, sinks: ["b"] } }), `at [0]["escalation"]["after"]`)
    for (const field of ["levels", "codes", "actors", "hosts", "hours"])
      assert.throws(wrong({ match: { [field]: [] } }), "at least one; left out, it is any")
    assert.throws(wrong({ match: { not: {} } }), "it says no failure that is not meant")
  })

  it("takes durations in any form, however deep", () => {
    const opens = { _tag: "Within", failures: 2, time: "5 minutes" } as const
    const [route] = Route.make([
      { name: "a", sinks: ["x"], opens, groupWait: "1 second", escalation: { after: 90_000, sinks: ["b"] } }
    ])
    assert.deepStrictEqual(route?.groupWait, Duration.seconds(1))
    assert.deepStrictEqual(route?.opens, { ...opens, time: Duration.minutes(5) })
    assert.deepStrictEqual(route?.escalation?.after, Duration.seconds(90))
  })

  it("says what it does not match", () => {
    const routes = Route.make([{ name: "a", sinks: ["x"], match: { not: { severity: "Fatal" } } }])
    assert.include(Route.describe(routes)[0], 'a: every failure, but not severity "Fatal": x')
  })
})
