/**
 * The text of a body's bytes, in the charset that the page declares.
 */
import { isUtf8 } from "node:buffer"
import { decodeBuffer } from "encoding-sniffer"

/** Browsers take a declaration after 1,024 bytes into account, too; real pages begin with long comments and scripts. */
const mostSniffed = 16 * 1024

/**
 * Decodes by byte order mark, then the header's charset, then the page's own declaration: a `meta` of HTML, the XML declaration of XHTML. Bytes
 * that nothing speaks of are UTF-8 if they are valid as such, and windows-1252 if not. Plain text declares nothing.
 */
export const decode = (bytes: Buffer, type: string, charset: string | undefined): string =>
  decodeBuffer(bytes, {
    maxBytes: sniffedOf(bytes, type),
    defaultEncoding: isUtf8(bytes) ? "utf-8" : "windows-1252",
    ...(charset === undefined ? {} : { transportLayerEncodingLabel: charset })
  })

const byteOrderMark = 4

const sniffedOf = (bytes: Buffer, type: string): number => {
  if (type === "text/html") return mostSniffed
  if (type !== "application/xhtml+xml") return byteOrderMark
  return Math.max(byteOrderMark, bytes.subarray(0, mostSniffed).indexOf("?>") + 2)
}
