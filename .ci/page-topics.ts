// What the pages of docs/strategies and docs/adapters must be about, and words that they may not say.
import { globSync, readFileSync } from "node:fs"
import { basename, join } from "node:path"
import { pathToFileURL } from "node:url"

const root = join(import.meta.dirname, "..")

/** A page, and what it says that it is about. */
export interface Page {
  readonly path: string
  readonly text: string
}

/** What must have a page: the fields of a policy, or modules such as `retry/Breaker`. */
export interface Subjects {
  readonly folder: string
  readonly kind: "fields" | "modules"
  readonly names: ReadonlyArray<string>
}

const subjectsOf = ({ text }: Page, kind: Subjects["kind"]): ReadonlyArray<string> =>
  [...text.matchAll(/<!-- about: ([^]*?) -->/g)]
    .flatMap(([, about = ""]) => about.split("; "))
    .filter((part) => part.startsWith(`${kind} `))
    .flatMap((part) => part.slice(kind.length + 1).split(/, */))

/** Subjects without a page, pages about what is not there, and pages about a module that no program of theirs imports. */
export const gaps = (pages: ReadonlyArray<Page>, { folder, kind, names }: Subjects): ReadonlyArray<string> => {
  const own = pages.filter(({ path }) => path.startsWith(`docs/${folder}/`))
  const said = own.flatMap((page) => subjectsOf(page, kind).map((name) => ({ name, page })))
  return [
    ...names
      .filter((name) => !said.some((one) => one.name === name))
      .map((name) => `${name}: no page of docs/${folder} is about it`),
    ...said.flatMap(({ name, page: { path, text } }) => {
      if (!names.includes(name)) return [`${path}: is about ${name}, which is not there`]
      return kind === "fields" || text.includes(`from "@redrive/${name}"`)
        ? []
        : [`${path}: is about ${name}, and no program of it imports that`]
    })
  ]
}

/** Metrics, and reasons for giving up, that a page says and no package does. */
export const unsaid = (
  { path, text }: Page,
  isMetric: (name: string) => boolean,
  isReason: (name: string) => boolean
): ReadonlyArray<string> => {
  const metrics = [...text.matchAll(/\bredrive_\w+\b/g)].map(([name]) => name).filter((name) => !isMetric(name))
  const reasons = [...text.matchAll(/`because` `(\w+)`/g)]
    .map(([, name = ""]) => name)
    .filter((name) => !isReason(name))
  return [...metrics, ...reasons].map((word) => `${path}: no package says ${word}`)
}

const read = (path: string) => readFileSync(join(root, path), "utf8")

const modulesOf = (name: string): ReadonlyArray<string> =>
  globSync("*.ts", { cwd: join(root, "packages", name, "src") })
    .filter((file) => file !== "index.ts")
    .map((file) => `${name}/${basename(file, ".ts")}`)

/** All that is wrong with the pages as they are. */
export const unexplained = async (): Promise<ReadonlyArray<string>> => {
  const source = (path: string) => import(pathToFileURL(join(root, "packages", path)).href)
  const { Because }: typeof import("../packages/retry/src/Because.ts") = await source("retry/src/Because.ts")
  const { RetryPolicy }: typeof import("../packages/retry/src/RetryPolicy.ts") =
    await source("retry/src/RetryPolicy.ts")
  const { counters } = await import("./telemetry.ts")
  const pages = globSync(["docs/strategies/*.md", "docs/adapters/*.md"], { cwd: root }).map((path) => ({
    path,
    text: read(path)
  }))
  const counted = new Set((await counters).map(([name = ""]) => name.replaceAll("`", "")))
  const alerts = globSync("packages/alert/src/**/*.ts", { cwd: root }).map(read).join("\n")
  const isMetric = (name: string) =>
    counted.has(name) ||
    [name, name.replace(/^redrive_(.*?)(_total)?$/, "$1")].some((one) => alerts.includes(`"${one}"`))
  const reasons: ReadonlyArray<string> = Because.literals
  const subjects: ReadonlyArray<Subjects> = [
    { folder: "strategies", kind: "fields", names: Object.keys(RetryPolicy.fields) },
    { folder: "strategies", kind: "modules", names: modulesOf("retry") },
    { folder: "adapters", kind: "modules", names: ["log", "pino", "sentry", "alert", "email"].flatMap(modulesOf) }
  ]
  return [
    ...subjects.flatMap((one) => gaps(pages, one)),
    ...pages.flatMap((page) => unsaid(page, isMetric, (name) => reasons.includes(name)))
  ]
}
