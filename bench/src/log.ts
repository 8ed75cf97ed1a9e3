/** What a line of a log costs, from the call to a buffer that is written in large parts: ours next to Effect's own loggers, and peers. */
import * as LogTape from "@logtape/logtape"
import * as ItemError from "@redrive/core/ItemError"
import * as Observer from "@redrive/core/Observer"
import * as Verdict from "@redrive/core/Verdict"
import * as Log from "@redrive/log/Log"
import * as Pino from "@redrive/pino/Pino"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { Writable } from "node:stream"
import pino from "pino"
import winston from "winston"
import { report, type Task } from "./measure.ts"

const lines = 1000

// Written in large parts, and at once: a loop that never waits would fill an asynchronous one, of which we would refuse lines then.
const destination = () => pino.destination({ dest: "/dev/null", sync: true, minLength: 8192 })
const buffer = destination()
const stream = { write: (line: string) => buffer.write(line) }

/** Facts of one line: made for it, as programs do. */
const fieldsOf = (pages: number) => ({
  job: "33d6fb20-83de-4f22-b9e8-d411af6c83e2",
  pages,
  ratio: pages / 4,
  done: false,
  host: "example.com"
})
const fields = fieldsOf(3)
let page = 0
const cause = new Error("fetch failed", { cause: Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }) })
/** What programs throw most: pino writes it as we do, with name, message, stack and causes, so that both do the same work. */
const plain = new Error("the page failed", { cause })
const failure = new ItemError.ItemError({
  url: "https://example.com/",
  reason: new ItemError.InternalError({ detail: "unknown", cause })
})

/** The same as programs have it: an error is thrown, and logged once. Its stack is made into a text by the first who reads it. */
const newError = () => {
  const socket = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })
  return new Error("the page failed", { cause: new Error("fetch failed", { cause: socket }) })
}

const annotated = "five annotations"
const fresh = "a new Error"

const raw = pino(destination())
const quiet = pino({ level: "error" }, destination())

const winstonOf = (level: string) =>
  winston.createLogger({
    level,
    format: winston.format.combine(winston.format.timestamp(), winston.format.json()),
    transports: [
      new winston.transports.Stream({
        stream: new Writable({
          decodeStrings: false,
          write: (line: string, _, done) => {
            buffer.write(line)
            done()
          }
        })
      })
    ]
  })
const loud = winstonOf("info")
const silent = winstonOf("error")

const jsonLines = LogTape.getJsonLinesFormatter()
await LogTape.configure({
  sinks: { buffer: (record) => void buffer.write(jsonLines(record)) },
  loggers: [
    { category: ["app"], lowestLevel: "info", sinks: ["buffer"] },
    { category: ["logtape"], lowestLevel: "error", sinks: [] }
  ]
})
const tape = LogTape.getLogger(["app"])

const runtimes: Array<ManagedRuntime.ManagedRuntime<never, never>> = []

/** Many lines in one fiber, of a program whose layers were built long ago. Stacks have the path of this folder, whose length differs: no bytes. */
const inFiber = (path: string, name: string, log: Effect.Effect<void>, layer: Layer.Layer<never>): Task => {
  const all = Effect.forEach(Array.from({ length: lines }), () => log, { discard: true })
  const program = path === annotated ? Effect.annotateLogs(all, fields) : all
  const runtime = ManagedRuntime.make(layer)
  runtimes.push(runtime)
  return { path, name, times: lines, bytes: !path.startsWith(fresh), runs: 1, run: () => runtime.runPromise(program) }
}

/** Many lines, each by a call. */
const called = (path: string, name: string, log: () => unknown): Task => ({
  path,
  name,
  times: lines,
  bytes: true,
  runs: 1,
  run: () => {
    for (let line = 0; line < lines; line++) log()
  }
})

const ours = Log.layer({ stream, format: "json" })
const viaPino = Pino.layer(raw)
const formatJson = Logger.layer([Logger.map(Logger.formatJson, (line) => void buffer.write(`${line}\n`))])
const none = Logger.layer([Logger.make(() => undefined)])

