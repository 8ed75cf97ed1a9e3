// The API reference of all packages, from their sources. `pnpm reference` writes it to `dist`.
import { readFileSync } from "node:fs"

const { repository } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
const address = (repository?.url ?? "https://github.com/redrive/redrive").replace(/^git\+|\.git$/g, "")

/** @type {Partial<import("typedoc").TypeDocOptions>} */
export default {
  name: "Redrive",
  entryPointStrategy: "packages",
  entryPoints: ["../packages/*"],
  packageOptions: {
    entryPoints: ["src/index.ts"],
    tsconfig: "tsconfig.json",
    excludeInternal: true,
    excludeExternals: true,
    readme: "none",
    // `pnpm typecheck` does that. Types that are not public are shown where public ones use them.
    skipErrorChecking: true,
    validation: { invalidLink: true, invalidPath: true, notExported: false, rewrittenLink: true }
  },
  out: "dist",
  readme: "none",
  includeVersion: false,
  disableGit: true,
  basePath: "..",
  gitRevision: "main",
  sourceLinkTemplate: `${address}/blob/{gitRevision}/{path}#L{line}`,
  validation: { invalidLink: true, invalidPath: true, notExported: false, rewrittenLink: true },
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true
}
