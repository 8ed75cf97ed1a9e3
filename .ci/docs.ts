// Writes the generated documents; with --check it only says whether they are current.
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { configuration } from "./configuration.ts"
import { errors } from "./errors.ts"
import { dashboard, operations, rules } from "./operations.ts"
import { brokenLinks } from "./links.ts"
import { forbidden, licences } from "./licences.ts"
import { llms } from "./llms.ts"
import { pages } from "./pages.ts"
import { unexplained } from "./page-topics.ts"
import { explained, outage, policies } from "./policies.ts"
import { unlocked } from "./versions.ts"

const root = join(import.meta.dirname, "..")
const documents = {
  "docs/configuration.md": configuration,
  "docs/errors.md": errors,
  "docs/operations.md": operations,
  "docs/policies.md": policies,
  "docs/policies-explained.svg": explained,
  "docs/policies-outage.svg": outage,
  "apps/crawler/deploy/redrive-dashboard.json": dashboard,
  "apps/crawler/deploy/redrive-rules.yml": rules,
  "docs/licences.md": licences,
  ...pages,
  "llms.txt": llms
}

let isStale = false
for (const [name, text] of Object.entries(documents)) {
  const file = join(root, name)
  if (!process.argv.includes("--check")) {
    writeFileSync(file, text)
    console.log(`wrote ${name}`)
  } else if (readFileSync(file, "utf8") === text) console.log(`${name} is current`)
  else {
    isStale = true
    console.error(`${name} is not what the program says: run \`pnpm generate\``)
  }
}
// This document takes servers and some seconds to write, so a test checks it instead.
if (!process.argv.includes("--check")) {
  const { clients } = await import("./clients.ts")
  writeFileSync(join(root, "docs/clients.md"), clients)
  console.log("wrote docs/clients.md")
}
const missing = [...forbidden, ...brokenLinks(), ...unlocked(), ...(await unexplained())]
for (const line of missing) console.error(line)
if (isStale || missing.length > 0) process.exitCode = 1
