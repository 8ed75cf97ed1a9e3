import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Program from "@redrive/testing/Program"
import * as Effect from "effect/Effect"
import { meaning } from "./client.ts"
import { serveRaw } from "./raw.ts"

const isMissing = [Program.isMissing("nginx", "nginx-light"), Program.isMissing("openssl", "openssl")].includes(true)

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "redrive-tls-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

/** A key and a certificate for a name; `days` from now it ends. Without an issuer it signs itself. */
const certificate = Effect.fnUntraced(function* (
  path: string,
  name: string,
  host: string,
  options: { readonly days?: number; readonly issuer?: string } = {}
) {
  const { days = 2, issuer } = options
  const file = (extension: string) => join(path, `${name}.${extension}`)
  const key = ["-newkey", "rsa:2048", "-nodes", "-keyout", file("key")]
  writeFileSync(file("ext"), `subjectAltName=DNS:${host}\n${issuer === undefined ? "basicConstraints=CA:TRUE\n" : ""}`)
  yield* Program.output("openssl", ["req", "-new", ...key, "-out", file("csr"), "-subj", `/CN=${name}`])
  const signer =
    issuer === undefined
      ? ["-signkey", file("key")]
      : ["-CA", `${issuer}.crt`, "-CAkey", `${issuer}.key`, "-CAcreateserial"]
  const lasting = ["-days", String(days), "-extfile", file("ext")]
  yield* Program.output("openssl", ["x509", "-req", "-in", file("csr"), ...signer, ...lasting, "-out", file("crt")])
  return join(path, name)
})

/** nginx that speaks TLS with a certificate; gives its port. */
const nginx = Effect.fnUntraced(function* (path: string, files: string, protocols = "TLSv1.2 TLSv1.3") {
  const port = yield* Program.freePort
  writeFileSync(
    join(path, "nginx.conf"),
    `daemon off; master_process off; pid ${path}/pid; error_log ${path}/error.log;
    events {}
    http {
      access_log off;
      client_body_temp_path ${path}/1; proxy_temp_path ${path}/2; fastcgi_temp_path ${path}/3;
      uwsgi_temp_path ${path}/4; scgi_temp_path ${path}/5;
      server {
        listen 127.0.0.1:${port} ssl;
        ssl_certificate ${files}.crt; ssl_certificate_key ${files}.key; ssl_protocols ${protocols};
        location / { return 200 "hello"; }
        location /cut { return 444; }
      }
    }`
  )
  yield* Program.run("nginx", { args: ["-p", path, "-c", join(path, "nginx.conf")], port })
  return port
})

describe.skipIf(isMissing)("nginx over TLS", () => {
  const serving = Effect.fnUntraced(function* (
    host: string,
    options: { readonly days?: number; readonly protocols?: string } = {}
  ) {
    const path = yield* folder
    const authority = yield* certificate(path, "authority", "authority.test")
    const files = yield* certificate(path, "site", host, { issuer: authority, days: options.days ?? 2 })
    const port = yield* nginx(path, files, options.protocols)
    return { url: `https://localhost:${port}/`, ca: readFileSync(`${authority}.crt`, "utf8") }
  })

  it.live("with a good certificate is fine", () =>
    Effect.gen(function* () {
      const { ca, url } = yield* serving("localhost")
      assert.strictEqual(yield* meaning(url, { connect: { ca } }), "200")
    })
  )

  it.live("with a certificate of an authority that is not trusted", () =>
    Effect.gen(function* () {
      const { url } = yield* serving("localhost")
      assert.strictEqual(yield* meaning(url), "host_returned_error/tls_certificate")
    })
  )

  it.live("with an expired certificate", () =>
    Effect.gen(function* () {
      const { ca, url } = yield* serving("localhost", { days: -1 })
      assert.strictEqual(yield* meaning(url, { connect: { ca } }), "host_returned_error/tls_certificate")
    })
  )

  it.live("with another site's certificate", () =>
    Effect.gen(function* () {
      const { ca, url } = yield* serving("other.test")
      assert.strictEqual(yield* meaning(url, { connect: { ca } }), "host_returned_error/tls_certificate")
    })
  )

  it.live("with a certificate that signs itself", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const port = yield* nginx(path, yield* certificate(path, "self", "localhost"))
      assert.strictEqual(yield* meaning(`https://localhost:${port}/`), "host_returned_error/tls_certificate")
    })
  )

  it.live("without a version in common", () =>
    Effect.gen(function* () {
      const { ca, url } = yield* serving("localhost", { protocols: "TLSv1.3" })
      const old = { ca, maxVersion: "TLSv1.2" } as const
      assert.strictEqual(yield* meaning(url, { connect: old }), "host_returned_error/tls_handshake")
    })
  )

  it.live("that hangs up after the request", () =>
    Effect.gen(function* () {
      const { ca, url } = yield* serving("localhost")
      assert.strictEqual(yield* meaning(`${url}cut`, { connect: { ca } }), "host_returned_error/connection_reset")
    })
  )
})

describe("a TLS handshake", () => {
  it.live("with a server that speaks plain HTTP", () =>
    Effect.gen(function* () {
      const port = yield* serveRaw((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))
      assert.strictEqual(yield* meaning(`https://127.0.0.1:${port}/`), "host_returned_error/tls_handshake")
    })
  )

  it.live("that the server cuts", () =>
    Effect.gen(function* () {
      const port = yield* serveRaw((socket) => socket.destroy())
      assert.strictEqual(yield* meaning(`https://127.0.0.1:${port}/`), "host_returned_error/tls_interrupted")
    })
  )

  it.live("that the server leaves unanswered", () =>
    Effect.gen(function* () {
      const port = yield* serveRaw(() => undefined)
      const patience = { connect: { timeout: 100 } }
      assert.strictEqual(yield* meaning(`https://127.0.0.1:${port}/`, patience), "host_returned_error/connect_timeout")
    })
  )
})
