#!/usr/bin/env bash
# Two loggers, or two error reporters, in one `Layer.mergeAll`: only the last one hears, although each is installed with `mergeWithExisting`.
#
# Packages: effect 4.1.0, Node.js 20 or newer.
# Input: two `Logger.layer` and two `ErrorReporter.layer`, all with `mergeWithExisting: true`, merged, and provided one to another.
# One would guess: `mergeWithExisting` adds a listener, so that both hear. But a layer reads the set when it is built and provides a new one under the
# same key; layers that are merged are built beside each other from the same set, and of two values of one key `Layer.mergeAll` keeps the last. With
# `Layer.provideMerge` the second is built upon the first, and both hear.
#
# Seen:
#   mergeAll:     loggers b; reporters b
#   the other way: loggers a; reporters a
#   provideMerge: loggers a, b; reporters a, b
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund effect@4.1.0
cat > run.mjs <<'JS'
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"

const heard = async (put) => {
  const [loggers, reporters] = [[], []]
  const adapter = (name) =>
    Layer.provideMerge(
      Logger.layer([Logger.make(() => loggers.push(name))], { mergeWithExisting: true }),
      ErrorReporter.layer([ErrorReporter.make(() => reporters.push(name))], { mergeWithExisting: true })
    )
  const program = Effect.andThen(Effect.logError("x"), Effect.ignore(Effect.withErrorReporting(Effect.fail("x"))))
  const layer = Layer.provideMerge(put(adapter("a"), adapter("b")), Logger.layer([]))
  await Effect.runPromise(Effect.provide(program, layer))
  return `loggers ${loggers.sort().join(", ")}; reporters ${reporters.sort().join(", ")}`
}

const seen = [
  await heard((a, b) => Layer.mergeAll(a, b)),
  await heard((a, b) => Layer.mergeAll(b, a)),
  await heard((a, b) => Layer.provideMerge(b, a))
]
const names = ["mergeAll:     ", "the other way:", "provideMerge: "]
for (const [index, text] of seen.entries()) console.log(`${names[index]} ${text}`)
const expected = ["loggers b; reporters b", "loggers a; reporters a", "loggers a, b; reporters a, b"]
process.exitCode = JSON.stringify(seen) === JSON.stringify(expected) ? 0 : 1
JS
node run.mjs
