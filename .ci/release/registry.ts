/** A registry of npm on this machine: keeps in memory what is published to it, and can lose an answer. */
import { createHash } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { buffer } from "node:stream/consumers"

interface Manifest {
  readonly name: string
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly dist: { readonly tarball: string }
}

interface Packument {
  readonly name: string
  readonly "dist-tags": Record<string, string>
  readonly versions: Record<string, Manifest>
  readonly time: Record<string, string>
}

/** What happens to a publication once it is kept: it is answered, or the connection ends first. */
export type Kept = (name: string, version: string) => "answer" | "hang up"

export interface Registry {
  readonly url: string
  readonly packuments: ReadonlyMap<string, Packument>
  readonly tarball: (name: string, version: string) => Buffer
  /** What was published since `forget`, as tags name it. */
  readonly fresh: () => ReadonlySet<string>
  readonly forget: () => void
  /** Replaces what happens to publications from now on. */
  kept: Kept
  readonly close: () => void
}

interface Publication extends Omit<Packument, "time"> {
  readonly _attachments: Readonly<Record<string, { readonly data: string }>>
}

const week = 7 * 24 * 3_600_000

const answer = (response: ServerResponse, status: number, body: object) =>
  response
    .writeHead(status, { "content-type": "application/json", "cache-control": "no-store" })
    .end(JSON.stringify(body))

const digest = (algorithm: string, data: Buffer, encoding: "hex" | "base64") =>
  createHash(algorithm).update(data).digest(encoding)

const fileOf = (name: string, version: string) => `/${name}/-/${name.replace(/^.*\//, "")}-${version}.tgz`

export const startRegistry = async (): Promise<Registry> => {
  const packuments = new Map<string, Packument>()
  const files = new Map<string, Buffer>()
  const fresh = new Set<string>()

  const publish = async (request: IncomingMessage, response: ServerResponse) => {
    const sent = JSON.parse((await buffer(request)).toString()) as Publication
    const packument = packuments.get(sent.name) ?? { name: sent.name, "dist-tags": {}, versions: {}, time: {} }
    const [version, manifest] = Object.entries(sent.versions)[0] ?? []
    if (version === undefined || manifest === undefined || version in packument.versions) {
      // The words of the public registry, by which npm, pnpm and changesets know this case.
      const error = `You cannot publish over the previously published versions: ${version}.`
      return answer(response, 403, { error })
    }
    const data = Buffer.from(Object.values(sent._attachments)[0]?.data ?? "", "base64")
    const integrity = `sha512-${digest("sha512", data, "base64")}`
    const file = fileOf(sent.name, version)
    const dist = { ...manifest.dist, tarball: url + file.slice(1), shasum: digest("sha1", data, "hex"), integrity }
    packument.versions[version] = { ...manifest, dist }
    // Package managers may hold back what was published a moment ago.
    packument.time[version] = new Date(Date.now() - week).toISOString()
    Object.assign(packument["dist-tags"], sent["dist-tags"])
    packuments.set(sent.name, packument)
    files.set(file, data)
    fresh.add(`${sent.name}@${version}`)
    return registry.kept(sent.name, version) === "answer"
      ? answer(response, 201, { ok: true })
      : void request.socket.destroy()
  }

  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "", "http://registry").pathname)
    if (request.method === "PUT") return void publish(request, response)
    const file = files.get(path)
    if (file !== undefined) return void response.end(file)
    const packument = packuments.get(path.slice(1))
    return void answer(response, packument === undefined ? 404 : 200, packument ?? { error: "not_found" })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/`

  const registry: Registry = {
    url,
    packuments,
    tarball: (name, version) => files.get(fileOf(name, version)) ?? Buffer.of(),
    fresh: () => fresh,
    forget: () => fresh.clear(),
    kept: () => "answer",
    close: () => {
      server.closeAllConnections()
      server.close()
    }
  }
  return registry
}
