import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as Verdict from "@redrive/core/Verdict"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Lane from "../src/page/Lane.ts"
import * as Pauses from "../src/page/Pauses.ts"
import * as HostWait from "../src/service/HostWait.ts"
import { crawl, withService } from "./api.ts"
import { serve } from "./origin.ts"

interface Item {
  readonly original_url: string
  readonly status: string
  readonly attempts: number
  readonly page_status_code: number
  readonly retry_after_ms?: number
}

interface Job {
  readonly job_items: ReadonlyArray<Item>
}

const failedOf = ({ job_items }: Job) => job_items.filter(({ status }) => status === "error")

/** A site whose start links to `pages` pages. `refuse` says, for a page's path, how an answer refuses it, or that it does not. */
const site = Effect.fnUntraced(function* (
  pages: number,
  refuse: (path: string) => { readonly status: number; readonly after: string } | undefined
) {
  const requests: Array<{ readonly path: string; readonly at: number; readonly isRefused: boolean }> = []
  const links = Array.from({ length: pages }, (_, n) => `<a href="/p${n}">${n}</a>`).join("")
  const url = yield* serve(({ url: path = "" }, response) => {
    const refusal = path === "/" ? undefined : refuse(path)
    requests.push({ path, at: performance.now(), isRefused: refusal !== undefined })
    if (refusal !== undefined) return response.writeHead(refusal.status, { "retry-after": refusal.after }).end()
    return response.writeHead(200, { "content-type": "text/html" }).end(path === "/" ? links : "page")
  })
  return { requests, url, refused: () => requests.filter(({ isRefused }) => isRefused) }
})

describe("a host that says when to come back", () => {
  for (const status of [429, 503, 403]) {
    it.live(`is left alone until then, and no page is lost: ${status}`, () =>
      withService(
        Effect.gen(function* () {
          let room = 10
          let open = 0
          const { refused, requests, url } = yield* site(30, () => {
            if (room-- > 0) return undefined
            open ||= performance.now() + 1000
            if (performance.now() >= open) return undefined
            return { status, after: "1" }
          })
          const job: Job = yield* crawl({ url, items_limit: 50 })
          assert.isEmpty(failedOf(job))
          assert.lengthOf(job.job_items, 31)
          // Those that were under way when the host first refused.
          assert.isAtMost(refused().length, 4)
          const [first] = refused()
          const early = requests.filter(({ at, isRefused }) => !isRefused && first !== undefined && at > first.at)
          for (const { at } of early) assert.isAtLeast(at - (first?.at ?? 0), 950)
          // A page that waits for its host is not attempted.
          for (const { attempts, original_url } of job.job_items) {
            const { pathname } = new URL(original_url)
            assert.strictEqual(attempts, requests.filter(({ path }) => path === pathname).length)
          }
        })
      )
    )
  }

  it.live("in an hour is asked no more, and its pages say so", () =>
    withService(
      Effect.gen(function* () {
        const { refused, url } = yield* site(60, () => ({ status: 429, after: "3600" }))
        const job: Job = yield* crawl({ url, items_limit: 100 })
        assert.lengthOf(failedOf(job), 60)
        assert.isAtMost(refused().length, 4)
        for (const { page_status_code, retry_after_ms = 0 } of failedOf(job)) {
          assert.strictEqual(page_status_code, 429)
          assert.isAbove(retry_after_ms, 3_590_000)
        }
      })
    )
  )
})

