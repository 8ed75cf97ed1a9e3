/**
 * A folder of a crawl's pages as Markdown files with front matter, and an index of them for people and for programs.
 */
import { createHash } from "node:crypto"
import type * as Job from "@redrive/core/Job"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import { Problem, whyOf } from "./Problem.ts"
import type { Run } from "./Run.ts"
import * as RunWire from "./RunWire.ts"
import type { Page } from "./Texts.ts"

/** A page that was written. */
interface Written {
  readonly item: Job.Item
  readonly file: string
}

export interface Output {
  /** Writes a page's file. */
  readonly page: (page: Page) => Effect.Effect<void, Problem>
  /** Writes the index of the pages that were written. */
  readonly index: (run: Run) => Effect.Effect<void, Problem>
}

/** The files of a crawl in its folder. */
const own = ["index.json", "index.md", "pages"]

/** Makes sure that a folder can be written. One that has a crawl already is only for a crawl that goes on. */
export const open = Effect.fnUntraced(function* (folder: string, resume: boolean) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const problem = Effect.mapError(
    (error: PlatformError) =>
      new Problem({
        wrong: `cannot write ${folder}: ${whyOf(error)}.`,
        advice: "Give --output a folder that you may write to."
      })
  )
  yield* problem(fs.makeDirectory(path.join(folder, "pages"), { recursive: true }))
  const taken = (yield* problem(fs.readDirectory(folder))).filter((name) => own.includes(name))
  const isTaken = taken.length > 1 || (yield* problem(fs.readDirectory(path.join(folder, "pages")))).length > 0
  if (isTaken && !resume) {
    return yield* new Problem({
      wrong: `${folder} has a crawl already.`,
      advice: "Give --output a new folder, or --resume if that crawl was interrupted."
    })
  }
  yield* problem(fs.makeTempFileScoped({ directory: folder, prefix: ".crawl-" }))
  const written: Array<Written> = []
  const replace = (name: string, text: string) => {
    const file = path.join(folder, name)
    return problem(Effect.andThen(fs.writeFileString(`${file}.next`, text), fs.rename(`${file}.next`, file)))
  }
  return {
    page: (page) => {
      const file = `pages/${nameOf(page.item.url)}`
      written.push({ item: page.item, file })
      return replace(file, document(page))
    },
    index: (run) =>
      Effect.andThen(replace("index.md", listOf(run, written)), replace("index.json", `${json(run, written)}\n`))
  } satisfies Output
})

/**
 * The name of a URL's file: readable letters, and a hash that tells URLs apart which differ in nothing else. It has no character, case, word or
 * length that a file system refuses or takes for another, and is the same in each crawl.
 */
export const nameOf = (url: string): string => {
  const hash = createHash("sha256").update(url).digest("hex").slice(0, 16)
  const readable = url
    .replace(/^https?:\/\//i, "")
    .toLowerCase()
    .replace(/[^a-z0-9.]+|\.{2,}/g, "-")
    .slice(0, longest)
    .replace(/^[-.]+|[-.]+$/g, "")
  return `${readable === "" ? "page" : readable}-${hash}.md`
}

/** Together with the hash and a folder's own path, less than the 260 characters of Windows. */
const longest = 80

const document = ({ item, markdown }: Page): string => {
  const { depth, id, jobId, pageStatus, referredUrl, title, updatedAt, url } = item
  const fields = {
    url,
    title,
    status: pageStatus,
    depth,
    ...(referredUrl !== "" && { referred_url: referredUrl }),
    ...(updatedAt !== undefined && { crawled_at: DateTime.formatIso(updatedAt) }),
    job_id: jobId,
    item_id: id
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${scalar(value)}`)
  return `---\n${lines.join("\n")}\n---\n\n${markdown.trimEnd()}\n`
}

/** A value as YAML, of which JSON is a part, but for characters that YAML does not print. */
const scalar = (value: string | number): string =>
  JSON.stringify(typeof value === "string" ? value.toWellFormed() : value).replace(
    // oxlint-disable-next-line no-control-regex -- the characters are meant
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
  )

const listOf = (run: Run, written: ReadonlyArray<Written>): string => {
  const [{ url }] = run.jobs
  const pages = written.map(({ file, item }) => `- [${linkText(item.title || item.url)}](${file}) <${item.url}>`)
  const failed = run.remaining.map(({ error, item }) => `- <${item.url}> ${error.code}: ${linkText(error.lastError)}`)
  return [
    `# Crawl of <${url}>`,
    "",
    ...(run.isCut ? ["The crawl was interrupted: pages are missing.", ""] : []),
    ...pages,
    ...(failed.length > 0 ? ["", "## Failed", "", ...failed] : []),
    ""
  ].join("\n")
}

const linkText = (text: string): string => text.replace(/\s+/g, " ").replace(/[\\[\]<>`*_]/g, "\\$&")

const json = (run: Run, written: ReadonlyArray<Written>): string =>
  JSON.stringify(
    { ...RunWire.outcome(run), pages: written.map(({ file, item }) => ({ ...RunWire.pageOf(item), file })) },
    null,
    2
  )
