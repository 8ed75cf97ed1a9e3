import { assert, describe, it } from "@effect/vitest"
import type * as Destination from "@redrive/log/Destination"
import * as Log from "@redrive/log/Log"
import * as Shutdown from "@redrive/testing/Shutdown"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync, createWriteStream, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { Writable } from "node:stream"

const lines = (text: string) => text.split("\n").filter((line) => line.includes('"message":"line '))

/** A stream that takes nothing before it is let. */
const blocked = () => {
  const written: Array<string> = []
  const held: Array<() => void> = []
  let isOpen = false
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk: string, _, done) => {
      const take = () => {
        written.push(chunk)
        done()
      }
      if (isOpen) take()
      else held.push(take)
    }
  })
  const open = () => {
    isOpen = true
    for (const take of held.splice(0)) take()
  }
  return { stream, written, open }
}

const log = (count: number, text = "x") =>
  Effect.forEach(Array.from({ length: count }), () => Effect.log(text), { discard: true })

const provided = <A>(
  program: Effect.Effect<A>,
  stream: Destination.Stream,
  onLost: (count: number) => void = () => undefined
) => Effect.provide(program, Log.layer({ stream, format: "json", flushTimeout: Duration.millis(50), onLost }))

describe("a stream", () => {
  it.live("that is slow costs lines in the end, not memory, and they are counted", () =>
    Effect.gen(function* () {
      const { open, stream, written } = blocked()
      const text = "x".repeat(1900)
      yield* provided(
        Effect.gen(function* () {
          yield* log(20_000, text)
          assert.isBelow(stream.writableLength, 17_000_000)
          open()
          yield* Effect.sleep("20 millis")
          yield* Effect.log("after")
        }),
        stream
      )
      const read = written.map((line) => JSON.parse(line))
      const lost = read.find((line) => "lost" in line)?.lost
      assert.isAbove(lost, 1000)
      assert.strictEqual(written.length - 2 + lost, 20_000)
      assert.strictEqual(read.at(-1)?.message, "after")
    })
  )

  it.live("that is closed, or a full disk, changes nothing but its own lines", () =>
    Effect.gen(function* () {
      const { stream } = blocked()
      stream.destroy()
      assert.strictEqual(yield* provided(Effect.as(log(10), "done"), stream), "done")
      const full = createWriteStream("/dev/full")
      const slowly = Effect.forEach([1, 2, 3], () => Effect.andThen(log(10), Effect.sleep("10 millis")), {
        discard: true
      })
      assert.strictEqual(yield* provided(Effect.as(slowly, "done"), full), "done")
      // On a busy machine it learns that later.
      if (!full.closed) yield* Effect.callback<void>((resume) => void full.once("close", () => resume(Effect.void)))
      assert.isTrue(full.destroyed)
    })
  )

  it.live("is waited for at the end, within a limit", () =>
    Effect.gen(function* () {
      const slow = blocked()
      setTimeout(slow.open, 20)
      yield* provided(log(5), slow.stream)
      assert.lengthOf(slow.written, 5)
      const never = blocked()
      const lost: Array<number> = []
      yield* provided(log(5), never.stream, (count) => lost.push(count))
      assert.deepStrictEqual([never.written, lost], [[], [5]])
    })
  )
})

describe("the lines of a program that ends", () => {
  const program = join(import.meta.dirname, "fixtures/program.ts")

  /** Runs the program to its end; `stderr` is a file. */
  const ended = (ending: Shutdown.Ending, stderr: string, ...args: ReadonlyArray<string>) => {
    const open = Effect.acquireRelease(
      Effect.sync(() => openSync(stderr, "w")),
      (file) => Effect.sync(() => closeSync(file))
    )
    const run = Effect.flatMap(open, (file) => Shutdown.run(program, ending, { args, stderr: file }))
    return Effect.runPromise(Effect.scoped(run))
  }

  const inFile = (use: (file: string) => Promise<void>) => async () => {
    const folder = mkdtempSync(join(tmpdir(), "log-"))
    try {
      await use(join(folder, "log"))
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  it.each(["return", "exit", "SIGTERM", "SIGKILL"] as const)(
    "are all on stderr, which is written at once: %s",
    (ending) =>
      inFile(async (file) => {
        await ended(ending, file)
        assert.lengthOf(lines(readFileSync(file, "utf8")), 1000)
      })()
  )

  it.each(["return", "SIGTERM"] as const)("are all in a stream, which is waited for: %s", (ending) =>
    inFile(async (file) => {
      await ended(ending, "/dev/null", file)
      assert.lengthOf(lines(readFileSync(file, "utf8")), 1000)
    })()
  )

  it("onto a full disk are said to be lost", () =>
    inFile(async (file) => {
      assert.strictEqual(await ended("return", file, "/dev/full"), 0)
      assert.match(readFileSync(file, "utf8"), /^\d+ log lines could not be written$/m)
    })())

  it("into a pipe that nobody reads any more do not end it", async () => {
    const child = spawn(process.execPath, [program, "return"], { stdio: ["ignore", "ignore", "pipe"] })
    child.stderr.destroy()
    assert.deepStrictEqual(await once(child, "exit"), [0, null])
  })
})
