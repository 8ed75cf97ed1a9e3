// Writes the settings' table of docs/operations.md, and the rules and the dashboard of the crawl service, from the service itself.
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { pathToFileURL } from "node:url"
import { table } from "./policies.ts"

const root = join(import.meta.dirname, "..")
const app = join(root, "apps/crawler/src")
const sources = pathToFileURL(join(app, "cli/Settings.ts")).href
const Settings: typeof import("../apps/crawler/src/cli/Settings.ts") = await import(sources)

const printed = (command: string): string =>
  execFileSync(process.execPath, ["--disable-warning=ExperimentalWarning", join(app, "main.ts"), command], {
    encoding: "utf8"
  })

/** The alerting rules, as Compose mounts them. */
export const rules = printed("rules")

/** The dashboard, to import into Grafana. */
export const dashboard = printed("dashboard")

const settings = table(
  ["Variable", "Flag", "What", "Takes", "Default"],
  Settings.described.map((one) => [`\`${one.variable}\``, `\`${one.flag}\``, one.about, one.expected, one.default])
)

/** The document with its table rewritten from the settings. */
export const operations = readFileSync(join(root, "docs/operations.md"), "utf8").replace(
  /(<!-- Written by `pnpm generate`\. -->\n\n)(?:\|.*\n)*/,
  (_, mark: string) => `${mark}${settings}\n`
)
