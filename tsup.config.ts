import { defineConfig } from "tsup"

// One config for every package; run it in the package's folder. tsc writes the declarations.
export default defineConfig({
  entry: ["src/*.ts"],
  format: ["esm"],
  target: "es2022",
  platform: "node",
  removeNodeProtocol: false,
  sourcemap: true,
  // The sources are in the package; in the maps they would be there twice (docs/decisions/0040).
  esbuildOptions: (options) => {
    options.sourcesContent = false
  },
  clean: true,
  dts: false,
  silent: true
})
