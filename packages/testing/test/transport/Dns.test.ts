import { createSocket } from "node:dgram"
import { promises as dns } from "node:dns"
import { assert, describe, it } from "@effect/vitest"
import * as Program from "@redrive/testing/Program"
import * as Effect from "effect/Effect"
import { lookupWith, meaning } from "./client.ts"

const withoutDnsmasq = Program.isMissing("dnsmasq", "dnsmasq-base")

/** A request to a name that is looked up at a DNS server of 127.0.0.1. */
const ask = (name: string, port: number) => {
  const resolver = new dns.Resolver({ timeout: 200, tries: 1 })
  resolver.setServers([`127.0.0.1:${port}`])
  return meaning(`http://${name}/`, { connect: { lookup: lookupWith((host) => resolver.resolve4(host)) } })
}

const dnsmasq = Effect.fnUntraced(function* () {
  const port = yield* Program.freePort
  const zone = [
    "--address=/nowhere.test/",
    "--address=/six.test/::1",
    "--local=/six.test/",
    "--address=/refused.test/127.0.0.1"
  ]
  const alone = ["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file="]
  const local = [`--port=${port}`, "--listen-address=127.0.0.1", "--bind-interfaces", "--user=", "--group="]
  yield* Program.run("dnsmasq", { args: [...alone, ...local, ...zone], port })
  return port
})

describe.skipIf(withoutDnsmasq)("a name, looked up at dnsmasq", () => {
  it.live("that does not exist is not found", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* ask("nowhere.test", yield* dnsmasq()), "name_not_resolved/dns_not_found")
    })
  )

  it.live("that has no address of the family is not found", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* ask("six.test", yield* dnsmasq()), "name_not_resolved/dns_not_found")
    })
  )

  it.live("that the server will not answer for cannot be resolved now", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* ask("elsewhere.example", yield* dnsmasq()), "name_not_resolved/dns_unavailable")
    })
  )

  it.live("that resolves to where nothing listens is a refused connection", () =>
    Effect.gen(function* () {
      const server = yield* dnsmasq()
      const closed = yield* Program.freePort
      assert.strictEqual(yield* ask(`refused.test:${closed}`, server), "name_not_resolved/connection_refused")
    })
  )
})

/** A DNS server that answers every question with a code of RFC 1035, or not at all. */
const answering = (rcode: number | undefined) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createSocket>>((resume) => {
      const socket = createSocket("udp4", (question, { address, port }) => {
        if (rcode === undefined) return
        const answer = Buffer.from(question)
        answer.writeUInt16BE(0x8000 | rcode, 2)
        socket.send(answer, port, address)
      })
      socket.bind(0, "127.0.0.1", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.callback<void>((resume) => void socket.close(() => resume(Effect.void)))
  ).pipe(Effect.map((socket) => socket.address().port))

describe("a DNS server that is in trouble", () => {
  const rows: ReadonlyArray<readonly [what: string, rcode: number | undefined]> = [
    ["does not understand (FORMERR)", 1],
    ["fails (SERVFAIL)", 2],
    ["does not implement it (NOTIMP)", 4],
    ["refuses (REFUSED)", 5],
    ["is silent", undefined]
  ]
  for (const [what, rcode] of rows) {
    it.live(`${what}: cannot be resolved now`, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* ask("any.test", yield* answering(rcode)), "name_not_resolved/dns_unavailable")
      })
    )
  }

  it.live("is not there: cannot be resolved now, and is no refused connection", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* ask("any.test", yield* Program.freePort), "name_not_resolved/dns_unavailable")
    })
  )
})

describe("the machine's own resolver", () => {
  it.live("knows no name with a label that is too long", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* meaning(`http://${"x".repeat(64)}.invalid/`), "name_not_resolved/dns_not_found")
    })
  )
})
