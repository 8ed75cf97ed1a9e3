/**
 * The codings that a body was sent in, taken off again.
 *
 * A cut body must fail. `fetch` gives what it could decode of one, as browsers do, which a crawler would take for the whole page.
 */
import { pipeline, Readable, type Transform } from "node:stream"
import * as Zlib from "node:zlib"

/** What the crawler asks for. */
export const accepted = "gzip, deflate, br"

/** The bytes of a body without its codings. */
export type Decoded = Readable

/** No server needs more; `fetch` allows as many. */
const mostCodings = 5

/** The body without its codings; `undefined` if one is unknown, or there are more than five. */
export const decode = (body: Readable, header = ""): Decoded | undefined => {
  const codings = header
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => !plain.has(coding))
  if (codings.length > mostCodings) return undefined
  let decoded: Readable = body
  // The last coding was applied last.
  for (const coding of codings.toReversed()) {
    const decoderOf = decoders[coding]
    if (decoderOf === undefined) return undefined
    decoded = Readable.from(decoding(decoded, decoderOf))
  }
  return decoded
}

/** Whether a file is a gzip file, by its first two bytes. */
export const isGzip = ([first, second]: Uint8Array): boolean => first === 0x1f && second === 0x8b

/** What is in a gzip file. */
export const unpacked = (file: Buffer): Decoded =>
  Readable.from(decoding(Readable.from([file]), () => Zlib.createGunzip()))

/** No coding. Servers put the charset here by mistake, and browsers do not mind. */
const plain: ReadonlySet<string> = new Set(["", "identity", "none", "utf-8"])

/** Without zstd, which nobody asks for: Node.js 22 does not tell a cut body of it from a whole one. */
const decoders: { readonly [coding: string]: ((start: number) => Transform) | undefined } = {
  gzip: () => Zlib.createGunzip(),
  "x-gzip": () => Zlib.createGunzip(),
  br: () => Zlib.createBrotliDecompress(),
  // Some servers leave out the header that the standard asks for, whose low bits are 8.
  deflate: (start) => ((start & 0x0f) === 8 ? Zlib.createInflate() : Zlib.createInflateRaw())
}

/** An empty body has no codings, whatever its header says. */
async function* decoding(body: Readable, decoderOf: (start: number) => Transform): AsyncGenerator<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array> = body[Symbol.asyncIterator]()
  const { done, value } = await chunks.next()
  if (done === true) return
  const whole = async function* () {
    yield value
    yield* { [Symbol.asyncIterator]: () => chunks }
  }
  // The decoder fails with the body's error, so that its reader sees it.
  yield* pipeline(Readable.from(whole()), decoderOf(value[0] ?? 0), () => undefined)
}
