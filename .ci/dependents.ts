/**
 * Writes a changeset for the packages that a release breaks without a changeset of their own: changesets would release them as a patch
 * (docs/decisions/0040). `pnpm version-packages` runs it first.
 */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { packagesOf, waiting } from "./publish/packages.ts"
import { missing, planOf } from "./publish/plan.ts"

const root = join(import.meta.dirname, "..")
const changeset = missing(planOf(packagesOf(root), waiting(root)))
if (changeset === undefined) console.log("no package is broken without a changeset of its own")
else {
  writeFileSync(join(root, ".changeset/dependents.md"), changeset)
  console.log(`wrote .changeset/dependents.md:\n${changeset}`)
}
