#!/usr/bin/env bash
# pnpm does not add a package called npm: it makes npm the project's package manager.
#
# Packages: pnpm 12.21.0.
# Input: pnpm add -D npm@12.2.0, for a program that reads npm's own documentation, in a project without a packageManager field.
# One would guess: npm is a package like others, and stands in devDependencies.
# It does not stand there. The command ends with exit code 0 and one line that says what it recorded. An alias (npm-docs@npm:npm@12.2.0) is a dependency.
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
mkdir plain alias
echo '{"private":true}' > plain/package.json
cp plain/package.json alias/
(cd plain && npx -y pnpm@12.21.0 add -D npm@12.2.0)
(cd alias && npx -y pnpm@12.21.0 add -D npm-docs@npm:npm@12.2.0)
cat plain/package.json alias/package.json
node -e '
const plain = JSON.parse(require("fs").readFileSync("plain/package.json"))
const alias = JSON.parse(require("fs").readFileSync("alias/package.json"))
const isAdded = "npm" in (plain.devDependencies ?? {})
process.exit(!isAdded && "npm-docs" in alias.devDependencies ? 0 : 1)'
