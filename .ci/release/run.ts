/** Programs that a release test runs, in an environment where the packages' scope has a registry on this machine. */
import { execFileSync, spawn } from "node:child_process"
import process from "node:process"

export interface Environment {
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
}

export interface Ended {
  /** The exit code, or the signal that ended the program. */
  readonly end: number | string
  readonly output: string
}

/** Runs a program and gives what it prints to standard output; throws with both outputs if it fails. */
export const run = ({ env, folder }: Environment, command: string, ...args: ReadonlyArray<string>): string => {
  try {
    return execFileSync(command, args, { cwd: folder, env, encoding: "utf8", stdio: "pipe", maxBuffer: 2 ** 26 }).trim()
  } catch (error) {
    const { stderr = "", stdout = "" } = error as { readonly stderr?: string; readonly stdout?: string }
    throw new Error(`${command} ${args.join(" ")} in ${folder}\n${stdout}\n${stderr}`, { cause: error })
  }
}

/** Runs a program to its end, whatever that is, while this process goes on serving. It leads a group of its own, which `started` may end. */
export const ended = (
  { env, folder }: Environment,
  args: ReadonlyArray<string>,
  started: (pid: number) => void = () => {}
): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const [command = "", ...others] = args
    const child = spawn(command, others, { cwd: folder, env, detached: true, stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()))
    child.on("error", reject)
    child.on("close", (code, signal) => resolve({ end: code ?? signal ?? "", output }))
    if (child.pid !== undefined) started(child.pid)
  })

/** Runs a program while this process goes on serving; throws if it fails. */
export const served = async (environment: Environment, ...args: ReadonlyArray<string>): Promise<string> => {
  const { end, output } = await ended(environment, args)
  if (end !== 0) throw new Error(`${args.join(" ")} in ${environment.folder} ended with ${end}\n${output}`)
  return output.trim()
}

/** Without what a surrounding `pnpm` says to its children, which would be taken for settings. */
const own = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_(?!config_registry$)|pnpm_config_|PNPM_)/i.test(name))
)

export const environment = (folder: string, extra: NodeJS.ProcessEnv = {}): Environment => ({
  folder,
  env: { ...own, npm_config_update_notifier: "false", NO_COLOR: "1", ...extra }
})
