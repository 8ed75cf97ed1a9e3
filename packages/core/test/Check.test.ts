import { assert, describe, it } from "@effect/vitest"
import * as Check from "@redrive/core/Check"
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"

/** The message about the value of one option, without the adapter's name. */
const said = (rule: Check.Rule, value: unknown): string => {
  try {
    Check.options<object>("X.layer", { a: rule }, { a: value })
    return "fine"
  } catch (error) {
    return (error as Error).message
  }
}

const url = Check.secret("http or https URL", Check.isHttpUrl)

const rules: ReadonlyArray<
  readonly [
    name: string,
    rule: Check.Rule,
    right: ReadonlyArray<unknown>,
    wrong: ReadonlyArray<readonly [unknown, string]>
  ]
> = [
  [
    "duration",
    Check.duration(),
    ["2 seconds", 5, 0, { seconds: 5, minutes: 1 }, Duration.zero, Duration.seconds(1), undefined],
    [
      [{ seconds: Number.NaN }, "a is an object; allowed: a duration that is not negative and has an end"],
      [{ seconds: "5" }, "a is an object; allowed: a duration that is not negative and has an end"],
      [{ minutes: 1, seconds: null }, "a is an object; allowed: a duration that is not negative and has an end"],
      [{ seconds: undefined }, "a is an object; allowed: a duration that is not negative and has an end"],
      [[Number.NaN, 1], "a is a list; allowed: a duration that is not negative and has an end"],
      [[1, Number.NaN], "a is a list; allowed: a duration that is not negative and has an end"],
      [[], "a is a list; allowed: a duration that is not negative and has an end"],
      ["-1 second", 'a is "-1 second"; allowed: a duration that is not negative and has an end'],
      [Duration.seconds(-1), "a is -1000 millis; allowed"],
      [Duration.infinity, "a is Infinity; allowed"],
      ["soon", 'a is "soon"; allowed'],
      [NaN, "a is NaN; allowed"],
      [null, "a is null; allowed"],
      [{}, "a is an object; allowed"],
      [{ second: 5 }, "a is an object; allowed"],
      [{ seconds: -5 }, "a is an object; allowed"]
    ]
  ],
  [
    "duration that may have no end",
    Check.duration({ isEndless: true }),
    [Duration.infinity, Infinity, "1 day"],
    [[-1, "a is -1; allowed: a duration that is not negative"]]
  ],
  [
    "whole number",
    Check.int(1, 9),
    [1, 9],
    [
      [0, "a is 0; allowed: a whole number, 1 to 9"],
      [10, "a is 10"],
      [1.5, "a is 1.5"],
      ["4", 'a is "4"'],
      [NaN, "a is NaN"]
    ]
  ],
  [
    "whole number without a bound",
    Check.int(1),
    [1, 1e9],
    [[Infinity, "a is Infinity; allowed: a whole number, 1 or more"]]
  ],
  [
    "share",
    Check.share,
    [0, 0.5, 1],
    [
      [1.1, "a is 1.1; allowed: a number, 0 to 1"],
      [NaN, "a is NaN"]
    ]
  ],
  ["text", Check.text, ["", "a"], [[5, "a is 5; allowed: a text"]]],
  ["boolean", Check.boolean, [true, false], [["yes", 'a is "yes"; allowed: true, false']]],
  ["function", Check.callback, [() => 1], [["f", 'a is "f"; allowed: a function']]],
  [
    "severity",
    Check.severity,
    ["Warn"],
    [["Warning", 'a is "Warning"; allowed: Fatal, Error, Warn, Info, Debug, Trace']]
  ],
  [
    "method",
    Check.having("write"),
    [process.stderr],
    [[{}, "a is an object; allowed: an object with the method write"]]
  ],
  ["required option", Check.required(Check.text), ["a"], [[undefined, "a is missing; allowed: a text"]]],
  [
    "record",
    Check.struct<{ readonly most: number }>({ most: Check.required(Check.int(1)) }),
    [{ most: 1 }],
    [
      [5, "a is 5; allowed: an object of most"],
      [{}, "a.most is missing; allowed: a whole number"],
      [{ most: 1, mots: 2 }, "a.mots is unknown; allowed: most"]
    ]
  ],
  [
    "secret",
    url,
    [Redacted.make("https://hooks.example/s3cret")],
    [
      ["https://hooks.example/s3cret", "a is a string; allowed: a Redacted http or https URL"],
      [Redacted.make("ftp://hooks.example/s3cret"), "a is something else; allowed: a Redacted http or https URL"]
    ]
  ]
]

describe("a rule of an option", () => {
  for (const [name, rule, right, wrong] of rules) {
    it(`accepts right values and refuses wrong ones: ${name}`, () => {
      for (const value of right) assert.strictEqual(said(rule, value), "fine")
      for (const [value, says] of wrong) {
        assert.include(said(rule, value), `X.layer:\n  ${says}`)
        assert.notInclude(said(rule, value), "s3cret")
      }
    })
  }

  it("reports all problems at once, including unknown names", () => {
    const of = { size: Check.int(1), wait: Check.duration() }
    const given = { size: 0, wait: "soon", sise: "s3cret", constructor: 1 }
    assert.throws(
      () => Check.options<object>("X.layer", of, given),
      /^X\.layer:\n {2}size is 0; [^\n]*\n {2}wait is "soon"; [^\n]*\n {2}sise is unknown; allowed: size, wait\n {2}constructor is unknown; allowed: size, wait$/
    )
    assert.throws(
      () => Check.options<object>("X.layer", of, 5 as never),
      "the options are a number; allowed: an object"
    )
    assert.deepStrictEqual(Check.options<object>("X.layer", of, { size: 1 }), { size: 1 })
    // Undefined is the same as absent, whatever the name.
    Check.options<object>("X.layer", of, { size: 1, wait: undefined, sise: undefined })
  })
})
