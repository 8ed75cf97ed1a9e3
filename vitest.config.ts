import { globSync, readdirSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { defineConfig } from "vitest/config"

// What Node.js has compiled in a worker, or in a program that a test starts, it need not compile in the next.
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, "node_modules/.cache/node")

const words = process.argv.slice(2).filter((word) => word !== "run")

/** Whether a word of the command line names a folder or a file. */
const isPath = (word: string): boolean => /^(packages|apps|clients|\.ci)\b/.test(word)

/** Tests that start browsers, servers and the command itself. */
const endToEnd = "**/test/**/*.e2e.test.ts"

/** Whether a run is of these alone: `pnpm test:e2e`. */
const isEndToEnd = words.includes("e2e")

/** Whether it names a file of them, maybe beside others. */
const namesEndToEnd = words.some((word) => word.includes(".e2e."))

/**
 * Whether a run asks for tests of a folder. A project takes its time at the start even if none of its tests
 * is asked for, so a run that names other folders only does without it.
 */
const isAsked = (folder: string): boolean => {
  const options = words.filter((word) => word !== "--mode" && word !== "e2e")
  return (
    options.length === 0 ||
    !options.every(isPath) ||
    options.some((word) => word.startsWith(folder) || folder.startsWith(word))
  )
}

/** What has a worker for each file: it replaces parts of the process, measures its memory, or would gain nothing. */
const isolated = [
  "apps",
  "clients",
  ".ci",
  "packages/durable",
  "packages/pino",
  "packages/sentry",
  ...globSync("packages/*/test/Conformance.test.ts", { cwd: import.meta.dirname })
]

/**
 * Tests of the other packages leave nothing behind in their process, so that few workers go from file to file: to start one and to load Effect takes
 * longer than most of these files do.
 */
const shared = readdirSync(join(import.meta.dirname, "packages"))
  .map((name) => `packages/${name}`)
  .filter((folder) => !isolated.includes(folder))

const filesOf = (path: string) => (path.endsWith(".ts") ? path : `${path}/**/test/**/*.test.ts`)

const own = {
  extends: true as const,
  test: { name: "isolated", include: isolated.map(filesOf), exclude: ["**/node_modules/**", endToEnd] }
}

const whole = {
  extends: true as const,
  test: {
    name: "e2e",
    include: ["packages", "apps", "clients"].map((folder) => `${folder}/${endToEnd}`),
    exclude: ["**/node_modules/**"]
  }
}

const common = {
  extends: true as const,
  test: {
    name: "shared",
    isolate: false,
    include: shared.map(filesOf),
    exclude: ["**/node_modules/**", endToEnd, ...isolated.map(filesOf)]
  }
}

/** Tests of a package once more, with other versions of its peer, by their names in the package's devDependencies. */
const sentry = (name: string, server: string) => ({
  extends: true as const,
  resolve: {
    alias: [
      { find: "@sentry/core/server", replacement: server },
      { find: "@sentry/core", replacement: name }
    ]
  },
  test: { name, include: ["packages/sentry/test/{Conformance,Sentry}.test.ts"] }
})

const pino = (name: string) => ({
  extends: true as const,
  resolve: { alias: [{ find: /^pino$/, replacement: name }] },
  test: { name, include: ["packages/pino/test/{Conformance,Err,Formats,Pino,Unread}.test.ts"] }
})

const nodemailer = (name: string) => ({
  extends: true as const,
  resolve: { alias: [{ find: /^nodemailer$/, replacement: name }] },
  test: { name, include: ["packages/email/test/{Alerter,EmailSink}.test.ts"] }
})

/** Projects begin in the order of their names: the longest files first, and what is short fills the gaps at the end. */
const inProcess = [
  ...(isolated.some(isAsked) ? [own] : []),
  ...(shared.some(isAsked) ? [common] : []),
  // The ends of the ranges of versions that packages name for their peers.
  ...(isAsked("packages/sentry")
    ? [
        sentry("sentry-10.0", "sentry-10.0"),
        sentry("sentry-10", "sentry-10"),
        sentry("sentry-11.0", "sentry-11.0/server")
      ]
    : []),
  ...(isAsked("packages/pino") ? [pino("pino-9.0"), pino("pino-9"), pino("pino-10.0")] : []),
  ...(isAsked("packages/email") ? [nodemailer("nodemailer-10.5")] : [])
]

export default defineConfig({
  test: {
    // Node.js 22 calls node:sqlite experimental, once in every worker.
    execArgv: ["--disable-warning=ExperimentalWarning"],
    // One more than the machine has cores: tests also wait for clocks. Those from end to end have servers, browsers and processes of their own besides.
    maxWorkers: availableParallelism() + (isEndToEnd ? 0 : 1),
    // A limit that only a bug reaches: tests that start processes take their time on a busy machine.
    testTimeout: 120_000,
    // What a run has transformed, later ones read from a folder of node_modules.
    fsModuleCache: true,
    setupFiles: ["./vitest.seed.ts"],
    reporters: ["default", "./vitest.summary.ts"],
    projects: isEndToEnd ? [whole] : namesEndToEnd ? [...inProcess, whole] : inProcess
  }
})
