import { assert, describe, it } from "vitest"
import { type Bump, type Package, releasesOf } from "../publish/packages.ts"
import { leaves, missing, next, planOf } from "../publish/plan.ts"

const one = (name: string, version: string, ...uses: ReadonlyArray<string>): Package => ({
  name,
  directory: name,
  version,
  uses: uses.map((used) => ({ name: used, range: "workspace:^" }))
})

const early = [
  one("core", "0.1.0"),
  one("alert", "0.3.2", "core"),
  one("email", "0.1.4", "alert"),
  one("sqlite", "0.1.0")
]

const plan = (packages: ReadonlyArray<Package>, asked: { readonly [name: string]: Bump }) =>
  Object.fromEntries(planOf(packages, new Map(Object.entries(asked))).map(({ name, to }) => [name, to]))

describe("the plan of a release", () => {
  it("raises every dependent of a break, however far away, and nothing else", () => {
    assert.deepStrictEqual(plan(early, { core: "minor" }), { core: "0.2.0", alert: "0.4.0", email: "0.2.0" })
    assert.deepStrictEqual(plan(early, { alert: "minor" }), { alert: "0.4.0", email: "0.2.0" })
  })

  it("leaves dependents alone whose range includes the new version", () => {
    assert.deepStrictEqual(plan(early, { core: "patch", sqlite: "minor" }), { core: "0.1.1", sqlite: "0.2.0" })
  })

  it("raises a dependent that has a changeset for less", () => {
    assert.deepStrictEqual(plan(early, { core: "minor", email: "patch" }), {
      core: "0.2.0",
      alert: "0.4.0",
      email: "0.2.0"
    })
  })

  it("raises by a major from 1.0.0 on, and not for a minor", () => {
    const later = [one("core", "1.2.0"), one("alert", "2.0.0", "core"), one("email", "0.1.0", "alert")]
    assert.deepStrictEqual(plan(later, { core: "minor" }), { core: "1.3.0" })
    assert.deepStrictEqual(plan(later, { core: "major" }), { core: "2.0.0", alert: "3.0.0", email: "0.2.0" })
  })

  it("writes the missing bumps as one changeset that names what broke", () => {
    const asked = new Map<string, Bump>([["core", "minor"]])
    const text = missing(planOf(early, asked)) ?? ""
    assert.deepStrictEqual(releasesOf(text), [
      ["alert", "minor"],
      ["email", "minor"]
    ])
    assert.include(text, "- `core` 0.2.0\n- `alert` 0.4.0")
  })

  it("writes nothing if every bump is asked for", () => {
    const asked = new Map<string, Bump>([["core", "patch"]])
    assert.isUndefined(missing(planOf(early, asked)))
  })
})

describe("versions", () => {
  it("go up by the number that is asked for", () => {
    assert.deepStrictEqual(
      (["patch", "minor", "major"] as const).map((bump) => next("1.2.3", bump)),
      ["1.2.4", "1.3.0", "2.0.0"]
    )
  })

  it("leave a caret range at the first number that is not zero", () => {
    assert.isTrue(leaves("0.0.0", "0.0.1"))
    assert.isTrue(leaves("0.0.1", "0.0.2"))
    assert.isTrue(leaves("0.1.0", "0.2.0"))
    assert.isFalse(leaves("0.1.0", "0.1.9"))
    assert.isFalse(leaves("1.1.0", "1.2.0"))
    assert.isTrue(leaves("1.1.0", "2.0.0"))
  })
})
