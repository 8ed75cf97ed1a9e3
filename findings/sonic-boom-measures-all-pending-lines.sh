#!/usr/bin/env bash
# A buffered destination of pino (sonic-boom with `minLength`) measures all lines that it holds back again at each new line.
#
# Package: sonic-boom 4.2.1, Node.js 20 or newer.
# Input: `minLength: 16000`, synchronous, to /dev/null; 199 lines of 80 bytes, which it holds back as one text.
# One would guess: each line is measured once, 15,920 bytes in all. It asks for the byte length of the whole text with each line, so the
# work grows with the square of the lines between two writes: a larger buffer makes each line dearer, not cheaper.
#
# Seen:
#   199 lines, 15920 bytes: 1592000 bytes measured, 100 times as many
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund sonic-boom@4.2.1
cat > run.mjs <<'JS'
import SonicBoom from "sonic-boom"

const destination = new SonicBoom({ dest: "/dev/null", sync: true, minLength: 16_000 })
const [lines, line] = [199, `${"x".repeat(79)}\n`]

let measured = 0
const byteLength = Buffer.byteLength
Buffer.byteLength = (text, encoding) => {
  const bytes = byteLength(text, encoding)
  measured += bytes
  return bytes
}
for (let count = 0; count < lines; count++) destination.write(line)
Buffer.byteLength = byteLength
destination.flushSync()

const written = lines * line.length
const times = Math.round(measured / written)
console.log(`${lines} lines, ${written} bytes: ${measured} bytes measured, ${times} times as many`)
process.exitCode = times > 50 ? 0 : 1
JS
node run.mjs
