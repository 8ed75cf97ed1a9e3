/**
 * The media type of an answer, before its body is read.
 */
import { parseMIMEType } from "undici"

/** A `Content-Type` header. Without a valid type there is no `type`, in lower case. */
export interface MediaType {
  readonly type: string | undefined
  readonly charset: string | undefined
}

/** Reads a `Content-Type` header. A server may send several: the last valid one counts. */
export const parse = (header = ""): MediaType => {
  for (const value of [header, ...header.split(",").toReversed()]) {
    const parsed = parseMIMEType(value)
    if (parsed !== "failure") return { type: parsed.essence, charset: parsed.parameters.get("charset") }
  }
  return { type: undefined, charset: undefined }
}

/** Whether an `Accept` header without parameters names a type. */
export const accepts = (accept: string, type: string): boolean =>
  typesOf(accept).some((accepted) => accepted === "*/*" || accepted === type)

/** The type that is wanted most: an answer that does not declare its own is taken for it. */
export const first = (accept: string): string => typesOf(accept)[0] ?? ""

const typesOf = (accept: string): ReadonlyArray<string> => accept.split(",").map((type) => type.trim())

/** As many bytes as browsers look at. */
const mostSniffed = 1445

/** Whether bytes that are declared as plain text, or not at all, are a file of another kind. */
export const isBinary = (bytes: Uint8Array): boolean => {
  const [a = 0, b = 0] = bytes
  const isUtf16 = (a === 0xfe && b === 0xff) || (a === 0xff && b === 0xfe)
  return !isUtf16 && (startsWith(bytes, "%PDF-") || bytes.subarray(0, mostSniffed).some(isControl))
}

const startsWith = (bytes: Uint8Array, text: string): boolean =>
  Buffer.from(bytes.subarray(0, text.length)).toString("latin1") === text

/** The control characters that no text has: all but tab, line feed, form feed, carriage return and escape. */
const isControl = (byte: number): boolean =>
  byte <= 8 || byte === 0x0b || (byte >= 0x0e && byte <= 0x1a) || (byte >= 0x1c && byte <= 0x1f)
