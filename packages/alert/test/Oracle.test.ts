import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text as textOf } from "node:stream/consumers"
import { assert, describe, it } from "@effect/vitest"
import type * as Alert from "@redrive/alert/Alert"
import * as AlertmanagerSink from "@redrive/alert/AlertmanagerSink"
import * as DiscordSink from "@redrive/alert/DiscordSink"
import * as PagerDutySink from "@redrive/alert/PagerDutySink"
import type { Service } from "@redrive/alert/Sink"
import * as SlackSink from "@redrive/alert/SlackSink"
import * as Program from "@redrive/testing/Program"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type * as HttpClient from "effect/http/HttpClient"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Schedule from "effect/Schedule"
import { itemAlert, noMessage } from "./samples.ts"

const program = "prometheus-alertmanager"
const key = "k".repeat(32)

interface Request {
  readonly path: string
  readonly method: string
  readonly type: string
  readonly body: Record<string, unknown>
}

/** Takes what any of the services is sent, as the service would. */
const services = Effect.gen(function* () {
  const requests: Array<Request> = []
  const url = yield* Program.serve(
    createServer(async (request, response) => {
      const { headers, method = "", url: path = "" } = request
      requests.push({ path, method, type: headers["content-type"] ?? "", body: JSON.parse(await textOf(request)) })
      if (path === "/slack") return void response.end("ok")
      if (path === "/pagerduty") return void response.writeHead(202).end('{"status":"success"}')
      response.writeHead(204).end()
    })
  )
  return { requests, url: url.replace(/\/$/, "") }
})

/** A real Alertmanager with a receiver of each kind. */
const alertmanager = Effect.fnUntraced(function* (url: string) {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "oracle-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const file = join(folder, "alertmanager.json")
  const both = { send_resolved: true }
  const config = {
    route: { receiver: "all", group_by: ["incident"], group_wait: "50ms", group_interval: "200ms" },
    receivers: [
      {
        name: "all",
        slack_configs: [{ ...both, api_url: `${url}/slack`, channel: "#alerts" }],
        pagerduty_configs: [{ ...both, routing_key: key, url: `${url}/pagerduty` }],
        discord_configs: [{ ...both, webhook_url: `${url}/discord` }]
      }
    ]
  }
  writeFileSync(file, JSON.stringify(config))
  const port = yield* Program.freePort
  const args = [
    `--config.file=${file}`,
    `--storage.path=${folder}`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--cluster.listen-address="
  ]
  yield* Program.run(program, { args, port })
  return `http://127.0.0.1:${port}`
})

const paths = ["/slack", "/pagerduty", "/discord"] as const

const patience = Schedule.max([Schedule.spaced("50 millis"), Schedule.recurs(200)])

/** What Alertmanager and our sinks send of one incident when it begins and when it ends. */
const told = (changes: Partial<Alert.Alert> = {}) =>
  Effect.gen(function* () {
    const [theirs, ours] = [yield* services, yield* services]
    const now = yield* DateTime.now
    const alert = itemAlert({ at: now, firstAt: now, lastAt: now, ...changes })
    const alerts = [alert, { ...alert, status: "resolved" as const }]

    const sink = yield* AlertmanagerSink.make({ urls: [yield* alertmanager(theirs.url)] })
    for (const [index, one] of alerts.entries()) {
      yield* Effect.retry(sink.send([one], noMessage), patience)
      const complete = Effect.suspend(() =>
        paths.every((path) => theirs.requests.filter((request) => request.path === path).length > index)
          ? Effect.void
          : Effect.fail("not yet")
      )
      yield* Effect.retry(complete, patience)
    }
    const sinks: ReadonlyArray<Service<HttpClient.HttpClient>> = [
      SlackSink.make({ url: Redacted.make(`${ours.url}/slack`) }),
      PagerDutySink.make({ routingKey: Redacted.make(key), url: `${ours.url}/pagerduty` }),
      DiscordSink.make({ url: Redacted.make(`${ours.url}/discord`) })
    ]
    for (const one of alerts) for (const { send } of sinks) yield* send([one], noMessage)

    const of = (requests: ReadonlyArray<Request>, path: (typeof paths)[number]) =>
      requests.filter((request) => request.path.startsWith(path))
    return (path: (typeof paths)[number]) => ({ theirs: of(theirs.requests, path), ours: of(ours.requests, path) })
  }).pipe(Effect.provide(FetchHttpClient.layer))

/** The paths of all fields of a body; `[]` stands for each element of a list. */
const fieldsOf = (value: unknown, path = ""): ReadonlyArray<string> => {
  if (Array.isArray(value)) return [...new Set(value.flatMap((one) => fieldsOf(one, `${path}[]`)))]
  if (!Predicate.isObject(value)) return [path]
  return Object.entries(value).flatMap(([name, one]) => fieldsOf(one, path === "" ? name : `${path}.${name}`))
}

