import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Alerter from "@redrive/alert/Alerter"
import * as Outbox from "@redrive/alert/Outbox"
import * as Route from "@redrive/alert/Route"
import type { Service } from "@redrive/alert/Sink"
import * as SqlOutbox from "@redrive/alert/SqlOutbox"
import * as Observer from "@redrive/core/Observer"
import * as Verdict from "@redrive/core/Verdict"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type * as SqlClient from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"

const routes = Route.make([
  {
    name: "r",
    sinks: ["a"],
    match: {},
    groupBy: ["code"],
    groupWait: Duration.seconds(5),
    resolveAfter: Duration.seconds(5),
    quietFor: Duration.seconds(2)
  }
])

const fail = (name: string) =>
  Effect.suspend(() => {
    const error = Object.assign(new Error("down"), { name })
    const call = { name: "call", key: name, because: "retries", attempts: 1 }
    return Effect.andThen(
      Observer.tell(() => ({ _tag: "GaveUp", name: "call", key: name, attempt: 1, error, because: "retries", call })),
      ErrorReporter.report(Cause.fail(error))
    )
  })

/** A policy says that it retries for an hour. */
const retry = (name: string) =>
  Observer.tell(() => ({
    _tag: "RetryScheduled",
    name: "call",
    key: name,
    attempt: 1,
    delay: Duration.hours(1),
    verdict: Verdict.transient("steady"),
    error: Object.assign(new Error("down"), { name })
  }))

/** A call that works says so only while somebody expects it, like the retry engine. */
const work = (name: string) =>
  Effect.suspend(() =>
    Observer.isSuccessExpected("call", name)
      ? Observer.tell(() => ({ _tag: "Succeeded", name: "call", key: name, attempt: 1 }))
      : Effect.void
  )

interface Process {
  readonly run: <A>(effect: Effect.Effect<A>) => Effect.Effect<A>
  readonly told: Array<string>
  /** Whether it can reach the database. */
  isCut: boolean
  /** Whether it does not see who holds the outbox, as if its event loop were blocked between two looks. */
  isBlind: boolean
  /** The failures that it counted as lost. */
  readonly lost: Array<number>
  /** Ends it: its alerter passes on what it has. */
  readonly stop: Effect.Effect<void>
  /** Ends it as a SIGKILL does. */
  readonly kill: Effect.Effect<void>
}

const blind = new Outbox.OutboxError({ message: "the event loop is blocked" })

/** What all processes were told of, in order, `opened Disk 2@first`. */
type Told = Array<string>

/** Starts an alerter on a database that others use, too. */
const start = Effect.fnUntraced(function* (
  name: string,
  database: Context.Context<SqlClient.SqlClient>,
  all: Told,
  own: ReadonlyArray<Route.Route> = routes
): Effect.fn.Return<Process, Outbox.OutboxError, Scope.Scope> {
  const told: Array<string> = []
  const scope = yield* Scope.make()
  const lost: Array<number> = []
  const self = { isCut: false, isBlind: false, isKilled: false, lost }
  const sink: Service = {
    send: (alerts) =>
      self.isKilled
        ? Effect.never
        : Effect.sync(() => {
            for (const { count, key, status } of alerts) {
              told.push(`${status} ${key} ${count}`)
              all.push(`${status} ${key} ${count}@${name}`)
            }
          })
  }
  const real = yield* Effect.provideContext(
    Effect.provide(Outbox.Outbox, Layer.fresh(SqlOutbox.layer({ name: "shared" }))),
    database
  )
  const cut = <A>(effect: Effect.Effect<A, Outbox.OutboxError>) =>
    Effect.suspend(() => {
      if (self.isKilled) return Effect.never
      return self.isCut ? Effect.fail(new Outbox.OutboxError({ message: "the network is cut" })) : effect
    })
  const { share } = real
  assert.isDefined(share)
  const outbox: Outbox.Service = {
    load: cut(real.load),
    commit: (changes) => cut(real.commit(changes)),
    share: {
      interval: share.interval,
      hold: (calls) => cut(Effect.suspend(() => (self.isBlind ? Effect.fail(blind) : share.hold(calls)))),
      letGo: cut(share.letGo),
      passOn: (heard) => cut(share.passOn(heard)),
      passedOn: cut(share.passedOn)
    }
  }
  const layer = Alerter.layerOf(
    { a: sink },
    { routes: own, flushTimeout: "1 second", onLost: (count) => void lost.push(count) }
  ).pipe(Layer.provideMerge(Layer.succeed(Outbox.Outbox, outbox)), Layer.provideMerge(Logger.layer([])))
  const context = yield* Layer.buildWithScope(layer, scope)
  return Object.assign(self, {
    told,
    run: <A>(effect: Effect.Effect<A>) => Effect.provideContext(effect, context),
    stop: Scope.close(scope, Exit.void),
    kill: Effect.sync(() => {
      self.isKilled = true
    })
  })
})

