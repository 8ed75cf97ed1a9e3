#!/usr/bin/env bash
# changesets 3 releases a package as a patch when its peer dependency has a major release.
#
# Packages: @changesets/cli 3.0.3, pnpm 12.21.0, Node.js 22.23.2 from npm.
# Input: a workspace in which `adapter` 1.0.0 has `core` as a peer, "workspace:^", and a changeset for a major of core.
# One would guess: adapter gets a major too, as with changesets 2, since its published peer range excludes every core that its users have.
# It gets 1.0.1, which `npm update` brings to users of core 1. A minor of core at 0.x gives 0.1.1 in the same way.
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir -p .changeset packages/core packages/adapter
echo 'packages: [packages/*]' > pnpm-workspace.yaml
echo '{"name":"root","private":true,"packageManager":"pnpm@12.21.0"}' > package.json
echo '{"name":"@s/core","version":"1.0.0"}' > packages/core/package.json
echo '{"name":"@s/adapter","version":"1.0.0","peerDependencies":{"@s/core":"workspace:^"}}' > packages/adapter/package.json
echo '{"changelog":false,"commit":false,"access":"public","baseBranch":"main"}' > .changeset/config.json
printf -- '---\n"@s/core": major\n---\n\ntext\n' > .changeset/one.md
git init -q -b main
git add -A
git -c user.name=a -c user.email=a@example.com commit -qm start
npx -y -p node@22.23.2 -p pnpm@12.21.0 -p @changesets/cli@3.0.3 changeset status --output=status.json
cat status.json
node -e '
const { releases } = JSON.parse(require("fs").readFileSync("status.json"))
const found = Object.fromEntries(releases.map((one) => [one.name, one.newVersion]))
process.exit(found["@s/core"] === "2.0.0" && found["@s/adapter"] === "1.0.1" ? 0 : 1)'
