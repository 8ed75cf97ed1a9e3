import { assert, describe, it } from "@effect/vitest"
import type { Alert } from "@redrive/alert/Alert"
import * as Alerter from "@redrive/alert/Alerter"
import { Sink } from "@redrive/alert/Sink"
import * as Conformance from "@redrive/testing/Conformance"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"

const sendOf = (sink: Conformance.Sink, sent: number): Effect.Effect<void> => {
  switch (sink) {
    case "sound":
      return Effect.void
    case "throws":
      throw new Error("no")
    case "rejects":
      return Effect.die(new Error("no"))
    case "never settles":
      return Effect.never
    case "full":
      return sent < 5 ? Effect.void : Effect.die(new Error("full"))
  }
}

const adapterOf = (sink: Conformance.Sink): Conformance.Adapter => {
  const taken: Array<string> = []
  let sent = 0
  let lost = 0
  const send = (alerts: ReadonlyArray<Alert>) =>
    Effect.map(sendOf(sink, sent++), () => {
      // An alert is about as many failures as it counts.
      for (const { count, ...alert } of alerts) for (let one = 0; one < count; one++) taken.push(JSON.stringify(alert))
    })
  const onLost = (count: number) => void (lost += count)
  const options = { threshold: "Info", groupWait: "1 millis", flushTimeout: "10 millis", onLost } as const
  const layer = Alerter.layer(options).pipe(
    Layer.provide(Layer.succeed(Sink, { send })),
    Layer.provide(Logger.layer([]))
  )
  return { layer, taken: () => taken.splice(0), lost: () => lost }
}

describe("Alerter.layer changes nothing, and hears all", () => {
  it.live.each(Conformance.tests(adapterOf))("%s", ([, check]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* check, [])
    })
  )
})
