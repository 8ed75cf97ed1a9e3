// The API reference of all packages, from their sources. `pnpm reference` writes it to `dist`.
import { readFileSync } from "node:fs"

const { repository } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
const written = typeof repository === "string" ? repository : repository?.url
const address = (written ?? "https://github.com/redrive/redrive").replaceAll(/^git\+|\.git$/g, "")

/** @type {Partial<import("typedoc").TypeDocOptions>} */
const links = {
  disableGit: true,
  displayBasePath: new URL("..", import.meta.url).pathname,
  gitRevision: "main",
  sourceLinkTemplate: `${address}/blob/{gitRevision}/{path}#L{line}`,
  validation: { invalidLink: true, invalidPath: true, notExported: false, rewrittenLink: true }
}

/** @type {Partial<import("typedoc").TypeDocOptions>} */
export default {
  ...links,
  name: "Redrive",
  plugin: ["./modules.mjs"],
  entryPointStrategy: "packages",
  entryPoints: ["../packages/*"],
  packageOptions: {
    ...links,
    entryPoints: ["src/*.ts"],
    exclude: ["src/index.ts"],
    tsconfig: "tsconfig.json",
    excludeInternal: true,
    excludeExternals: true,
    readme: "none",
    // `pnpm typecheck` does that. Types that are not public are shown where public ones use them.
    skipErrorChecking: true
  },
  out: "dist",
  readme: "none",
  includeVersion: false,
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true
}
