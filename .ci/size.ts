// What a package adds, in bytes of gzip, to a program that has the same parts of effect already: no more than its limit.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"

/** Modules of packages that a program runs, and how much of its bundle they may be. */
const limits: ReadonlyArray<{
  readonly name: string
  readonly leaveOut: ReadonlyArray<string>
  readonly limit: number
}> = [
  // Documentation is made by build scripts.
  { name: "core", leaveOut: ["CatalogueDocs.ts", "CrawlMeanings.ts"], limit: 12_000 }
]

const packages = join(import.meta.dirname, "../packages")

/** The exports of a program, bundled as an application's build would do it. */
const sizeOf = async (folder: string, program: ReadonlyArray<string>): Promise<number> => {
  const { outputFiles } = await build({
    stdin: { contents: program.join("\n"), resolveDir: folder, loader: "ts" },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    write: false
  })
  // An application's bundle exports nothing.
  const code = (outputFiles[0]?.text ?? "").replace(/export\{[^}]*\};?\s*$/, "")
  return gzipSync(code, { level: 9 }).length
}

/** Every export of a module by itself, since a namespace would keep all of them. */
const exportsOf = (from: string, names: ReadonlyArray<string>, prefix: string): string =>
  `export { ${names.map((name) => `${name} as ${prefix}_${name}`).join(", ")} } from "${from}"`

const modulesOf = (folder: string) => readdirSync(folder).filter((file) => file.endsWith(".ts"))

/** What a package's sources use of effect. */
const usedOf = async (folder: string, files: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  const used = new Map<string, Set<string>>()
  for (const file of files) {
    const source = readFileSync(join(folder, file), "utf8")
    for (const [, alias = "", from = ""] of source.matchAll(/^import \* as (\w+) from "(effect\/[^"]+)"/gm)) {
      const names = used.get(from) ?? used.set(from, new Set()).get(from)
      for (const [, name = ""] of source.matchAll(new RegExp(`\\b${alias}\\.(\\w+)`, "g"))) names?.add(name)
    }
  }
  return Promise.all(
    [...used].map(async ([from, names], index) => {
      const module: object = await import(
        pathToFileURL(join(folder, "../node_modules", from.replace("/", "/dist/")) + ".js").href
      )
      return exportsOf(
        from,
        [...names].filter((name) => name in module),
        `effect${index}`
      )
    })
  )
}

let isOver = false

for (const { leaveOut, limit, name } of limits) {
  const folder = join(packages, name, "src")
  const own = modulesOf(folder).filter((file) => file !== "index.ts" && !leaveOut.includes(file))
  const internal = modulesOf(join(folder, "internal")).map((file) => `internal/${file}`)
  const program = await Promise.all(
    own.map(async (file, index) => {
      const module: object = await import(pathToFileURL(join(folder, file)).href)
      return exportsOf(`./${file}`, Object.keys(module), `own${index}`)
    })
  )
  const effect = await usedOf(folder, [...own, ...internal])
  const size = (await sizeOf(folder, [...program, ...effect])) - (await sizeOf(folder, effect))
  const verdict = size <= limit ? "ok" : "TOO LARGE"
  console.log(
    `@redrive/${name}: ${size} bytes of at most ${limit}, gzipped, beyond the parts of effect that it uses: ${verdict}`
  )
  if (size > limit) isOver = true
}
if (isOver) process.exitCode = 1
