// Writes the documents that programs can say best; with --check it only says whether they are current.
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import * as Effect from "effect/Effect"
import { errors } from "./errors.ts"
import { outage, policies } from "./policies.ts"

const folder = join(import.meta.dirname, "../docs")
const documents = { "errors.md": errors, "policies.md": policies, "policies-outage.svg": outage }

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
// This one takes servers and some seconds; a test compares it.
if (!process.argv.includes("--check")) {
  const module = pathToFileURL(join(import.meta.dirname, "../clients/src/Document.ts")).href
  const { document }: typeof import("../clients/src/Document.ts") = await import(module)
  writeFileSync(join(folder, "clients.md"), await Effect.runPromise(document))
  console.log("wrote docs/clients.md")
}
if (isStale) process.exitCode = 1
