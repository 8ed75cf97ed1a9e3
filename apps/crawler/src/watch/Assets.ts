/**
 * What a browser gets besides the page: the views' own modules without their types, preact and htm as they were installed, and the styles. Nothing is built.
 *
 * The modules are read once, when the service starts. Their addresses have a hash of all of them, so that a browser keeps them for ever.
 */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { basename, dirname, relative } from "node:path"
import { gzipSync } from "node:zlib"

export interface Asset {
  readonly body: string
  /** The body for browsers that take gzip, as all do. */
  readonly gzip: Uint8Array
  readonly contentType: string
  readonly etag: string
}

export interface Assets {
  /** By path, such as `/assets/0123456789ab/client.js`. */
  readonly byPath: ReadonlyMap<string, Asset>
  /** Whoever asks for an asset keeps it: another content has another path. */
  readonly cacheControl: string
  /** The path of the styles. */
  readonly styles: string
  /** The path of the module that the page begins with. */
  readonly client: string
  /** The paths of all modules, those first that others need. */
  readonly modules: ReadonlyArray<string>
}

const specifier = /^((?:import|export)\b(?:[\s\w{},*$]*\bfrom)?\s*)"([^"]+)"/gm

/** A module: its name, its text, and the names of those that it imports, by specifier. */
interface Module {
  readonly name: string
  readonly text: string
  readonly imports: ReadonlyMap<string, string>
}

/** Reads the module of an address and those that it imports into `found`, by name. */
const read = (url: URL, found: Map<string, Module>): string => {
  const here = new URL(".", import.meta.url).pathname
  const file = url.pathname.startsWith(here) ? url.pathname.slice(here.length) : basename(url.pathname)
  const name = file.replace(/\.\w+$/, ".js")
  if (found.has(name)) return name
  const source = readFileSync(url, "utf8")
  const text = short(url.pathname.endsWith(".ts") ? stripTypeScriptTypes(source) : source)
  const imports = new Map<string, string>()
  for (const [, , wanted = ""] of text.matchAll(specifier))
    imports.set(wanted, read(wanted.startsWith(".") ? new URL(wanted, url) : installed(wanted), found))
  found.set(name, { name, text, imports })
  return name
}

const installed = (name: string): URL => {
  if (!["preact", "htm"].includes(name))
    throw new Error(`the page's modules import ${name}, which browsers do not have`)
  return new URL(import.meta.resolve(name))
}

/** The text with the addresses of what it imports, as seen from its own. */
const forBrowsers = ({ imports, name, text }: Module): string =>
  text.replace(specifier, (_, head: string, wanted: string) => {
    const path = relative(dirname(name), imports.get(wanted) ?? wanted)
    return `${head}"${path.startsWith(".") ? path : `./${path}`}"`
  })

/** Without comments that have lines of their own, blank lines, and blanks that types have left. In the views' templates none of these matters. */
const short = (text: string): string =>
  text
    .replace(/^[ \t]*\/\*[^]*?\*\/$/gm, "")
    .replace(/^[ \t]*\/\/.*$/gm, "")
    .replace(/[ \t]*\n\s*/g, "\n")
    .replace(/ {2,}/g, " ")
    .replace(/ (?=[,)\]])/g, "")
    .trim()

/** Without comments, and without the blanks that rules and declarations need not have. */
const shortStyles = (text: string): string =>
  short(text)
    .replace(/\s*([{};,])\s*/g, "$1")
    .replace(/: /g, ":")
    .replaceAll(";}", "}")

const asset = (body: string, contentType: string): Asset => ({
  body,
  gzip: gzipSync(body, { level: 9 }),
  contentType,
  etag: `"${hash(body)}"`
})

const hash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 12)

/** Reads what a browser needs. Throws where a module imports what a browser does not have. */
export const make = (): Assets => {
  const found = new Map<string, Module>()
  const client = read(new URL("client.ts", import.meta.url), found)
  const styles = shortStyles(readFileSync(new URL("styles.css", import.meta.url), "utf8"))
  const modules = [...found.values()]
  const folder = `/assets/${hash([styles, ...modules.map(({ text }) => text)].join())}`
  const pathOf = (name: string) => `${folder}/${name}`
  return {
    byPath: new Map([
      [pathOf("styles.css"), asset(styles, "text/css; charset=utf-8")],
      ...modules.map((one) => [pathOf(one.name), asset(forBrowsers(one), "text/javascript; charset=utf-8")] as const)
    ]),
    cacheControl: "public, max-age=31536000, immutable",
    styles: pathOf("styles.css"),
    client: pathOf(client),
    modules: modules.map(({ name }) => pathOf(name))
  }
}
