import { execFile } from "node:child_process"
import process from "node:process"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"

const run = (program: string) =>
  promisify(execFile)(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--frozen-intrinsics", "--input-type=module", "--eval", program],
    { cwd: import.meta.dirname }
  )

describe("in a process whose intrinsics are frozen", () => {
  it("a call gives up with the failure of its last attempt", { timeout: 30_000 }, async () => {
    const { stdout } = await run(`
      import * as Retry from "@redrive/retry/Retry"
      import * as RetryPolicy from "@redrive/retry/RetryPolicy"
      const runner = Retry.make(RetryPolicy.make({ retries: 0 }))
      const failed = await runner.promise(() => Promise.reject(new Error("no answer"))).catch((error) => error)
      console.log(failed._tag, failed.failure?.message)
    `)
    assert.strictEqual(stdout, "RetryExhausted no answer\n")
  })

  it("errors of the catalogue are made", { timeout: 30_000 }, async () => {
    const { stdout } = await run(`
      import * as ItemError from "@redrive/core/ItemError"
      const reason = new ItemError.HostReturnedError({ status: 503 })
      console.log(new ItemError.ItemError({ url: "https://example.com/", reason }).code)
    `)
    assert.strictEqual(stdout, "host_returned_error\n")
  })

  it("a job is read", { timeout: 30_000 }, async () => {
    const { stdout } = await run(`
      import * as Wire from "@redrive/core/Wire"
      console.log(Wire.readJob({ id: "j", status: "done" })._tag)
    `)
    assert.strictEqual(stdout, "Success\n")
  })
})
