/**
 * Checks apps/crawler/deploy as far as a machine without Docker can: builds the image in a folder from the last commit, starts it, asks it, and ends it;
 * then the files beside the Dockerfile. Programs that are not installed are skipped, with a line that says so.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { setTimeout as sleep } from "node:timers/promises"
import { composed, isPinned } from "./deploy-files.ts"
import { archive, envOf, execute, idsOf, type Stage } from "./dockerfile.ts"

const root = join(import.meta.dirname, "..")
const folder = mkdtempSync(join(tmpdir(), "deploy-"))
// Another user starts the service.
chmodSync(folder, 0o755)

let count = 0
const failures: Array<string> = []
const check = (what: string, holds: boolean): void => {
  count++
  if (!holds) failures.push(what)
}

const isRoot = process.getuid?.() === 0

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  return typeof address === "object" && address !== null ? address.port : 0
}

/** How a command runs in the image: as its user, and with its environment but for the address, and for what is an absolute path there. */
const inside = (image: Stage, port: number) => ({
  cwd: join(image.root, image.cwd),
  env: {
    ...envOf(image),
    REDRIVE_HOST: "127.0.0.1",
    REDRIVE_PORT: String(port),
    REDRIVE_DATABASE: join(image.root, image.env["REDRIVE_DATABASE"] ?? "")
  },
  ...(isRoot && idsOf(image.user ?? ""))
})

type Inside = ReturnType<typeof inside>

const isHealthy = ({ health: [program = "", ...args] }: Stage, options: Inside): boolean =>
  spawnSync(program, args, options).status === 0

/** Waits until the service answers; gives up when it has ended, or after 20 seconds. */
const ready = async (child: ChildProcess, url: string): Promise<boolean> => {
  for (let tries = 0; tries < 200 && child.exitCode === null; tries++) {
    const status = await fetch(`${url}/healthz`).then(
      (answer) => answer.status,
      () => undefined
    )
    if (status !== undefined) return status === 200
    await sleep(100)
  }
  return false
}

const statusOf = async (url: string): Promise<number> =>
  (await fetch(`${url}/v1/jobs`, { headers: { authorization: "Bearer local" } })).status

/** Starts the image, asks it, and ends it as Docker does. */
const started = async (image: Stage): Promise<void> => {
  const port = await freePort()
  const options = inside(image, port)
  const url = `http://127.0.0.1:${port}`
  check("the health check fails before the service is there", !isHealthy(image, options))
  const [program = "", ...args] = [...image.entrypoint, ...image.cmd]
  const child = spawn(program, args, { ...options, stdio: ["ignore", "ignore", "pipe"] })
  let said = ""
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()))
  const ended = once(child, "exit")
  try {
    check(`the image's command serves ${said}`, await ready(child, url))
    check("the health check holds", isHealthy(image, options))
    check("nobody has the key that everybody knows", (await statusOf(url)) === 401)
    child.kill("SIGTERM")
    await Promise.race([ended, sleep(25_000, undefined, { ref: false })])
    check(`SIGTERM ends it with 0, not ${child.exitCode} ${said}`, child.exitCode === 0)
  } finally {
    child.kill("SIGKILL")
  }
}

const built = (): ReadonlyArray<Stage> => {
  const context = join(folder, "context")
  archive(root, context)
  return execute({ context, dockerfile: join(context, "apps/crawler/deploy/Dockerfile"), folder })
}

/** Rules that nothing but reading can check here. */
const linted = (stages: ReadonlyArray<Stage>, image: Stage): void => {
  const [, version] = /^nodeVersion: (\S+)$/m.exec(readFileSync(join(root, "pnpm-workspace.yaml"), "utf8")) ?? []
  for (const stage of stages) {
    check(`${stage.image} is one version`, isPinned(stage.image))
    check(`${stage.image} has the workspace's Node.js, ${version}`, stage.image.startsWith(`node:${version}-`))
    const secrets = Object.keys(stage.env).filter((name) => /KEY|SECRET|PASSWORD|TOKEN|WEBHOOK/.test(name))
    check(`the image keeps no ${secrets.join()}`, secrets.length === 0)
  }
  check("the image has a user that is not root", image.user !== undefined && idsOf(image.user).uid > 0)
  check("node is process 1", image.entrypoint[0] === "node")
  check("the health check needs node only", image.health[0] === "node")
}

/** Runs a program that says what is wrong with files; skips it where it is not installed. */
const tool = (program: string, args: ReadonlyArray<string>): void => {
  const { error, status, stderr, stdout } = spawnSync(program, args, { encoding: "utf8" })
  if (error !== undefined) return console.log(`skipped: ${program} is not installed`)
  // systemd only warns of a key that it does not know. It may warn of other units of the machine, too.
  const isQuiet = program !== "systemd-analyze" || !stderr.includes("redrive-crawler")
  check(`${program} ${args.slice(0, 2).join(" ")}: ${stdout}${stderr}`, status === 0 && isQuiet)
}

const tools = (deploy: string): void => {
  tool("promtool", ["check", "config", join(deploy, "prometheus.yml")])
  tool("amtool", ["check-config", join(deploy, "alertmanager.yml")])
  // It looks for the program that a unit starts, which is elsewhere here.
  const unit = join(folder, "redrive-crawler.service")
  const text = readFileSync(join(deploy, "redrive-crawler.service"), "utf8")
  writeFileSync(unit, text.replace("/usr/bin/node", process.execPath))
  tool("systemd-analyze", ["verify", "--man=no", unit])
  // From 0, which is best, to 10: as tenths.
  tool("systemd-analyze", ["security", "--offline=yes", "--threshold=15", unit])
}

/** The variables that the built service itself says that it knows. */
const variablesOf = (image: Stage): ReadonlySet<string> => {
  const [program, ...args] = [...image.entrypoint, "config", "print", "--json"]
  const { stdout } = spawnSync(program, args, { ...inside(image, 0), encoding: "utf8" })
  return new Set((JSON.parse(stdout) as ReadonlyArray<{ readonly variable: string }>).map((one) => one.variable))
}

try {
  const stages = built()
  const image = stages.at(-1)
  if (image === undefined) throw new Error("the Dockerfile makes no image")
  linted(stages, image)
  await started(image)
  const deploy = join(folder, "context/apps/crawler/deploy")
  composed(deploy, image, variablesOf(image), "crawler", check)
  tools(deploy)
} catch (error) {
  failures.push(error instanceof Error ? error.message : String(error))
} finally {
  rmSync(folder, { recursive: true })
}

for (const failure of failures) console.error(failure)
console.log(`${count} checks of the deployment, ${failures.length} wrong`)
process.exitCode = failures.length > 0 ? 1 : 0