/** The fields that only one of two bodies has. */
const differing = ({ ours, theirs }: { readonly [side in "ours" | "theirs"]: ReadonlyArray<Request> }) => {
  const [own, other] = [ours, theirs].map((all) => new Set(all.flatMap(({ body }) => fieldsOf(body))))
  return {
    ours: [...(own ?? [])].filter((name) => other?.has(name) !== true).toSorted(),
    theirs: [...(other ?? [])].filter((name) => own?.has(name) !== true).toSorted()
  }
}

const PagerDuty = Schema.Struct({
  routing_key: Schema.Literal(key),
  event_action: Schema.Literals(["trigger", "resolve"]),
  dedup_key: Schema.String.check(Schema.isMaxLength(255)),
  payload: Schema.Struct({
    summary: Schema.NonEmptyString.check(Schema.isMaxLength(1024)),
    source: Schema.NonEmptyString,
    severity: Schema.Literals(["critical", "error", "warning", "info"])
  })
})

const Discord = Schema.Struct({
  embeds: Schema.NonEmptyArray(
    Schema.Struct({
      title: Schema.NonEmptyString.check(Schema.isMaxLength(256)),
      description: Schema.String.check(Schema.isMaxLength(4096)),
      color: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffff }))
    })
  )
})

const read = <A>(schema: Schema.Decoder<A>, requests: ReadonlyArray<Request>) =>
  requests.map(({ body }) => Schema.decodeUnknownSync(schema)(body))

describe.skipIf(Program.isMissing(program, program))("what a real Alertmanager sends of the same incident", () => {
  it.live("is like what our sinks send, but for the fields that are listed here", () =>
    Effect.gen(function* () {
      const sent = yield* told()
      for (const path of paths) {
        const { ours, theirs } = sent(path)
        const about = ({ method, type }: Request) => [method, type]
        assert.deepStrictEqual(ours.map(about), theirs.map(about), path)
      }

      // Where its messages are attachments, which Slack calls outdated, ours are blocks. The webhook chooses channel and name.
      assert.deepStrictEqual(differing(sent("/slack")), {
        ours: [
          "blocks[].fields[].text",
          "blocks[].fields[].type",
          "blocks[].text.text",
          "blocks[].text.type",
          "blocks[].type",
          "text",
          "unfurl_links",
          "unfurl_media"
        ],
        theirs: [
          "attachments[].callback_id",
          "attachments[].color",
          "attachments[].fallback",
          "attachments[].footer",
          "attachments[].mrkdwn_in[]",
          "attachments[].text",
          "attachments[].title",
          "attachments[].title_link",
          "channel",
          "username"
        ]
      })

      const events = sent("/pagerduty")
      // It links to its own page, which we do not have; our details are fields and not one text.
      const { ours, theirs } = differing(events)
      assert.deepStrictEqual(
        theirs.filter((name) => !name.startsWith("payload.custom_details.")),
        ["client", "client_url"]
      )
      assert.deepStrictEqual(
        ours.filter((name) => !name.startsWith("payload.custom_details.")),
        ["payload.class", "payload.component", "payload.group", "payload.timestamp"]
      )
      for (const side of [events.theirs, events.ours]) {
        const [first, last] = read(PagerDuty, side)
        assert.deepStrictEqual([first?.event_action, last?.event_action], ["trigger", "resolve"])
        assert.strictEqual(first?.dedup_key, last?.dedup_key)
      }

      const messages = sent("/discord")
      // An empty content is the same as none. Ours asks for the answer, so that a message that Discord refuses is known to be.
      assert.deepStrictEqual(differing(messages), {
        ours: ["embeds[].fields[].inline", "embeds[].fields[].name", "embeds[].fields[].value", "embeds[].timestamp"],
        theirs: ["content"]
      })
      assert.deepStrictEqual(
        messages.ours.map(({ path }) => path),
        ["/discord?wait=true", "/discord?wait=true"]
      )
      for (const side of [messages.theirs, messages.ours]) {
        const [first, last] = read(Discord, side)
        assert.notStrictEqual(first?.embeds[0].color, last?.embeds[0].color)
      }
    })
  )

  it.live("is within PagerDuty's limits as ours is, and ours is within Discord's, however long the texts are", () =>
    Effect.gen(function* () {
      const long = { message: "m".repeat(9000), incident: `item/${"i".repeat(900)}`, code: "c".repeat(900) }
      const sent = yield* told(long)
      for (const side of ["theirs", "ours"] as const) assert.lengthOf(read(PagerDuty, sent("/pagerduty")[side]), 2)
      // Alertmanager 0.25 cuts nothing for Discord, which then refuses the message.
      assert.lengthOf(read(Discord, sent("/discord").ours), 2)
    })
  )
})
