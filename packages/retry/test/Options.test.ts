import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { assert, describe, it } from "@effect/vitest"
import * as Distributed from "@redrive/retry/Distributed"
import * as Redrive from "@redrive/retry/Redrive"
import type * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

const compiler = join(import.meta.dirname, "../../../node_modules/typescript/bin/tsc")

/** The compiler's errors for each program. */
const complaints = (programs: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => {
  const folder = mkdtempSync(join(import.meta.dirname, ".types-"))
  try {
    const files = programs.map((_, index) => `program${index}.ts`)
    for (const [index, file] of files.entries()) writeFileSync(join(folder, file), programs[index] ?? "")
    const config = { extends: "../../../../tsconfig.base.json", compilerOptions: { noUnusedLocals: false }, files }
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config))
    let said = ""
    try {
      execFileSync(process.execPath, [compiler, "-p", folder, "--pretty", "false"], { encoding: "utf8" })
    } catch (error) {
      said = String((error as { readonly stdout: unknown }).stdout)
    }
    const errors = said.split(/^(?=\S)/m)
    return files.map((file) => errors.filter((error) => error.includes(file)))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const header = `
import * as Effect from "effect/Effect"
import * as Distributed from "@redrive/retry/Distributed"
import * as Redrive from "../../src/Redrive.ts"
import * as Retry from "../../src/Retry.ts"
import * as RetryPolicy from "../../src/RetryPolicy.ts"
import * as Verdict from "@redrive/core/Verdict"

const policy = RetryPolicy.make()
const runner = Retry.make(policy)
const effect: Effect.Effect<number, "torn"> = Effect.fail("torn" as const)
const failed = [{ item: 1, error: "torn" }]
`

/** Calls in which `OPTIONS` is replaced by options, or by a wrong argument. */
const calls = {
  "Retry.retry of an effect": "export const one = Retry.retry(effect, policy, OPTIONS)",
  "Retry.retry in a pipe": "export const one = effect.pipe(Retry.retry(policy, OPTIONS))",
  "Retry.retry before an effect": "export const one = Retry.retry(policy, OPTIONS)",
  "run of an effect": "export const one = runner.run(effect, OPTIONS)",
  "run in a pipe": "export const one = effect.pipe(runner.run(OPTIONS))",
  "run before an effect": "export const one = runner.run(OPTIONS)",
  "Redrive.run": "export const one = Redrive.run(failed, { each: (item) => Effect.succeed(item), ...{}, OPTIONS})"
}

const mistakes: ReadonlyArray<readonly [what: string, option: string, ...says: ReadonlyArray<string>]> = [
  ["a wrong name", 'nam: "x"', "'nam'", "Options<"],
  ["a wrong kind", "name: 5", "'number'", "'string'"]
]

const cases = Object.entries(calls).flatMap(([call, code]) =>
  mistakes.map(([what, option, ...says]) => {
    const options = `\n  key: "a",\n  ${option}\n`
    const put = call === "Redrive.run" ? `\n  concurrency: 2,\n  ${option}\n` : `{${options}}`
    return { title: `${what}, ${call}`, program: header + code.replace("OPTIONS", put), option, says }
  })
)

/** Calls that must compile; `wrong` are calls that no overload may accept. */
const right = `${header}
export const run = effect.pipe(runner.run)
export const runs: ReadonlyArray<Effect.Effect<number, Retry.Exhausted<"torn">>> = [
  effect.pipe(runner.run()),
  runner.run(effect),
  Retry.retry(effect, policy),
  effect.pipe(Retry.retry(policy)),
  effect.pipe(Retry.retry(policy, { verdict: (failure) => (failure === "torn" ? Verdict.permanent : Verdict.transient("quick")) })),
  effect.pipe(runner.run({ verdict: (failure) => (failure === "torn" ? Verdict.permanent : Verdict.transient("quick")) }))
]
`

const wrong = [
  'export const one = Retry.retry(effect, { retries: 3, operation: "create" })',
  "export const one = Retry.retry(3, policy)",
  'export const one = Retry.retry(policy, { verdict: (failure: "torn") => Verdict.permanent })',
  "export const one = Retry.retry(effect, policy, { verdict: (failure: number) => Verdict.permanent })",
  'export const one = runner.run({ verdict: (failure: "torn") => Verdict.permanent })'
]

describe("an option", () => {
  const [ofRight = [], ...ofOthers] = complaints([
    right,
    ...cases.map(({ program }) => program),
    ...wrong.map((one) => header + one)
  ])

  it("compiles when it is right", () => assert.deepStrictEqual(ofRight, []))

  for (const [index, { option, program, says, title }] of cases.entries()) {
    it(`has its error at its own line: ${title}`, () => {
      const line = program.split("\n").findIndex((text) => text.trim() === option) + 1
      const errors = ofOthers[index] ?? []
      assert.lengthOf(errors, 1, errors.join(""))
      assert.include(errors[0], `.ts(${line},`)
      for (const one of says) assert.include(errors[0], one)
    })
  }

  for (const [index, code] of wrong.entries()) {
    it(`does not compile: ${code}`, () => assert.isNotEmpty(ofOthers[cases.length + index]))
  }
})

describe("the options of a redrive", () => {
  const policy = RetryPolicy.make()
  const each = () => Effect.void
  const refused: ReadonlyArray<readonly [options: object, says: string]> = [
    [{ each, onItems: each }, "onItems is unknown; allowed: each, name, policy, spend, concurrency, onItem, onPlan"],
    [{}, "each is missing; allowed: a function"],
    [{ each, concurrency: 0 }, "concurrency is 0; allowed: a number, 1 or more"],
    [{ each, policy: { retries: 3 } }, "policy is an object (operation is missing; allowed: "],
    [
      { each, policy: { ...policy, retries: -1 } },
      "policy is an object (retries is -1; allowed: an integer of 0 or more); allowed: a RetryPolicy"
    ],
    [
      { each, policy: { ...policy, hedge: { after: 5, share: 0.1 } } },
      "policy is an object (hedge.after is 5; allowed: a finite duration"
    ],
    [{ each, policy: 5 }, "policy is 5; allowed: a RetryPolicy"],
    [{ each, spend: { limit: 5 } }, "spend.cost is missing; allowed: a function"]
  ]
  for (const [options, says] of refused) {
    it.effect(`are refused by name: ${says}`, () =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(Redrive.run<never, void, never, never>([], options as never))
        assert.include(String(exit), "Redrive.run:")
        assert.include(String(exit), says)
      })
    )
  }

  it.effect("may be undefined, as may a policy's", () =>
    Effect.gen(function* () {
      const trip = { _tag: "Consecutive", failures: 1 } as const
      const breaker = { ...RetryPolicy.make({ breaker: { trip } }).breaker, slowerThan: undefined }
      for (const one of [
        { ...policy, breaker: undefined },
        { ...policy, breaker, overrides: { a: undefined } }
      ]) {
        const options: object = { each, name: undefined, policy: one, verdict: undefined }
        const { rounds } = yield* Redrive.run<never, void, never, never>([], options as never)
        assert.strictEqual(rounds, 0)
        yield* Distributed.make(one as never, "page")
      }
    }).pipe(Effect.scoped, Effect.provide(Distributed.layerMemory))
  )

  it.effect("are accepted when they are right", () =>
    Effect.map(Redrive.run([], { each, concurrency: Infinity, spend: { limit: 1, cost: () => 1 } }), ({ rounds }) =>
      assert.strictEqual(rounds, 0)
    )
  )
})

