#!/usr/bin/env bash
# pnpm 12 waits without end for the answer to a publication; its fetch-timeout does not count for it.
#
# Package: pnpm 12.21.0.
# Input: a publication to a registry on 127.0.0.1 that takes it and does not answer, with fetch-timeout at two seconds (60 by default) and no retries.
# One would guess: the command fails after about two seconds, as `pnpm view` of the same registry does.
# It was still waiting after twenty seconds, when it was ended. A release in CI ends with the job's own time limit.
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"name":"@s/one","version":"1.0.0"}' > package.json
cat > server.mjs <<'JS'
import { execFile } from "node:child_process"
import { createServer } from "node:http"
const server = createServer((request) => request.resume())
const env = { ...process.env, NPM_CONFIG_USERCONFIG: "npmrc", PNPM_CONFIG_FETCH_TIMEOUT: "2000", PNPM_CONFIG_FETCH_RETRIES: "0" }
const run = (...args) =>
  new Promise((resolve) => {
    const begun = Date.now()
    // `timeout` ends what npx starts as well.
    execFile("timeout", ["20", "npx", "-y", "pnpm@12.21.0", ...args], { env }, (error) =>
      resolve({ what: args[0], code: error?.code ?? 0, seconds: Math.round((Date.now() - begun) / 1000) })
    )
  })
server.listen(0, "127.0.0.1", async () => {
  const { port } = server.address()
  const { writeFileSync } = await import("node:fs")
  writeFileSync("npmrc", `@s:registry=http://127.0.0.1:${port}/\n//127.0.0.1:${port}/:_authToken=any\n`)
  await run("--version")
  const view = await run("view", "@s/one")
  const publish = await run("publish", "--no-git-checks", "--access", "public")
  console.log(view, publish)
  // 124 is the exit code of a program that `timeout` ended.
  process.exit(view.code !== 0 && view.code !== 124 && publish.code === 124 ? 0 : 1)
})
JS
node server.mjs
