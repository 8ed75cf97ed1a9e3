/**
 * What each package costs whoever installs it: its code in a bundle, its files on the disk, its dependencies, and the time of its first import.
 * Writes the table in README.md; with --check it compares the table with what is there, and what is there with its limits. Needs a build.
 * A time depends on the machine, so it is only written, with its date.
 */
import { execFileSync } from "node:child_process"
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"
import { packed, type Packed } from "./packed.ts"
import { table } from "./policies.ts"

const root = join(import.meta.dirname, "..")
const readme = join(root, "README.md")

/** The most that a package may cost: kilobytes of code and of files, and packages that come with it. */
const limits: { readonly [name: string]: Pick<Size, "code" | "files" | "dependencies"> } = {
  "@redrive/alert": { code: 35.5, files: 1250, dependencies: 1 },
  "@redrive/core": { code: 36.5, files: 1310, dependencies: 0 },
  "@redrive/crawl": { code: 8, files: 250, dependencies: 2 },
  "@redrive/durable": { code: 22.5, files: 690, dependencies: 2 },
  "@redrive/email": { code: 6, files: 150, dependencies: 2 },
  "@redrive/log": { code: 11, files: 340, dependencies: 1 },
  "@redrive/pino": { code: 4.5, files: 130, dependencies: 2 },
  "@redrive/retry": { code: 35.5, files: 1290, dependencies: 1 },
  "@redrive/sentry": { code: 4, files: 100, dependencies: 1 },
  "@redrive/sqlite": { code: 5, files: 130, dependencies: 0 },
  "@redrive/testing": { code: 11.5, files: 290, dependencies: 1 }
}

/** How far a figure of the table may be from the real one. */
const tolerance = 0.05

interface Size {
  readonly name: string
  /** Its own code, minified and gzipped, in kilobytes. */
  readonly code: number
  /** Its files once installed, in kilobytes. */
  readonly files: number
  /** The packages that it brings, directly or not; peers are the program's own. */
  readonly dependencies: number
}

interface Manifest {
  readonly name: string
  readonly dependencies?: { readonly [name: string]: string }
  readonly peerDependencies?: { readonly [name: string]: string }
}

const kilobytes = (bytes: number): number => Math.round(bytes / 100) / 10

const manifestOf = (directory: string) => JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as Manifest

const manifests = new Map(
  globSync("packages/*", { cwd: root }).map((path) => {
    const manifest = manifestOf(join(root, path))
    return [manifest.name, manifest] as const
  })
)

/** Every package that a package brings. What a foreign one would bring is not known here, so there may be none. */
const brought = (name: string, known = new Set<string>()): ReadonlySet<string> => {
  for (const one of Object.keys(manifests.get(name)?.dependencies ?? {})) {
    if (known.has(one)) continue
    known.add(one)
    brought(one, known)
  }
  return known
}

/** All exports of a package in one bundle, without what it imports from others. */
const codeOf = async (directory: string): Promise<number> => {
  const { outputFiles } = await build({
    entryPoints: [join(directory, "dist/index.js")],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    packages: "external",
    write: false
  })
  return gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length
}

const filesOf = (directory: string): number =>
  globSync("**/*", { cwd: directory })
    .map((path) => statSync(join(directory, path)))
    .reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0)

const folder = mkdtempSync(join(tmpdir(), "sizes-"))
process.on("exit", () => rmSync(folder, { recursive: true }))

const installed = (name: string): string => join(folder, "node_modules", name)

/** Unpacks a tarball where a program would have it. */
const install = ({ name, tarball }: Packed): void => {
  mkdirSync(installed(name), { recursive: true })
  execFileSync("tar", ["-xzf", tarball, "-C", installed(name), "--strip-components=1"])
}

/** Links the peers of a package, as they are in the workspace. */
const linkPeers = ({ directory, name }: Packed): void => {
  for (const peer of Object.keys(manifests.get(name)?.peerDependencies ?? {})) {
    if (existsSync(installed(peer))) continue
    mkdirSync(join(installed(peer), ".."), { recursive: true })
    symlinkSync(join(directory, "node_modules", peer), installed(peer))
  }
}

const sizeOf = async ({ name }: Packed): Promise<Size> => ({
  name,
  code: kilobytes(await codeOf(installed(name))),
  files: kilobytes(filesOf(installed(name))),
  dependencies: brought(name).size
})

/** The median time of a first import, each in a process of its own, in milliseconds. */
const importOf = (name: string): number => {
  const program = `const begun = performance.now(); await import(${JSON.stringify(name)}); console.log(performance.now() - begun)`
  const times = Array.from({ length: 9 }, () =>
    Number(
      execFileSync(process.execPath, ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", program], {
        cwd: folder,
        encoding: "utf8"
      })
    )
  ).toSorted((one, other) => one - other)
  return Math.round(times[4] ?? 0)
}

const rowOf = (size: Size, time: string): ReadonlyArray<string> => [
  `\`${size.name}\``,
  `${size.code} kB`,
  `${size.files} kB`,
  String(size.dependencies),
  time
]

const mark = /<!-- sizes -->\n[^]*?<!-- end -->/

const write = (sizes: ReadonlyArray<Size>): void => {
  const rows = sizes.map((size) => rowOf(size, `${importOf(size.name)} ms`))
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, Node.js ${process.versions.node}`
  const text = [
    "<!-- sizes -->",
    "",
    table(["package", "code", "installed", "brings", "first import"], rows),
    "",
    `Times: ${new Date().toISOString().slice(0, 10)}, ${machine}.`,
    "",
    "<!-- end -->"
  ].join("\n")
  writeFileSync(
    readme,
    readFileSync(readme, "utf8").replace(mark, () => text)
  )
}

const isNear = (said: number, real: number): boolean => Math.abs(said - real) <= real * tolerance

/** What is wrong with a package's row of the table, or with its size. */
const wrongOf = (size: Size, text: string): ReadonlyArray<string> => {
  const limit = limits[size.name]
  const over = (["code", "files", "dependencies"] as const).flatMap((what) =>
    limit !== undefined && size[what] <= limit[what]
      ? []
      : [`${size.name}: ${what} is ${size[what]}, and may be ${limit?.[what] ?? "nothing: give it limits"}`]
  )
  const foreign = [...brought(size.name)].filter((one) => !manifests.has(one))
  const notOurs = foreign.map((one) => `${size.name} brings ${one}, which is not ours: make it a peer`)
  const row = text.split("\n").find((line) => line.startsWith(`| \`${size.name}\` `)) ?? ""
  const [code = 0, files = 0, dependencies = -1] = row.split("|").slice(2, 5).map(Number.parseFloat)
  const isTrue = isNear(code, size.code) && isNear(files, size.files) && dependencies === size.dependencies
  return isTrue
    ? [...over, ...notOurs]
    : [...over, ...notOurs, `${size.name}: the table in README.md is not true any more: run \`pnpm sizes\``]
}

const packages = packed(root, folder).toSorted((one, other) => one.name.localeCompare(other.name))
packages.forEach(install)
packages.forEach(linkPeers)
const sizes: Array<Size> = []
for (const one of packages) sizes.push(await sizeOf(one))
for (const { code, dependencies, files, name } of sizes)
  console.log(`${name}: ${code} kB of code, ${files} kB installed, brings ${dependencies}`)
if (process.argv.includes("--check")) {
  const [text = ""] = mark.exec(readFileSync(readme, "utf8")) ?? []
  const wrong = sizes.flatMap((size) => wrongOf(size, text))
  for (const line of wrong) console.error(line)
  if (wrong.length > 0) process.exitCode = 1
} else write(sizes)