describe("the pause of a host", () => {
  const minute = 60_000
  const refused = (seconds: number) =>
    new ItemError.HostReturnedError({ status: 429, retryAfter: Duration.seconds(seconds) })

  it("lasts until the latest time that the host named", () => {
    const pauses = Pauses.make()
    assert.isTrue(pauses.failed("a.test", refused(10), 0))
    assert.isFalse(pauses.failed("a.test", refused(5), 1000))
    assert.deepInclude(pauses.of("a.test"), { since: 0, until: 10_000 })
    assert.isUndefined(pauses.of("b.test"))
  })

  it("is not ended by an answer to an earlier request, but by one after it", () => {
    const pauses = Pauses.make()
    pauses.failed("a.test", refused(10), 0)
    pauses.answered("a.test", 5000)
    assert.isDefined(pauses.of("a.test"))
    pauses.answered("a.test", 10_000)
    assert.isUndefined(pauses.of("a.test"))
  })

  it("is no other failure's", () => {
    const pauses = Pauses.make()
    assert.isFalse(pauses.failed("a.test", new ItemError.HostReturnedError({ status: 429 }), 0))
    assert.isFalse(pauses.failed("a.test", new ItemError.HostReturnedError({ status: 500 }), 0))
    assert.isUndefined(pauses.of("a.test"))
  })

  it("that is short lets its pages wait", () => {
    const pauses = Pauses.make()
    pauses.failed("a.test", refused(120), 0)
    assert.isUndefined(pauses.refusal("a.test", 0))
  })

  it("that is long refuses pages until it is over, and tells what is left of it", () => {
    const pauses = Pauses.make()
    pauses.failed("a.test", refused(200), 0)
    const reason = pauses.refusal("a.test", 10_000)
    assert.deepInclude(reason, { status: 429, retryAfter: Duration.seconds(190) })
    assert.isTrue(reason !== undefined && Pauses.isHeldBack(reason))
    assert.include(String(reason?.cause), "a.test asked for no requests until")
    assert.isUndefined(pauses.refusal("a.test", 200_000))
  })

  it("of a host that has refused everything for ten minutes refuses pages, however short it is", () => {
    const pauses = Pauses.make()
    for (let n = 0; n <= 10; n++) pauses.failed("a.test", refused(1), n * minute)
    assert.isDefined(pauses.refusal("a.test", 10 * minute))
    assert.isUndefined(pauses.refusal("a.test", 10 * minute + 1000))
  })

  it("of many hosts takes no more room than that of some", () => {
    const pauses = Pauses.make()
    for (let n = 0; n <= 10_000; n++) pauses.failed(`${n}.test`, refused(10), 0)
    assert.isUndefined(pauses.of("0.test"))
    assert.isDefined(pauses.of("10000.test"))
  })
})

describe("the verdict on a page", () => {
  const reason = new ItemError.HostReturnedError({ status: 429 })
  const patient: Pauses.Pause = { since: 0, until: 60_000, reason }
  const hopeless: Pauses.Pause = { since: 0, until: 600_001, reason }
  const asked = Verdict.throttled(Duration.seconds(1))
  const cases: ReadonlyArray<
    readonly [page: string, verdict: Verdict.Verdict, pause: Pauses.Pause | undefined, seen: Verdict.Verdict]
  > = [
    ["whose host says when to come back", asked, patient, asked],
    ["whose host has refused everything for too long", asked, hopeless, Verdict.permanent],
    ["whose host says nothing", Verdict.throttled(), undefined, Verdict.transient("steady", 3)],
    ["that failed for a while", Verdict.transient("quick"), undefined, Verdict.transient("quick", 3)],
    ["that merits one retry", Verdict.transient("quick", 1), undefined, Verdict.transient("quick", 1)],
    ["that is gone", Verdict.permanent, patient, Verdict.permanent]
  ]
  for (const [page, verdict, pause, seen] of cases) {
    it(`${page} is ${Verdict.format(seen)}`, () => assert.deepStrictEqual(HostWait.verdictOf(verdict, 3, pause), seen))
  }
})

describe("the lane of a host", () => {
  /** How many of 16 requests run at a time. */
  const widthOf = ({ permits }: Lane.Lane) =>
    Effect.gen(function* () {
      let [now, most] = [0, 0]
      const request = Effect.gen(function* () {
        most = Math.max(most, ++now)
        yield* Effect.yieldNow
        now--
      })
      yield* Effect.forEach(Array.from({ length: 16 }), () => permits.withPermit(request), { concurrency: "unbounded" })
      return most
    })

  it.effect("is half as wide after each refusal, never shut, and widens with good answers", () =>
    Effect.gen(function* () {
      const lane = yield* Lane.make(4)
      const widths = [yield* widthOf(lane)]
      for (let n = 0; n < 3; n++) {
        yield* lane.narrow
        widths.push(yield* widthOf(lane))
      }
      for (let n = 0; n < 200; n++) yield* lane.widen
      widths.push(yield* widthOf(lane))
      assert.deepStrictEqual(widths, [4, 2, 1, 1, 4])
    })
  )
})
