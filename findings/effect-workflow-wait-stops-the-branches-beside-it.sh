#!/usr/bin/env bash
# A durable wait in the first branch of a workflow stops the branches after it: they begin when the wait is over. In the last branch it stops none.
#
# Packages: effect 4.1.0 (effect/workflow, the engine in memory), Node.js 20 or newer.
# Input: a workflow of two branches in `Effect.all` with `concurrency: "unbounded"`: a `DurableClock.sleep` of a second, and three activities of 20 ms,
# one after the other; once with the wait first, and once with it last.
# One would guess: branches are side by side, so that the activities take 60 ms in both orders. But the fiber that waits for a clock or a deferred suspends the
# whole execution unless an activity is under way by then, and a branch after it has not come so far. The code runs again when the wait is over: with a
# wait of an hour the activities are an hour late.
#
# Seen:
#   the wait first: after 600 ms none, after 1600 ms one, two, three; the code ran 2 times
#   the wait last:  after 600 ms one, two, three, after 1600 ms one, two, three; the code ran 2 times
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
import * as Layer from "effect/Layer"
import * as Activity from "effect/workflow/Activity"
import * as DurableClock from "effect/workflow/DurableClock"
import * as Workflow from "effect/workflow/Workflow"
import * as WorkflowEngine from "effect/workflow/WorkflowEngine"

const story = async (order) => {
  const done = []
  let runs = 0
  const activity = (name) =>
    Activity.make({ name, execute: Effect.andThen(Effect.sleep(20), Effect.sync(() => done.push(name))) })
  const branch = Effect.andThen(activity("one"), Effect.andThen(activity("two"), activity("three")))
  const wait = DurableClock.sleep({ name: "wait", duration: "1 second", inMemoryThreshold: 0 })
  const flow = Workflow.make("flow", { payload: {}, idempotencyKey: () => "1" })
  const layer = flow.toLayer(() =>
    Effect.suspend(() => {
      runs++
      return Effect.asVoid(Effect.all(order(wait, branch), { concurrency: "unbounded" }))
    })
  )
  const program = Effect.gen(function* () {
    yield* flow.execute({}, { discard: true })
    yield* Effect.sleep(600)
    const before = done.join(", ") || "none"
    yield* Effect.sleep(1000)
    return `after 600 ms ${before}, after 1600 ms ${done.join(", ")}; the code ran ${runs} times`
  })
  return Effect.runPromise(Effect.provide(program, Layer.provideMerge(layer, WorkflowEngine.layerMemory)))
}

const seen = [await story((wait, branch) => [wait, branch]), await story((wait, branch) => [branch, wait])]
console.log(`the wait first: ${seen[0]}`)
console.log(`the wait last:  ${seen[1]}`)
const expected = ["none", "one, two, three"].map(
  (before) => `after 600 ms ${before}, after 1600 ms one, two, three; the code ran 2 times`
)
process.exitCode = JSON.stringify(seen) === JSON.stringify(expected) ? 0 : 1
JS
node run.mjs
