import { assert, describe, it } from "@effect/vitest"
import * as Pino from "@redrive/pino/Pino"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { once } from "node:events"
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import pino from "pino"

/** A named pipe with a reader that does not read, for as long as the scope. */
const fifo = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      const folder = mkdtempSync(join(tmpdir(), "pino-"))
      const path = join(folder, "fifo")
      spawnSync("mkfifo", [path])
      return { folder, path, reader: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK) }
    }),
    ({ folder, reader }) =>
      Effect.sync(() => {
        // Whoever still writes gets EPIPE, so that no thread is left waiting.
        closeSync(reader)
        rmSync(folder, { recursive: true })
      })
  ),
  ({ path, reader }) => ({ path, read: () => linesIn(reader) })
)

/** Lines that a pipe holds now. */
const linesIn = (reader: number): number => {
  const buffer = Buffer.alloc(1_000_000)
  let count = 0
  try {
    for (let length = 1; length > 0;) {
      length = readSync(reader, buffer)
      for (const byte of buffer.subarray(0, length)) if (byte === 10) count++
    }
  } catch {
    // Nothing more is there.
  }
  return count
}

const streams: { readonly [kind: string]: (path: string) => pino.DestinationStream } = {
  "async file": (dest) => pino.destination({ dest, sync: false }),
  "async file with a minLength": (dest) => pino.destination({ dest, sync: false, minLength: 4096 }),
  "sync file that does not wait": (dest) =>
    pino.destination({
      fd: openSync(dest, constants.O_WRONLY | constants.O_NONBLOCK),
      sync: true,
      retryEAGAIN: () => false
    }),
  "file in several": (dest) => pino.multistream([pino.destination({ dest, sync: false })]),
  worker: (destination) => pino.transport({ target: "pino/file", options: { destination } })
}

const heap = (): number => {
  setFlagsFromString("--expose-gc")
  runInNewContext("gc")()
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}

const count = 40_000
const many = Effect.forEach(
  Array.from({ length: count }),
  (_, n) => Effect.andThen(Effect.log("x".repeat(1900)), n % 1000 === 0 ? Effect.sleep("1 millis") : Effect.void),
  { discard: true }
)

describe("a pipe that nobody reads", () => {
  it.live.each(Object.keys(streams))("costs bounded memory, and what is lost is said: %s", (kind) =>
    Effect.gen(function* () {
      const { path, read } = yield* fifo
      const stream = streams[kind]?.(path) ?? pino.destination(path)
      const lost: Array<number> = []
      const options = { flushTimeout: Duration.millis(100), onLost: (lines: number) => lost.push(lines) }
      const before = heap()
      const taken = Effect.sync(() => heap() - before)
      const held = yield* Effect.provide(Effect.andThen(many, taken), Pino.layer(pino({}, stream), options))
      // 80 MB were logged; 16 MB may wait, and are held as they are and in parts.
      assert.isBelow(held, 50_000_000)
      const [said = 0, ...more] = lost
      assert.isEmpty(more)
      assert.isAtMost(said, count)
      // What is not said to be lost is in the pipe, which holds 64 kB.
      assert.isAtLeast(said, count - 50)
      assert.isAtLeast(said + read(), count)
    })
  )

  it.live("costs what is in the way only: what is read in the end is not lost", () =>
    Effect.gen(function* () {
      const { path, read } = yield* fifo
      const lost: Array<number> = []
      let arrived = 0
      const reading = Effect.forever(
        Effect.andThen(
          Effect.sleep("1 millis"),
          Effect.sync(() => (arrived += read()))
        )
      )
      const lines = Effect.forEach(Array.from({ length: 500 }), () => Effect.log("x".repeat(1900)), { discard: true })
      const layer = Pino.layer(pino(pino.destination({ dest: path, sync: false })), { onLost: (n) => lost.push(n) })
      yield* Effect.forkScoped(reading)
      yield* Effect.provide(lines, layer)
      arrived += read()
      assert.isEmpty(lost)
      assert.strictEqual(arrived, 500)
    })
  )
})

describe("a stream of somebody's own", () => {
  it.live("whose flush does not end in time has lines of which that is said", () =>
    Effect.gen(function* () {
      const lost: Array<number> = []
      const options = { flushTimeout: Duration.millis(20), onLost: (lines: number) => lost.push(lines) }
      const stream = { write: () => undefined, flush: () => undefined }
      yield* Effect.provide(Effect.andThen(Effect.log("x"), Effect.log("y")), Pino.layer(pino({}, stream), options))
      assert.deepStrictEqual(lost, [2])
    })
  )
})

describe("a worker", () => {
  const three = Effect.forEach([1, 2, 3], (n) => Effect.log(`line ${n}`), { discard: true })
  const lostBy = (transport: ReturnType<typeof pino.transport>, program: Effect.Effect<unknown>) =>
    Effect.gen(function* () {
      const lost: Array<number> = []
      const options = { flushTimeout: Duration.millis(200), onLost: (lines: number) => lost.push(lines) }
      const begun = Date.now()
      yield* Effect.provide(program, Pino.layer(pino(transport), options))
      return { lost, took: Date.now() - begun }
    })

  const closed = (transport: ReturnType<typeof pino.transport>) =>
    Effect.callback<void>((resume) => void transport.once("close", () => resume(Effect.void)))

  it.live("that died costs what it had not written and what comes after, which is counted", () =>
    Effect.gen(function* () {
      const transport = pino.transport({ target: join(import.meta.dirname, "fixtures/dies.ts") })
      const program = Effect.andThen(Effect.andThen(three, closed(transport)), three)
      const { lost, took } = yield* lostBy(transport, program)
      assert.deepStrictEqual(lost, [6])
      assert.isBelow(took, 5000)
    })
  )

  it.live("that cannot start costs its lines, which are counted", () =>
    Effect.gen(function* () {
      const transport = pino.transport({ target: "pino/file", options: { destination: "/nowhere/at/all" } })
      const { lost } = yield* lostBy(transport, Effect.andThen(three, closed(transport)))
      assert.deepStrictEqual(lost, [3])
    })
  )

  it.live("that is well loses nothing, and says nothing", () =>
    Effect.gen(function* () {
      const transport = pino.transport({ target: "pino/file", options: { destination: "/dev/null" } })
      yield* Effect.promise(() => once(transport, "ready"))
      const { lost } = yield* lostBy(transport, three)
      assert.isEmpty(lost)
    })
  )
})
