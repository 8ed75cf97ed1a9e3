/**
 * The jobs that a crawl created, in the order of their creation, so that another process can go on with them.
 */
import * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import { Problem, whyOf } from "./Problem.ts"

/** Gives the job of a request: one that an interrupted crawl created for it, else a new one from `create`, which it notes. */
export interface Journal {
  readonly job: <E>(
    request: CrawlApi.CrawlRequest,
    create: Effect.Effect<{ readonly id: string }, E>
  ) => Effect.Effect<string, E>
}

/** Notes nothing: what is interrupted cannot go on. */
export const none: Journal = { job: (_, create) => Effect.map(create, ({ id }) => id) }

/** The settings that a crawl which goes on must share with the one that was interrupted. */
const Settings = Schema.Struct({
  request: Schema.toCodecJson(CrawlApi.CrawlRequestBody),
  api: Schema.NullOr(Schema.String),
  allowPrivate: Schema.Boolean
})

export type Settings = typeof Settings.Type

const Entry = Schema.Struct({ url: Schema.String, id: Schema.String })

const State = Schema.Struct({ settings: Settings, jobs: Schema.Array(Entry) })

const StateJson = Schema.fromJsonString(State)
const encodeState = Schema.encodeSync(StateJson)
const decodeState = Schema.decodeEffect(StateJson)
const encodeSettings = Schema.encodeSync(Settings)

/** A folder that keeps what an interrupted crawl needs to go on. It is removed when the crawl has ended. */
export interface Kept extends Journal {
  /** The database of the crawl's own service. */
  readonly database: string
  /** Makes the folder, where it is not there already. */
  readonly make: Effect.Effect<void, Problem>
  /** Whether no job was noted: then there is nothing to go on with. */
  readonly isEmpty: () => boolean
  /** Removes the folder. */
  readonly remove: Effect.Effect<void, Problem>
}

export interface Options {
  readonly folder: string
  readonly settings: Settings
  /** Goes on with what the folder keeps; without it, the folder must not keep anything. */
  readonly resume: boolean
}

/** Reads the folder for a crawl that goes on, or makes sure that a new one finds nothing in it. */
export const open = Effect.fnUntraced(function* ({ folder, resume, settings }: Options) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(folder, "state.json")
  const problem = Effect.mapError(
    (error: PlatformError) =>
      new Problem({
        wrong: `cannot write ${folder}: ${whyOf(error)}.`,
        advice: "Choose a folder that you may write to."
      })
  )
  const remove = problem(fs.remove(folder, { recursive: true, force: true }))
  const found = yield* problem(fs.exists(file))
  if (resume && !found) {
    return yield* new Problem({
      wrong: `no interrupted crawl is kept in ${folder}.`,
      advice: "Leave --resume out to crawl from the start."
    })
  }
  if (!resume && found) {
    return yield* new Problem({
      wrong: `${folder} keeps a crawl that was interrupted.`,
      advice: `Add --resume to go on with it, or remove ${folder} to start again.`
    })
  }
  const jobs = found ? [...(yield* read(file, settings))] : []
  const known = [...jobs]
  const next = `${file}.next`
  // The pages of a round go at once, and one file cannot be written by two of them.
  const turn = yield* Semaphore.make(1)
  const note = (entry: typeof Entry.Type) => {
    jobs.push(entry)
    const write = Effect.suspend(() => fs.writeFileString(next, encodeState({ settings, jobs })))
    return turn.withPermit(problem(Effect.andThen(write, fs.rename(next, file))))
  }
  const job: Kept["job"] = (request, create) =>
    Effect.suspend(() => {
      const at = known.findIndex(({ url }) => url === request.url)
      const [earlier] = at < 0 ? [] : known.splice(at, 1)
      if (earlier !== undefined) return Effect.succeed(earlier.id)
      // A job that cannot be noted would be created twice: the crawl ends here.
      return Effect.flatMap(create, ({ id }) => Effect.as(Effect.orDie(note({ url: request.url, id })), id))
    })
  return {
    job,
    database: path.join(folder, "crawl.db"),
    // A process that was killed before it noted a job leaves a folder without a state.
    make: found ? Effect.void : Effect.andThen(remove, problem(fs.makeDirectory(folder))),
    isEmpty: () => jobs.length === 0,
    remove
  } satisfies Kept
})

/** The jobs in a state file. Other settings than those of the interrupted crawl are refused by name. */
const read = Effect.fnUntraced(function* (file: string, settings: Settings) {
  const fs = yield* FileSystem.FileSystem
  const unreadable = (why: string) =>
    new Problem({ wrong: `cannot read ${file}: ${why}.`, advice: "Remove its folder to crawl from the start." })
  const text = yield* Effect.mapError(fs.readFileString(file), (error) => unreadable(whyOf(error)))
  const state = yield* Effect.mapError(decodeState(text), () => unreadable("it is damaged"))
  const before = flagsOf(state.settings)
  const now = flagsOf(settings)
  for (const flag of new Set([...before.keys(), ...now.keys()])) {
    if (before.get(flag) !== now.get(flag)) {
      return yield* new Problem({
        wrong: `the interrupted crawl had ${shown(flag, before.get(flag))}, not ${shown(flag, now.get(flag))}.`,
        advice: "Give --resume the settings of that crawl."
      })
    }
  }
  return state.jobs
})

/** Each setting by the name of its flag. */
const flagsOf = (settings: Settings): ReadonlyMap<string, string> => {
  const { allowPrivate, api, request } = encodeSettings(settings)
  const all = Object.entries(Object.assign({}, request, { api, allow_private: allowPrivate }))
  return new Map(
    all.flatMap(([name, value]) =>
      value === undefined || value === null || value === "" ? [] : [[name.replaceAll("_", "-"), String(value)]]
    )
  )
}

const shown = (flag: string, value: string | undefined): string => {
  if (flag === "url") return `the URL ${value}`
  if (value === undefined || value === "false") return `no --${flag}`
  return value === "true" ? `--${flag}` : `--${flag} ${value}`
}

/** The state's folder for a crawl that writes to a folder or to a file; none for one that writes nothing. */
export const folderOf = (output: Option.Option<string>, json: Option.Option<string>): Option.Option<string> =>
  Option.orElse(
    Option.map(output, (folder) => `${folder.replace(/[/\\]+$/, "") || folder}/.crawl`),
    () => Option.map(json, (file) => `${file}.crawl`)
  )
