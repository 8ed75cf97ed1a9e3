import { assert, describe, it } from "@effect/vitest"
import * as Address from "../src/page/Address.ts"

describe("a private host", () => {
  const hosts = [
    "127.0.0.1",
    "127.9.9.9",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "0.0.0.0",
    "100.64.0.1",
    "[::1]",
    "[fe80::1]",
    "[fd00::1]",
    "[::ffff:127.0.0.1]",
    "[::7f00:1]",
    "[::808:808]",
    "[64:ff9b::7f00:1]",
    "[1234::1]",
    "[2001:db8::1]",
    "[2002:7f00:1::]",
    "[4000::1]",
    "[8000::1]",
    "[fec0::1]",
    "localhost",
    "LOCALHOST",
    "app.localhost"
  ]
  for (const host of hosts) it(`is ${host}`, () => assert.isTrue(Address.isPrivateHost(host)))

  for (const host of [
    "93.184.216.34",
    "[2606:2800:220:1::1]",
    "[::ffff:1.1.1.1]",
    "example.com",
    "localhost.example.com"
  ]) {
    it(`is not ${host}`, () => assert.isFalse(Address.isPrivateHost(host)))
  }

  it("written as browsers allow it is known once the URL is parsed", () => {
    for (const url of ["http://2130706433/", "http://0x7f.1/", "http://017700000001/"]) {
      assert.isTrue(Address.isPrivateHost(new URL(url).hostname), url)
    }
  })
})

describe("a name", () => {
  it("whose address is private is not connected to", () =>
    new Promise<void>((resolve) => {
      Address.publicLookup("localhost", { all: true }, (error) => {
        assert.strictEqual(error?.code, Address.privateAddress)
        resolve()
      })
    }))
})