const effects = (path: string, log: Effect.Effect<void>): ReadonlyArray<Task> => [
  inFiber(path, "Log.layer", log, ours),
  inFiber(path, "Pino.layer", log, viaPino),
  inFiber(path, "Effect, formatJson", log, formatJson),
  inFiber(path, "Effect, a logger that does nothing", log, none)
]

/** What Sentry's adapter, the alerter and metrics are to a failure: it is reported once, and each is told. */
const observer = () => Observer.layer({ report: () => undefined, event: () => undefined })
const reported = Effect.suspend(() => ErrorReporter.report(Cause.fail(newError())))
const scheduled = Effect.suspend(() => {
  const [error, verdict, delay] = [newError(), Verdict.transient("quick"), Duration.seconds(1)]
  return Observer.tell(() => ({ _tag: "RetryScheduled", name: "page", attempt: 1, error, verdict, delay }))
})

await report("log.md", "What a line costs", [
  called("a text", "pino", () => raw.info("hello world")),
  ...effects("a text", Effect.logInfo("hello world")),
  called("a text", "winston", () => loud.info("hello world")),
  called("a text", "LogTape", () => tape.info("hello world")),
  called("five fields", "pino", () => raw.info(fieldsOf(page++), "hello world")),
  ...effects(
    "five fields",
    Effect.suspend(() => Effect.logInfo("hello world", fieldsOf(page++)))
  ),
  called("five fields", "winston", () => loud.info("hello world", fieldsOf(page++))),
  called("five fields", "LogTape", () => tape.info("hello world", fieldsOf(page++))),
  called(
    annotated,
    "pino, a child",
    (() => {
      const child = raw.child(fields)
      return () => child.info("hello world")
    })()
  ),
  ...effects(annotated, Effect.logInfo("hello world")),
  called("a plain Error with causes", "pino", () => raw.error(plain, "failed")),
  ...effects("a plain Error with causes", Effect.logError("failed", plain)),
  called("a plain Error with causes", "winston", () => loud.error("failed", { err: plain })),
  called("a plain Error with causes", "LogTape", () => tape.error("failed", { err: plain })),
  // In a fiber, so that all errors have as many frames.
  inFiber(
    "a new Error with causes",
    "pino",
    Effect.sync(() => raw.error(newError(), "failed")),
    none
  ),
  ...effects(
    "a new Error with causes",
    Effect.suspend(() => Effect.logError("failed", newError()))
  ),
  called("an ItemError with causes", "pino", () => raw.error(failure, "failed")),
  ...effects("an ItemError with causes", Effect.logError("failed", failure)),
  called("an ItemError with causes", "winston", () => loud.error("failed", { err: failure })),
  called("an ItemError with causes", "LogTape", () => tape.error("failed", { err: failure })),
  called("a level that is off", "pino", () => quiet.info("hello world")),
  inFiber("a level that is off", "Log.layer", Effect.logDebug("hello world"), ours),
  inFiber("a level that is off", "Pino.layer", Effect.logDebug("hello world"), viaPino),
  inFiber("a level that is off", "Pino.layer, off in pino", Effect.logInfo("hello world"), Pino.layer(quiet)),
  inFiber("a level that is off", "Effect, a logger that does nothing", Effect.logDebug("hello world"), none),
  called("a level that is off", "winston", () => silent.info("hello world")),
  called("a level that is off", "LogTape", () => tape.debug("hello world")),
  inFiber("a new Error is reported", "to an observer", reported, observer()),
  inFiber("a new Error is reported", "to three", reported, Layer.mergeAll(observer(), observer(), observer())),
  inFiber("a new Error is reported", "to Log.layer and two", reported, Layer.mergeAll(ours, observer(), observer())),
  inFiber("a retry, which only Debug tells", "an observer", scheduled, observer()),
  inFiber(
    "a retry, which only Debug tells",
    "Log.layer and two",
    scheduled,
    Layer.mergeAll(ours, observer(), observer())
  )
])
// A layer whose lines were dropped, and so cost nothing, says so as it ends.
await Promise.all(runtimes.map((runtime) => runtime.dispose()))
