// What a package adds, in bytes of gzip, to a program that has the same parts of effect and of inner rings already.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"

/** Parts of a policy that a bundle has only if the program uses them by name. */
const onlyAsked = ["Attempt", "CallState", "codec", "config", "describe", "fromJson", "jsonSchema", "timeline"]

/** Modules of a package that a program uses, and how much of its bundle they may be. */
const limits: ReadonlyArray<{
  readonly what: string
  readonly name: string
  readonly modules: (file: string) => boolean
  /** Exports that a program asks for by name if it wants them. */
  readonly without?: ReadonlyArray<string>
  readonly limit: number
  /** Whether the package's README tells this size. */
  readonly isTold?: boolean
}> = [
  {
    what: "all that a program runs",
    name: "core",
    isTold: true,
    // Build scripts make the documentation; only adapters use plain data and checked options.
    modules: (file) => !["CatalogueDocs.ts", "Check.ts", "CrawlMeanings.ts", "Durations.ts", "Plain.ts"].includes(file),
    // About a kilobyte of it reports mistakes in a program's own catalogue, another reads what Deno and Bun say, and more than one spares schemas.
    limit: 31_100
  },
  { what: "checks of options", name: "core", modules: (file) => file === "Check.ts", limit: 1000 },
  { what: "durations of options", name: "core", modules: (file) => file === "Durations.ts", limit: 700 },
  { what: "plain data", name: "core", modules: (file) => file === "Plain.ts", limit: 7200 },
  {
    what: "the runner with all its strategies",
    name: "retry",
    modules: (file) => !["Because.ts", "Distributed.ts", "HttpRetry.ts", "Redrive.ts", "Simulation.ts"].includes(file),
    without: [...onlyAsked, "schedule"],
    // More than a kilobyte of it says what is wrong with a policy.
    limit: 14_800
  },
  {
    what: "a policy as a schedule, with its backoffs",
    name: "retry",
    modules: (file) => ["Backoff.ts", "RetryPolicy.ts"].includes(file),
    without: onlyAsked,
    limit: 4700
  }
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

/** The file of a module of effect, or of an inner ring. */
const fileOf = (folder: string, from: string): string =>
  from.startsWith("effect/")
    ? join(folder, "../node_modules", `${from.replace("/", "/dist/")}.js`)
    : join(packages, `${from.replace("@redrive/", "").replace("/", "/src/")}.ts`)

/** What a package's sources use of effect and of inner rings. */
const usedOf = async (folder: string, files: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  const used = new Map<string, Set<string>>()
  for (const file of files) {
    const source = readFileSync(join(folder, file), "utf8")
    for (const [, alias = "", from = ""] of source.matchAll(
      /^import \* as (\w+) from "((?:effect|@redrive)\/[^"]+)"/gm
    )) {
      const names = used.get(from) ?? used.set(from, new Set()).get(from)
      for (const [, name = ""] of source.matchAll(new RegExp(`\\b${alias}\\.(\\w+)`, "g"))) names?.add(name)
    }
  }
  return Promise.all(
    [...used].map(async ([from, names], index) => {
      const module: object = await import(pathToFileURL(fileOf(folder, from)).href)
      return exportsOf(
        from,
        [...names].filter((name) => name in module),
        `used${index}`
      )
    })
  )
}

/** A module and those of the package that it imports. */
const reached = (folder: string, files: ReadonlyArray<string>, known = new Set<string>()): ReadonlyArray<string> => {
  for (const file of files) {
    if (known.has(file)) continue
    known.add(file)
    const source = readFileSync(join(folder, file), "utf8")
    const imports = [...source.matchAll(/^(?:import|export) (?!type)[^"]* from "(\.[^"]+)"/gm)].map(([, from = ""]) =>
      join(file, "..", from)
    )
    reached(folder, imports, known)
  }
  return [...known]
}

let isOver = false

/** The size that a package's README tells, in kB. */
const told = (name: string): number | undefined => {
  const [, said] = /It adds about (\d+) kB \(gzip\)/.exec(readFileSync(join(packages, name, "README.md"), "utf8")) ?? []
  return said === undefined ? undefined : Number(said)
}

for (const { isTold = false, limit, modules, name, what, without = [] } of limits) {
  const folder = join(packages, name, "src")
  const own = modulesOf(folder).filter((file) => file !== "index.ts" && modules(file))
  const program = await Promise.all(
    own.map(async (file, index) => {
      const module: object = await import(pathToFileURL(join(folder, file)).href)
      const names = Object.keys(module).filter((one) => !without.includes(one))
      return exportsOf(`./${file}`, names, `own${index}`)
    })
  )
  const used = await usedOf(folder, reached(folder, own))
  const size = (await sizeOf(folder, [...program, ...used])) - (await sizeOf(folder, used))
  const verdict = size <= limit ? "ok" : "TOO LARGE"
  console.log(`@redrive/${name}, ${what}: ${size} bytes of at most ${limit}, gzipped, beyond what it uses: ${verdict}`)
  if (size > limit) isOver = true
  const kilobytes = Math.round(size / 1000)
  if (isTold && told(name) !== kilobytes) {
    console.error(`packages/${name}/README.md: write "It adds about ${kilobytes} kB (gzip)"`)
    isOver = true
  }
}
if (isOver) process.exitCode = 1
