/**
 * Releases this workspace to a registry on this machine, as its users and its owners would see it: a copy is versioned, built and published, projects
 * outside of it install one package each, and later releases are updated to. It works with changesets that wait and without.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { waiting } from "./publish/packages.ts"
import { type Consumer, consume, consumersOf, forgotten } from "./release/consumers.ts"
import { managers } from "./release/managers.ts"
import { later } from "./release/next.ts"
import { publishing } from "./release/publishing.ts"
import { type Registry, startRegistry } from "./release/registry.ts"
import { served } from "./release/run.ts"
import { type Tools, tools as installTools } from "./release/tools.ts"
import { uses } from "./release/uses.ts"
import { commit, settings, workspace } from "./release/workspace.ts"

const root = join(import.meta.dirname, "..")
const parent = mkdtempSync(join(tmpdir(), "release-"))
const begun = performance.now()

const expect = (what: string, wrong: ReadonlyArray<string>): void => {
  const seconds = ((performance.now() - begun) / 1000).toFixed(0)
  console.log(`${wrong.length === 0 ? "ok" : "NOT OK"} (${seconds} s): ${what}`)
  for (const line of wrong) console.log(line)
  if (wrong.length > 0) process.exitCode = 1
}

/** What fails instead of saying what is wrong is wrong as well, and no reason to leave the rest untried. */
const attempt = async (
  what: string,
  run: () => ReadonlyArray<string> | Promise<ReadonlyArray<string>>
): Promise<void> => {
  try {
    expect(what, await run())
  } catch (error) {
    expect(what, [error instanceof Error ? error.message : String(error)])
  }
}

const tryOut = async (consumer: Consumer, registry: Registry, tools: Tools): Promise<void> => {
  const { manager, node, package: name, resolution, typescript } = consumer
  const what = `@redrive/${name} alone, with ${manager.name}, Node.js ${node}, TypeScript ${typescript} and ${resolution}`
  await attempt(what, async () => {
    const { project, wrong } = await consume(consumer, { registry: registry.url, root, shared: parent, tools })
    // The others of this project's promises are tried with one package.
    if (name === "retry") for (const [use, run] of Object.entries(uses)) await attempt(use, () => run(project, tools))
    return wrong
  })
}

const consumers = async (registry: Registry): Promise<void> => {
  const tools = await installTools(parent)
  expect("every package is tried", forgotten(root))
  if (tools.nodes.size === 1) console.log("skipped: other lines of Node.js are not packages for this platform")
  const left = consumersOf(managers(tools), tools).values()
  const lane = async () => {
    for (const consumer of left) await tryOut(consumer, registry, tools)
  }
  await Promise.all([lane(), lane()])
}

const registry = await startRegistry()
try {
  const userconfig = join(parent, "npmrc")
  settings(userconfig, registry.url)
  const here = await workspace(parent, userconfig)
  if (waiting(here.folder).size > 0) {
    await served(here, "pnpm", "run", "version-packages")
    commit(here, "version packages")
  }
  await publishing(here, registry, expect)
  await consumers(registry)
  await later(here, registry, parent, expect)
} catch (error) {
  expect("the test runs to its end", [error instanceof Error ? error.message : String(error)])
} finally {
  registry.close()
  rmSync(parent, { recursive: true, force: true, maxRetries: 3 })
}
