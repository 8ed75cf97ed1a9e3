/**
 * Builds a Dockerfile without Docker, in a folder: FROM, WORKDIR, ENV, COPY, RUN, USER and what an image is started with. The base image is this machine.
 *
 * A RUN is a command of this machine in the folder of the stage, so it may name relative paths only. An instruction that is not known is an error.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { chownSync, cpSync, existsSync, globSync, lstatSync, mkdirSync, readFileSync } from "node:fs"
import { basename, join, matchesGlob, relative } from "node:path"
import process from "node:process"

/** A stage of the build, and how its image is started. */
export interface Stage {
  readonly image: string
  readonly name: string | undefined
  /** The folder that stands for its root. */
  readonly root: string
  readonly env: Record<string, string>
  cwd: string
  user: string | undefined
  entrypoint: ReadonlyArray<string>
  cmd: ReadonlyArray<string>
  health: ReadonlyArray<string>
  exposed: string | undefined
}

interface Instruction {
  readonly word: string
  readonly rest: string
}

/** The instructions of a Dockerfile, each on one line. */
export const parse = (text: string): ReadonlyArray<Instruction> =>
  text
    .replaceAll(/^\s*#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [, word = "", rest = ""] = /^(\w+)\s+(.*)$/.exec(line.trim()) ?? []
      return { word: word.toUpperCase(), rest }
    })

const isStrings = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.every((one) => typeof one === "string")

/** A command as a JSON list. Its shell form would make a shell process 1, which passes no signal on. */
const listOf = ({ rest, word }: Instruction): ReadonlyArray<string> => {
  const list: unknown = rest.startsWith("[") ? JSON.parse(rest) : undefined
  if (!isStrings(list)) throw new Error(`${word} ${rest}: it must be a JSON list`)
  return list
}

/** What a build with a context leaves out, by the lines of its .dockerignore. */
const ignoredBy = (file: string): ((path: string) => boolean) => {
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean)
  const strange = lines.find((line) => /^[!#/]/.test(line))
  if (strange !== undefined) throw new Error(`${file}: ${strange} is not understood here`)
  return (path) => lines.some((line) => matchesGlob(path, line) || matchesGlob(path, `${line}/**`))
}

interface Build {
  readonly context: string
  readonly dockerfile: string
  /** An empty folder, in which each stage gets one of its own. */
  readonly folder: string
}

const copy = (stages: ReadonlyArray<Stage>, stage: Stage, { rest }: Instruction, build: Build): void => {
  const words = rest.split(/\s+/)
  const flag = (name: string) => words.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3)
  const [destination = "", ...sources] = words.filter((word) => !word.startsWith("--")).toReversed()
  const from = flag("from")
  const source = from === undefined ? undefined : stages.find(({ name }) => name === from)
  if (from !== undefined && source === undefined) throw new Error(`COPY ${rest}: there is no stage ${from}`)
  const base = source?.root ?? build.context
  const isIgnored = source === undefined ? ignoredBy(`${build.dockerfile}.dockerignore`) : () => false
  const to = join(stage.root, destination.startsWith("/") ? "" : stage.cwd, destination)
  for (const one of sources.toReversed()) {
    const path = join(base, one)
    if (!existsSync(path) || isIgnored(relative(base, path))) throw new Error(`COPY ${rest}: there is no ${one}`)
    const target = lstatSync(path).isDirectory() || !destination.endsWith("/") ? to : join(to, basename(path))
    const filter = (file: string) => !isIgnored(relative(base, file))
    cpSync(path, target, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true, filter })
    own(target, flag("chown"))
  }
}

/** Gives files to a user. Only root can. */
const own = (path: string, user: string | undefined): void => {
  if (user === undefined || process.getuid?.() !== 0) return
  const { gid, uid } = idsOf(user)
  for (const file of [".", ...globSync("**", { cwd: path })]) chownSync(join(path, file), uid, gid)
}

/** A user as `UID:GID`; a name would depend on the base image. */
export const idsOf = (user: string): { readonly uid: number; readonly gid: number } => {
  const [, uid, gid] = /^(\d+):(\d+)$/.exec(user) ?? []
  if (uid === undefined || gid === undefined) throw new Error(`${user}: a user must be UID:GID`)
  return { uid: Number(uid), gid: Number(gid) }
}

/** The environment of a command: this machine's, with the Node.js that runs this program in front, and the stage's. */
export const envOf = (stage: Stage): NodeJS.ProcessEnv => ({
  ...process.env,
  ...stage.env,
  PATH: `${join(process.execPath, "..")}:${process.env["PATH"] ?? ""}`
})

const run = (stage: Stage, { rest }: Instruction): void => {
  if (/(^|\s)\//.test(rest)) throw new Error(`RUN ${rest}: an absolute path would be this machine's`)
  const cwd = join(stage.root, stage.cwd)
  const { status, stderr, stdout } = spawnSync("sh", ["-c", rest], { cwd, env: envOf(stage), encoding: "utf8" })
  if (status !== 0) throw new Error(`RUN ${rest} ended with ${status}\n${stdout}${stderr}`)
}

const begin = ({ rest }: Instruction, root: string): Stage => {
  const [, image = "", name] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(rest) ?? []
  mkdirSync(root)
  const none = { user: undefined, entrypoint: [], cmd: [], health: [], exposed: undefined }
  return { image, name, root, env: {}, cwd: "/", ...none }
}

/** Carries an instruction out within the last stage. */
const step = (stages: ReadonlyArray<Stage>, stage: Stage, one: Instruction, build: Build): void => {
  const { rest, word } = one
  switch (word) {
    case "WORKDIR":
      stage.cwd = rest
      mkdirSync(join(stage.root, rest), { recursive: true })
      return
    case "ENV": {
      const at = rest.indexOf("=")
      stage.env[rest.slice(0, at)] = rest.slice(at + 1)
      return
    }
    case "COPY":
      return copy(stages, stage, one, build)
    case "RUN":
      return run(stage, one)
    case "USER":
      stage.user = rest
      return
    case "EXPOSE":
      stage.exposed = rest
      return
    case "ENTRYPOINT":
      stage.entrypoint = listOf(one)
      return
    case "CMD":
      stage.cmd = listOf(one)
      return
    case "HEALTHCHECK":
      stage.health = listOf({ word, rest: rest.slice(rest.indexOf("[")) })
      return
    case "STOPSIGNAL":
    case "VOLUME":
      return
    default:
      throw new Error(`${word} is not understood here`)
  }
}

/** Carries the instructions out, and gives the stages; the last one is the image. Throws where a step fails. */
export const execute = (build: Build): ReadonlyArray<Stage> => {
  const stages: Array<Stage> = []
  for (const one of parse(readFileSync(build.dockerfile, "utf8"))) {
    const stage = stages.at(-1)
    if (one.word === "FROM") stages.push(begin(one, join(build.folder, `stage-${stages.length}`)))
    else if (stage === undefined) throw new Error(`${one.word} stands before FROM`)
    else step(stages, stage, one, build)
  }
  return stages
}

/** The files of the last commit, without their history. */
export const archive = (repository: string, to: string): void => {
  mkdirSync(to)
  const input = execFileSync("git", ["archive", "HEAD"], { cwd: repository, maxBuffer: 256 * 1024 * 1024 })
  execFileSync("tar", ["x", "-C", to], { input })
}
