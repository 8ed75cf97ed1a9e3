import { assert, describe, it } from "@effect/vitest"
import * as Report from "@redrive/core/Report"
import { naming } from "../src/internal/secrets/named.ts"
import { names } from "../src/internal/secrets/names.ts"
import { isSigned, isSuspect, option, patterns, query, shapes } from "../src/internal/secrets/shapes.ts"

const long = "a1B2".repeat(10)
const hex = "0a1b".repeat(8)

/** Texts with a secret, which show what each pattern finds. A new pattern needs one here. */
const examples = [
  `ghp_${long}`,
  `gho_${long}`,
  `ghs_${long}`,
  `github_pat_${long}`,
  `glpat-${long}`,
  `glcbt-${long}`,
  `xoxb-${long}`,
  `xapp-1-${long}`,
  `sk_live_${long}`,
  `rk_test_${long}`,
  `whsec_${long}`,
  `sk-proj-${long}`,
  "AKIAIOSFODNN7EXAMPLE",
  "ASIAIOSFODNN7EXAMPLE",
  `AIza${long}`,
  `ya29.${long}`,
  `GOCSPX-${long}`,
  `npm_${long}`,
  `pypi-AgE${long}`,
  `shpat_${hex}`,
  `dop_v1_${hex}`,
  `hf_${"aBcD".repeat(9)}`,
  `api_org_${"aBcD".repeat(9)}`,
  `SG.${long}.${long}`,
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
  "-----BEGIN RSA PRIVATE KEY----- abc",
  "-----BEGIN PGP PRIVATE KEY BLOCK----- abc",
  `Bearer ${long}`,
  `BEARER ${long}`,
  `basic ${long}`,
  `BASIC ${long}`,
  "cookie: sid=1",
  "authorization => abc",
  "--password hunter2",
  "GET /callback?code=1",
  "password: hunter2",
  "passphrase = hunter2",
  "smtp_pass: hunter2",
  "PWD=hunter2",
  "secret => hunter2",
  "token := hunter2",
  "credential === hunter2",
  "access_key: hunter2",
  "['token', 'hunter2']",
  "{ name: 'token', value: 'hunter2' }"
]

/** The parts of a pattern between the bars that are in no bracket. */
const alternativesOf = (pattern: string): ReadonlyArray<string> => {
  let depth = 0
  return [...pattern].reduce<Array<string>>(
    (parts, character) => {
      if (character === "(") depth++
      if (character === ")") depth--
      if (character === "|" && depth === 0) return [...parts, ""]
      return [...parts.slice(0, -1), `${parts.at(-1)}${character}`]
    },
    [""]
  )
}

/** What a pattern finds in the examples, without the text around it. */
const foundBy = ({ flags, source }: RegExp): ReadonlyArray<string> => {
  const once = new RegExp(source, flags.replace(/[gy]/g, ""))
  return examples.flatMap((example) => once.exec(example)?.[0] ?? [])
}

/** The examples with something that a pattern finds. */
const examplesOf = ({ flags, source }: RegExp): ReadonlyArray<string> => {
  const once = new RegExp(source, flags.replace(/[gy]/g, ""))
  return examples.filter((example) => once.test(example))
}

const alone = [
  ...patterns,
  ...shapes.map((shape) => new RegExp(`^(?:${shape})[\\w-]*$`)),
  new RegExp(`${naming.source}.*`, naming.flags),
  query
].map((pattern) => [pattern.source, foundBy(pattern)] as const)

// These name a secret, which stands behind what they find.
const whole = [...alternativesOf(names).map((name) => new RegExp(name, "i")), option].map(
  (pattern) => [pattern.source, examplesOf(pattern)] as const
)

describe("the checks that let a text without a secret pass early", () => {
  it.each([...alone, ...whole])("stop what is found by %s", (_, found) => {
    assert.isAbove(found.length, 0, "has no example")
    for (const text of found) {
      assert.isTrue(isSigned(text), `isSigned: ${text}`)
      assert.isTrue(isSuspect(text), `isSuspect: ${text}`)
    }
  })

  it.each(examples)("stop %s, which is hidden", (text) => {
    const { message } = Report.make(new Error(text))
    assert.isTrue(message.includes("<redacted>") || message === "GET /callback", message)
  })
})