describe("the options of a distributed runner", () => {
  class Pages extends Context.Service<Pages, Retry.Runner>()("test/Pages") {}
  const policy = RetryPolicy.make()
  const some = "allowed: a duration above zero that has an end"
  const refused: ReadonlyArray<readonly [options: unknown, says: string]> = [
    [{ storeTimeOut: 5 }, "storeTimeOut is unknown; allowed: storeTimeout"],
    [null, "the options are null; allowed: an object"],
    ["5 seconds", "the options are a string; allowed: an object"],
    [{ storeTimeout: null }, `storeTimeout is null; ${some}`],
    [{ storeTimeout: "soon" }, `storeTimeout is "soon"; ${some}`],
    [{ storeTimeout: 0 }, `storeTimeout is 0; ${some}`],
    [{ storeTimeout: "-1 seconds" }, `storeTimeout is "-1 seconds"; ${some}`],
    [{ storeTimeout: Duration.infinity }, `storeTimeout is Infinity; ${some}`]
  ]
  for (const [options, says] of refused) {
    it.effect(`are refused by name: ${says}`, () =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(Distributed.make(policy, "page", options as Distributed.Options))
        assert.include(String(exit), `Distributed.make:\n  ${says}`)
        const layer = () => Distributed.layer(Pages, policy, "page", options as Distributed.Options)
        assert.throws(layer, `Distributed.layer:\n  ${says}`)
      }).pipe(Effect.scoped, Effect.provide(Distributed.layerMemory))
    )
  }

  it.effect("are refused with a name that is missing", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Distributed.make(policy, undefined as never))
      assert.include(String(exit), "name is missing; allowed: a text")
    }).pipe(Effect.scoped, Effect.provide(Distributed.layerMemory))
  )

  it.effect("are taken where they are right", () =>
    Effect.forEach(["2 seconds", 50, { seconds: 1 }, Duration.seconds(1), undefined] as const, (storeTimeout) =>
      Distributed.make(policy, "page", { storeTimeout })
    ).pipe(Effect.scoped, Effect.provide(Distributed.layerMemory))
  )

  it("are refused by the layer of Redis, too", () => {
    const layer = (options: unknown) => () => Distributed.layerRedis(options as Distributed.RedisOptions)
    assert.throws(layer({ prefx: "a" }), "prefx is unknown; allowed: prefix, probeLease, idleTimeToLive")
    assert.throws(layer({ prefix: 5 }), "prefix is 5; allowed: a text")
    assert.throws(layer({ probeLease: "soon" }), `probeLease is "soon"; ${some}`)
    assert.throws(layer({ idleTimeToLive: Infinity }), `idleTimeToLive is Infinity; ${some}`)
    assert.throws(layer(null), "the options are null")
    for (const options of [undefined, {}, { prefix: "", probeLease: "1 minute", idleTimeToLive: undefined }])
      layer(options)()
  })
})
