// Writes the generated documents; with --check it only says whether they are current.
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { configuration } from "./configuration.ts"
import { errors } from "./errors.ts"
import { explained, outage, policies } from "./policies.ts"

const folder = join(import.meta.dirname, "../docs")
const documents = {
  "configuration.md": configuration,
  "errors.md": errors,
  "policies.md": policies,
  "policies-explained.svg": explained,
  "policies-outage.svg": outage
}

let isStale = false
for (const [name, text] of Object.entries(documents)) {
  const file = join(folder, name)
  if (!process.argv.includes("--check")) {
    writeFileSync(file, text)
    console.log(`wrote docs/${name}`)
  } else if (readFileSync(file, "utf8") === text) console.log(`docs/${name} is current`)
  else {
    isStale = true
    console.error(`docs/${name} is not what the program says: run \`pnpm generate\``)
  }
}
// This document takes servers and some seconds to write, so a test checks it instead.
if (!process.argv.includes("--check")) {
  const { clients } = await import("./clients.ts")
  writeFileSync(join(folder, "clients.md"), clients)
  console.log("wrote docs/clients.md")
}
if (isStale) process.exitCode = 1
