#!/usr/bin/env bash
# pnpm 12 publishes from a git repository without telling the registry the commit.
#
# Packages: pnpm 12.21.0, npm 11.19.1.
# Input: a clean repository with one package, published to a registry on 127.0.0.1 with each of the two.
# One would guess: the published manifest has `gitHead`, as with npm, so that a version without a tag can still be traced to its commit.
# With npm it has. With pnpm it has not.
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir package
cat > server.mjs <<'JS'
import { execFile } from "node:child_process"
import { createServer } from "node:http"
const heads = {}
const server = createServer(async (request, response) => {
  let text = ""
  for await (const chunk of request) text += chunk
  if (request.method !== "PUT") return response.writeHead(404).end("{}")
  for (const [version, manifest] of Object.entries(JSON.parse(text).versions)) heads[version] = manifest.gitHead
  response.writeHead(201, { "content-type": "application/json" }).end("{}")
})
server.listen(0, "127.0.0.1", async () => {
  const { port } = server.address()
  for (const [version, args] of [["1.0.0", ["npm@11.19.1", "publish"]], ["1.0.1", ["pnpm@12.21.0", "publish"]]]) {
    await new Promise((resolve) => execFile("./publish.sh", [String(port), version, ...args], (error, out, err) => {
      console.log(out, err)
      resolve()
    }))
  }
  console.log(heads)
  server.close()
  process.exit(/^[0-9a-f]{40}$/.test(heads["1.0.0"]) && "1.0.1" in heads && heads["1.0.1"] === undefined ? 0 : 1)
})
JS
cat > publish.sh <<'SH'
#!/usr/bin/env bash
set -euo pipefail
cd package
echo "{\"name\":\"@s/one\",\"version\":\"$2\"}" > package.json
printf '@s:registry=http://127.0.0.1:%s/\n//127.0.0.1:%s/:_authToken=any\n' "$1" "$1" > ../npmrc
printf '' > .gitignore
[ -d .git ] || git init -q -b main
git add -A
git -c user.name=a -c user.email=a@example.com commit -qm "$2"
NPM_CONFIG_USERCONFIG=$PWD/../npmrc npx -y "${@:3}" --access public
SH
chmod +x publish.sh
node server.mjs