const shared = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "shared-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const database = yield* Layer.build(Sqlite.layer({ filename: join(folder, "alerts.db") }))
  const all: Told = []
  return { all, start: (name: string, own?: ReadonlyArray<Route.Route>) => start(name, database, all, own) }
})

/** Time passes in steps, so that everybody has their turns. */
const wait = (seconds: number) =>
  Effect.forEach(Array.from({ length: seconds }), () => TestClock.adjust("1 second"), { discard: true })

describe("several processes on one outbox", () => {
  it.effect("tell people once of what they fail with, and when it works again anywhere", () =>
    Effect.gen(function* () {
      const { all, start } = yield* shared
      const [one, two] = [yield* start("one"), yield* start("two")]
      yield* one.run(fail("Disk"))
      yield* two.run(fail("Disk"))
      yield* two.run(fail("Disk"))
      yield* two.run(fail("Net"))
      yield* wait(12)
      assert.deepStrictEqual(all, ["opened Disk 3@one", "opened Net 1@one"])
      // It never failed in the first process, and works in the second.
      yield* two.run(work("Net"))
      yield* wait(8)
      assert.strictEqual(all.at(-1), "resolved Net 0@one")
    })
  )

  it.effect("go on when the one that tells ends, at once, and when it is killed, after its lease", () =>
    Effect.gen(function* () {
      const { all, start } = yield* shared
      const [one, two] = [yield* start("one"), yield* start("two")]
      yield* one.run(fail("Disk"))
      yield* wait(7)
      yield* one.stop
      yield* wait(2)
      yield* two.run(work("Disk"))
      yield* wait(7)
      assert.deepStrictEqual(all, ["opened Disk 1@one", "resolved Disk 0@two"])
      const three = yield* start("three")
      yield* two.run(fail("Net"))
      yield* wait(7)
      yield* two.kill
      yield* three.run(fail("Net"))
      yield* three.run(fail("Sky"))
      yield* wait(20)
      assert.include(all, "opened Sky 1@three")
      yield* three.run(work("Net"))
      yield* wait(7)
      assert.strictEqual(all.at(-1), "resolved Net 1@three")
    })
  )

  it.effect("go on when the one that tells loses the database, which steps back when it returns", () =>
    Effect.gen(function* () {
      const { all, start } = yield* shared
      const [one, two] = [yield* start("one"), yield* start("two")]
      yield* one.run(fail("Disk"))
      yield* wait(7)
      one.isCut = true
      yield* wait(14)
      // Both tell people now: the first one of what it cannot pass on, too.
      yield* two.run(fail("Net"))
      yield* one.run(fail("Sky"))
      yield* one.run(fail("Net"))
      yield* wait(7)
      assert.sameMembers(all.slice(1), ["opened Net 1@two", "opened Sky 1@one", "opened Net 1@one"])
      one.isCut = false
      yield* wait(3)
      // It hands over what it told people of: of what both told, one goes on.
      assert.strictEqual(all.at(-1), "expired Net 0@two")
      for (const name of ["Disk", "Net", "Sky"]) yield* one.run(work(name))
      yield* wait(10)
      assert.sameMembers(all.slice(-3), ["resolved Disk 0@two", "resolved Net 0@two", "resolved Sky 0@two"])
    })
  )

  it.effect("end what one has told that the other one, of another version, has no route for", () =>
    Effect.gen(function* () {
      const { all, start } = yield* shared
      const one = yield* start("one")
      yield* start(
        "two",
        routes.map((route) => ({ ...route, name: "renamed" }))
      )
      yield* one.run(fail("Disk"))
      yield* wait(7)
      one.isCut = true
      yield* wait(14)
      assert.deepStrictEqual(all, ["opened Disk 1@one", "expired Disk 0@two"])
      yield* one.run(fail("Sky"))
      yield* wait(7)
      one.isCut = false
      yield* wait(7)
      assert.deepStrictEqual(all.slice(2), ["opened Sky 1@one", "expired Sky 0@two"])
    })
  )

  it.effect("hear in which order calls failed and worked, though one takes over meanwhile", () =>
    Effect.gen(function* () {
      const { all, start } = yield* shared
      const [one, two] = [yield* start("one"), yield* start("two")]
      yield* wait(1)
      yield* one.kill
      // One of the calls fails before the turn at which it takes over, and works after that.
      for (let n = 0; n < 15; n++) {
        yield* two.run(fail(`Disk${n}`))
        yield* wait(1)
        yield* two.run(Observer.tell(() => ({ _tag: "Recovered", name: "call", key: `Disk${n}`, attempt: 2 })))
      }
      yield* wait(30)
      const [opened, resolved] = ["opened", "resolved"].map((status) => all.filter((one) => one.startsWith(status)))
      assert.strictEqual(opened?.length, resolved?.length)
    })
  )

  it.effect("lose nothing that was heard while nobody told", () =>
    Effect.gen(function* () {
      const { all, start } = yield* shared
      const [one, two] = [yield* start("one"), yield* start("two")]
      yield* one.kill
      for (let n = 0; n < 5; n++) yield* two.run(fail("Disk"))
      yield* wait(3)
      yield* two.stop
      const three = yield* start("three")
      yield* wait(20)
      assert.deepStrictEqual(all, ["opened Disk 5@three"])
      assert.deepStrictEqual(three.told, ["opened Disk 5"])
    })
  )

  it.effect("end while another one takes over, and leave it what they heard", () =>
    Effect.gen(function* () {
      const { all, start } = yield* shared
      const [one, two] = [yield* start("one"), yield* start("two")]
      one.isBlind = true
      yield* wait(13)
      for (let n = 0; n < 3; n++) yield* one.run(fail("Disk"))
      yield* one.stop
      yield* wait(8)
      assert.deepStrictEqual(all, ["opened Disk 3@two"])
      assert.deepStrictEqual(one.lost, [])
      yield* two.run(work("Disk"))
      yield* wait(8)
      assert.strictEqual(all.at(-1), "resolved Disk 0@two")
    })
  )

  it.effect("begin again with what is retried, if another one took over before it was told", () =>
    Effect.gen(function* () {
      const { all, start } = yield* shared
      const one = yield* start("one")
      yield* start("two")
      one.isBlind = true
      yield* wait(13)
      yield* one.run(retry("Disk"))
      // Its alert is due, and finds that the outbox has another owner.
      yield* wait(3)
      assert.deepStrictEqual(all, [])
      one.isBlind = false
      yield* wait(8)
      assert.deepStrictEqual(all, ["retrying Disk 0@two"])
      yield* one.run(work("Disk"))
      yield* wait(8)
      assert.strictEqual(all.at(-1), "resolved Disk 0@two")
    })
  )

  it.effect("hear in which order calls failed and worked elsewhere", () =>
    Effect.gen(function* () {
      const { all, start } = yield* shared
      const [, two] = [yield* start("one"), yield* start("two")]
      yield* two.run(fail("Disk"))
      yield* wait(8)
      assert.deepStrictEqual(all, ["opened Disk 1@one"])
      // All within one look.
      for (const each of [fail("Disk"), work("Disk"), fail("Disk")]) yield* two.run(each)
      yield* wait(30)
      assert.deepStrictEqual(all.slice(1), [])
      for (const each of [fail("Disk"), work("Disk")]) yield* two.run(each)
      yield* wait(8)
      assert.deepStrictEqual(all.slice(1), ["resolved Disk 3@one"])
    })
  )

  it.effect("leave the failures that they counted too late to the one that took over", () =>
    Effect.gen(function* () {
      const { all, start } = yield* shared
      const [one, two] = [yield* start("one"), yield* start("two")]
      yield* one.run(fail("Disk"))
      yield* one.run(fail("Net"))
      yield* wait(7)
      one.isBlind = true
      yield* wait(13)
      yield* two.run(work("Net"))
      yield* wait(7)
      assert.deepStrictEqual(all.slice(2), ["resolved Net 0@two"])
      for (let n = 0; n < 4; n++) yield* one.run(fail("Disk"))
      yield* one.run(fail("Net"))
      yield* wait(1)
      one.isBlind = false
      yield* wait(8)
      assert.deepStrictEqual(all.slice(3), ["opened Net 1@two"])
      yield* one.run(work("Disk"))
      yield* wait(8)
      assert.strictEqual(all.at(-1), "resolved Disk 4@two")
    })
  )

  it.effect("count what found no room while the outbox could not be reached", () =>
    Effect.gen(function* () {
      const { start } = yield* shared
      const [one, two] = [yield* start("one"), yield* start("two")]
      two.isCut = true
      yield* two.run(
        Effect.forEach(
          Array.from({ length: 10_007 }, (_, n) => `Disk${n}`),
          fail,
          { discard: true }
        )
      )
      yield* wait(25)
      yield* one.kill
      yield* two.stop
      assert.deepStrictEqual(two.lost, [7])
    })
  )

  it.effect("without a database for long tell people each for itself, and hand over later", () =>
    Effect.gen(function* () {
      const { all, start } = yield* shared
      const [one, two] = [yield* start("one"), yield* start("two")]
      yield* wait(1)
      yield* one.kill
      two.isCut = true
      yield* two.run(fail("Disk"))
      yield* wait(20)
      assert.deepStrictEqual(all, ["opened Disk 1@two"])
      two.isCut = false
      yield* wait(15)
      yield* two.run(work("Disk"))
      yield* wait(7)
      assert.deepStrictEqual(all, ["opened Disk 1@two", "resolved Disk 0@two"])
    })
  )

  const Step = Schema.Union([
    Schema.Struct({ act: Schema.Literal("fail"), at: Schema.Literals([0, 1]), key: Schema.Literals(["x", "y"]) }),
    Schema.Struct({ act: Schema.Literal("work"), at: Schema.Literals([0, 1]), key: Schema.Literals(["x", "y"]) }),
    Schema.Struct({ act: Schema.Literals(["stop", "kill", "cut", "mend"]), at: Schema.Literals([0, 1]) }),
    Schema.Struct({ act: Schema.Literal("wait"), seconds: Schema.Literals([1, 7, 13]) })
  ])

  it.effect.prop(
    "whatever ends in whatever order, every key that people heard of is over for them in the end",
    { steps: Arbitrary.schema(Schema.Array(Step).check(Schema.isMaxLength(25))) },
    ({ steps }) =>
      Effect.gen(function* () {
        const { all, start } = yield* shared
        const processes = [yield* start("0"), yield* start("1")]
        const at = (index: number) => {
          const found = processes[index]
          if (found === undefined) throw new Error("there are two")
          return found
        }
        const failed = new Set<string>()
        for (const step of steps) {
          switch (step.act) {
            case "fail":
              failed.add(step.key)
              yield* at(step.at).run(fail(step.key))
              break
            case "work":
              yield* at(step.at).run(work(step.key))
              break
            case "stop":
            case "kill":
              yield* at(step.at)[step.act]
              processes[step.at] = yield* start(`${step.at}`)
              break
            case "cut":
            case "mend":
              at(step.at).isCut = step.act === "cut"
              break
            case "wait":
              yield* wait(step.seconds)
          }
        }
        for (const process of processes) process.isCut = false
        yield* wait(25)
        for (const process of processes) for (const key of ["x", "y"]) yield* process.run(work(key))
        yield* wait(25)
        for (const key of failed) {
          const own = all.filter((text) => text.split(" ")[1] === key)
          if (own.length > 0) assert.match(own.at(-1) ?? "", /^(resolved|expired)/, own.join(", "))
        }
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 40 } }
  )
})
