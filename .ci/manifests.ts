/**
 * Holds the manifests of the published packages to one shape, and the links of their READMEs to addresses: writes them, `--check` only says what is wrong.
 * The repository's address is read from the root manifest.
 */
import { globSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import process from "node:process"
import { absolute, pathsOf } from "./publish/links.ts"
import { faults, shaped } from "./publish/manifest.ts"
import { json } from "./publish/packages.ts"
import { addressOf } from "./publish/repository.ts"

const root = join(import.meta.dirname, "..")
const address = addressOf(root)
const isCheck = process.argv.includes("--check")

const stats = (path: string) => statSync(join(root, path), { throwIfNoEntry: false })
const isFolder = (path: string) => stats(path)?.isDirectory() === true

const complain = (what: string) => {
  console.error(what)
  process.exitCode = 1
}

/** Writes a file, or says that it should be written. */
const write = (path: string, text: string): void => {
  if (readFileSync(join(root, path), "utf8") === text) return
  if (isCheck) return complain(`${path} is not as it should be: run \`node .ci/manifests.ts\``)
  writeFileSync(join(root, path), text)
  console.log(`wrote ${path}`)
}

/** How many lines a README may have: what does not fit is a page of docs. */
const most = 80

const packages = globSync("packages/*", { cwd: root }).toSorted()
for (const directory of packages) {
  const manifest = json(join(root, directory, "package.json"))
  const folder = basename(directory)
  for (const fault of faults(address, folder, shaped(address, folder, manifest)))
    complain(`${directory}/package.json ${fault}`)
  write(`${directory}/package.json`, `${JSON.stringify(shaped(address, folder, manifest), undefined, 2)}\n`)

  const readme = absolute(readFileSync(join(root, directory, "README.md"), "utf8"), { address, directory, isFolder })
  for (const path of pathsOf(readme, address).filter((one) => stats(one) === undefined))
    complain(`${directory}/README.md leads to ${path}, which does not exist`)
  const lines = readme.trimEnd().split("\n").length
  if (lines > most) complain(`${directory}/README.md has ${lines} lines; allowed: ${most}`)
  write(`${directory}/README.md`, readme)
}
if (process.exitCode === undefined)
  console.log(`${packages.length} manifests have one shape, and their READMEs' links lead somewhere`)
