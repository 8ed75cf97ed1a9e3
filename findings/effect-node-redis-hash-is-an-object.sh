#!/usr/bin/env bash
# The same Redis command, sent through Effect's Redis service over node-redis, gives a hash in another shape than within a script.
#
# Packages: effect 4.1.0, @effect/platform-node 4.1.0, redis 6.3.1 (npm), Node.js 22 or newer; redis-server 7 (Debian) on 127.0.0.1.
# Input: HSET h a 1 b 2, read by HGETALL, once with `send` and once by a script with `eval`.
# One would guess: both give what Redis documents for HGETALL, a flat list of fields and values, since `send` passes the words of a command through, and
# its type lets the caller say what comes back. But the client speaks RESP3 by default, in which a hash is a map, and gives a plain object
# for it; a Lua table has no maps, so that a script gives the list.
#
# Seen:
#   send: {"a":"1","b":"2"} (no list)
#   eval: ["a","1","b","2"]
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
port=$(node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
redis-server --port "$port" --bind 127.0.0.1 --dir "$folder" --save "" --appendonly no > /dev/null &
server=$!
trap 'kill "$server"; rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund effect@4.1.0 @effect/platform-node@4.1.0 redis@6.3.1
cat > run.mjs <<'JS'
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as Effect from "effect/Effect"
import * as Redis from "effect/persistence/Redis"

const script = Redis.script(() => ["h"], { numberOfKeys: 1, lua: "return redis.call('HGETALL', KEYS[1])" })
const program = Effect.gen(function* () {
  const redis = yield* Redis.Redis
  yield* redis.send("HSET", "h", "a", "1", "b", "2")
  return [yield* redis.send("HGETALL", "h"), yield* redis.eval(script)()]
})
const url = `redis://127.0.0.1:${process.argv[2]}`
const [sent, scripted] = await Effect.runPromise(Effect.provide(program, NodeRedis.layer({ url })))
const shape = Array.isArray(sent) ? "list" : "no list"
const seen = [`send: ${JSON.stringify(sent)} (${shape})`, `eval: ${JSON.stringify(scripted)}`]
console.log(seen.join("\n"))
const expected = [`send: {"a":"1","b":"2"} (no list)`, `eval: ["a","1","b","2"]`]
process.exitCode = JSON.stringify(seen) === JSON.stringify(expected) ? 0 : 1
JS
node run.mjs "$port"
