import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Postgres from "@redrive/clients/Postgres"
import * as HostileSite from "@redrive/testing/HostileSite"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Service from "../src/service/Service.ts"
import * as Incidents from "../src/service/Incidents.ts"
import type { ItemList } from "../src/watch/Model.ts"
import * as Web from "../src/watch/Web.ts"
import { ask, crawl, create, layer as layerOf } from "./api.ts"
import { serve } from "./origin.ts"

const key = "a key of an operator"

const withPage = <A, E>(
  test: Effect.Effect<A, E, Service.Service | Scope.Scope>,
  page: { readonly isOpen: boolean } = { isOpen: false },
  options: Service.Options = {}
) => {
  const alerts = Incidents.layer<never>({})
  const settings = {
    page: Web.make({ ...page, operatorKey: Redacted.make(key) }),
    alerts,
    timeout: "700 millis"
  } as const
  return Effect.scoped(Effect.provide(test, layerOf({ ...settings, ...options })))
}

interface Sent extends RequestInit {
  readonly cookie?: string
}

const at = Effect.fnUntraced(function* (path: string, { cookie = "", ...init }: Sent = {}) {
  const { url } = yield* Service.Service
  return yield* Effect.promise((signal) =>
    fetch(new URL(path, url), { signal, redirect: "manual", ...init, headers: { cookie, ...init.headers } })
  )
})

const read = (path: string, cookie: string) =>
  Effect.flatMap(at(path, { cookie, headers: { accept: "application/json" } }), (response) =>
    // oxlint-disable-next-line typescript/no-explicit-any -- tests look into foreign JSON
    Effect.promise(async (): Promise<any> => response.json())
  )

const post = (path: string, fields: Record<string, string>, more: Sent = {}) =>
  at(path, { method: "POST", body: new URLSearchParams(fields), ...more })

const signIn = Effect.gen(function* () {
  const answer = yield* post("/sign-in", { key, to: "/hosts" })
  assert.strictEqual(answer.status, 303)
  assert.strictEqual(answer.headers.get("location"), "/hosts")
  return answer.headers.get("set-cookie")?.split(";")[0] ?? ""
})

/** Does what a form of the page asks for. */
const act = Effect.fnUntraced(function* (cookie: string, action: string, fields: Record<string, string>) {
  const { frame } = yield* read("/", cookie)
  return yield* post(`/act/${action}`, { id: frame.formId, token: frame.token, ...fields }, { cookie })
})

const hostile = Effect.flatMap(HostileSite.make(), ({ url }) =>
  crawl({ url, items_limit: 100, respect_robots_txt: true })
)

const counts = Effect.gen(function* () {
  const job = yield* hostile
  const cookie = yield* signIn
  const { jobs, failures } = yield* read("/", cookie)
  assert.deepInclude(jobs[0], {
    id: job.id,
    total: job.items_total,
    done: job.items_done,
    failed: job.items_failed
  })
  const sum = failures.reduce((total: number, { count }: { count: number }) => total + count, 0)
  assert.strictEqual(sum, job.items_failed)
  for (const { actor, because, code, count, detail } of failures) {
    const query = new URLSearchParams({ code, detail, actor, because })
    const { list } = yield* read(`/items?${query}`, cookie)
    assert.strictEqual(list.count, count)
    assert.lengthOf(list.items, count)
  }
  const all = yield* read(`/jobs/${job.id}`, cookie)
  const done = yield* read(`/items?status=done&job=${job.id}`, cookie)
  assert.strictEqual(done.list.count, job.items_done)
  assert.strictEqual(all.counts.failed, job.items_failed)
  const tried = all.stories.find(({ failure }: { failure?: { because: string } }) => failure?.because === "retries")
  assert.isAbove(tried.story.length, 1)
  assert.strictEqual(tried.story[0].end, "failed")
  assert.strictEqual(tried.story[0].wait.why, "backoff")
  const found = yield* read(`/items?text=${encodeURIComponent("/STATUS/404")}`, cookie)
  assert.lengthOf(found.list.items, 1)
  const item = yield* read(`/jobs/${job.id}/items/${found.list.items[0].id}`, cookie)
  assert.strictEqual(item.item.failure.detail, "not_found")
  assert.strictEqual((yield* at("/jobs/none", { cookie })).status, 404)
})

const redrives = Effect.gen(function* () {
  const job = yield* hostile
  const cookie = yield* signIn
  const plan = yield* read(`/plan?action=redrive&job=${job.id}&status=failed`, cookie)
  assert.isAbove(plan.count, 0)
  assert.isAbove(plan.final.length, 0)
  assert.strictEqual(plan.price, plan.count * 2000)
  const fields = { job: job.id, status: "failed", pace: "0", id: "once" }
  const answer = yield* act(cookie, "redrive", fields)
  const to = answer.headers.get("location") ?? ""
  assert.match(to, /^\/jobs\/[\da-f]{32}$/)
  yield* act(cookie, "redrive", fields)
  let again = yield* read(to, cookie)
  while (again.job.finishedAt === undefined) {
    yield* Effect.sleep("50 millis")
    again = yield* read(to, cookie)
  }
  assert.strictEqual(again.job.total, plan.count)
  assert.strictEqual(again.job.againOf, job.id)
  const left = yield* read(`/plan?action=redrive&job=${job.id}&status=failed`, cookie)
  assert.strictEqual(left.count, 0)
  const overview = yield* read("/", cookie)
  assert.lengthOf(overview.jobs, 2)
  assert.strictEqual(overview.totals.failed, job.items_failed - plan.count + again.job.failed)
  // The API says what it said.
  const { body } = yield* ask(`/v1/job/${job.id}`)
  assert.strictEqual(body.items_failed, job.items_failed)
})

/** Pages that fail once and then wait for up to an hour. */
const hour = { base: "1 hour", cap: "1 hour" } as const
const patient = RetryPolicy.make({ retries: 1, quick: hour, steady: hour, slow: hour })

interface Waiting {
  readonly id: string
  readonly jobId: string
  readonly nextAt: number
}

/** The pages of a filter, from all pages of its list. */
const listed = Effect.fnUntraced(function* (filter: string, cookie: string) {
  const items: Array<Waiting> = []
  let after: string | undefined = ""
  let count: number | undefined
  while (after !== undefined) {
    const path: string = `/items?${filter}${after === "" ? "" : `&after=${after}`}`
    const list: ItemList & { items: ReadonlyArray<Waiting> } = (yield* read(path, cookie)).list
    assert.isAtMost(list.items.length, 50)
    items.push(...list.items)
    count ??= list.count
    after = list.after
  }
  return { items, count, ids: items.map(({ id }) => id) }
})

const waits = Effect.gen(function* () {
  const cookie = yield* signIn
  const paths = Array.from({ length: 15 }, (_, index) => `/${index + 1}`)
  const links = paths.map((to) => `<a href="${to}">${to}</a>`).join("")
  const url = yield* serve(({ url: path }, response) =>
    path === "/" ? response.writeHead(200, { "content-type": "text/html" }).end(links) : response.writeHead(500).end()
  )
  // No job has more pages under way.
  const jobs: ReadonlyArray<string> = yield* Effect.forEach(Array.from({ length: 4 }), () =>
    Effect.map(create({ url, items_limit: 100 }), ({ body }) => body.id)
  )
  const total = jobs.length * paths.length
  const { host } = new URL(url)
  let all = yield* listed("status=waiting", cookie)
  while (all.items.length < total) {
    yield* Effect.sleep("50 millis")
    all = yield* listed("status=waiting", cookie)
  }
  assert.strictEqual(all.count, total)
  assert.strictEqual(new Set(all.ids).size, total)
  const times = all.items.map(({ nextAt }) => nextAt)
  assert.deepStrictEqual(
    times,
    times.toSorted((one, other) => one - other)
  )

  // Somewhere between the first and the last one, and not so near to one that it falls on the other side meanwhile.
  const minutes = Array.from({ length: 58 }, (_, index) => index + 1)
  const near = (minute: number) => Math.min(...times.map((at) => Math.abs(at - Date.now() - minute * 60_000)))
  const minute = minutes.toSorted((one, other) => near(other) - near(one))[0] ?? 0
  const soon = yield* listed(`next=${minute}m`, cookie)
  const late = yield* listed(`next=over-${minute}m&status=waiting`, cookie)
  assert.deepStrictEqual([...soon.ids, ...late.ids], all.ids)
  assert.strictEqual((soon.count ?? 0) + (late.count ?? 0), total)
  for (const { nextAt } of soon.items) assert.isAtMost(nextAt, Date.now() + minute * 60_000)

  const ofJob = all.items.filter(({ jobId }) => jobId === jobs[2]).map(({ id }) => id)
  assert.deepStrictEqual((yield* listed(`next=2h&job=${jobs[2]}`, cookie)).ids, ofJob)
  assert.deepStrictEqual((yield* listed(`next=2h&host=${host}`, cookie)).ids, all.ids)
  assert.lengthOf((yield* listed("next=2h&host=example.com", cookie)).ids, 0)
  assert.lengthOf((yield* listed("next=2h&text=%2F15", cookie)).ids, jobs.length)
  for (const none of ["next=over-2h", "next=2h&status=done", "next=2h&code=host_returned_error"])
    assert.lengthOf((yield* listed(none, cookie)).ids, 0, none)
  // No failed page is among them.
  assert.strictEqual((yield* read("/plan?action=redrive&status=failed&next=2h", cookie)).count, 0)
  const silenced = yield* act(cookie, "silence", { next: "2h", minutes: "10", why: "all" })
  assert.strictEqual(silenced.status, 400)

  yield* Effect.forEach(jobs, (job) => act(cookie, "cancel", { job }))
  assert.lengthOf((yield* listed("status=waiting", cookie)).ids, 0)
})

type OnEach = (options?: Service.Options) => ReturnType<typeof withPage<void, never>>

const onEach: { readonly [name: string]: OnEach } = {
  "counts what a crawl did as the API does, and lists the pages of each number": (options) =>
    withPage(counts, undefined, options),
  "shows what a redrive would do and cost, and does it once for a form that is sent twice": (options) =>
    withPage(redrives, undefined, options),
  "lists the pages that go again within a time, or later, some at a time": (options) =>
    withPage(waits, undefined, { ...options, policy: patient })
}

describe("the page", () => {
  it.live("shows nothing before somebody has signed in, and keeps its cookie from scripts and other sites", () =>
    withPage(
      Effect.gen(function* () {
        for (const path of ["/", "/items", "/accounts", "/policy"])
          assert.strictEqual((yield* at(path)).status, 401, path)
        assert.strictEqual((yield* at("/live")).status, 401)
        assert.strictEqual((yield* post("/sign-in", { key: "wrong" })).status, 403)
        const answer = yield* post("/sign-in", { key, to: "//elsewhere.example/" })
        assert.strictEqual(answer.headers.get("location"), "/")
        const cookie = answer.headers.get("set-cookie") ?? ""
        for (const part of ["HttpOnly", "SameSite=Strict", "Path=/"]) assert.include(cookie, part)
        assert.notInclude(cookie, "Secure")
        const behindTls = yield* post("/sign-in", { key }, { headers: { "x-forwarded-proto": "https" } })
        assert.include(behindTls.headers.get("set-cookie") ?? "", "Secure")
        const forged = cookie.replace(/=\d/, "=9").split(";")[0] ?? ""
        assert.strictEqual((yield* at("/", { cookie: forged })).status, 401)
        assert.strictEqual((yield* at("/", { cookie: cookie.split(";")[0] ?? "" })).status, 200)
      })
    )
  )

  it.live("is open only by a loopback name, and only for looking", () =>
    withPage(
      Effect.gen(function* () {
        const answer = yield* at("/")
        assert.strictEqual(answer.status, 200)
        assert.include(answer.headers.get("content-security-policy") ?? "", "default-src 'none'; script-src 'self'")
        assert.strictEqual((yield* post("/act/open", { host: "example.com" })).status, 401)
      }),
      { isOpen: true }
    )
  )

  it.live("takes no form that another page has sent", () =>
    withPage(
      Effect.gen(function* () {
        const cookie = yield* signIn
        const { frame } = yield* read("/", cookie)
        const fields = { host: "example.com", token: frame.token }
        const foreign = { cookie, headers: { origin: "https://elsewhere.example" } }
        assert.strictEqual((yield* post("/act/open", fields, foreign)).status, 403)
        assert.strictEqual((yield* post("/act/open", { ...fields, token: "guessed" }, { cookie })).status, 403)
        assert.strictEqual((yield* post("/act/open", fields, { cookie })).status, 303)
      })
    )
  )

  it.live("says that a job does not exist, whose pages somebody asks for", () =>
    withPage(
      Effect.gen(function* () {
        const cookie = yield* signIn
        const accept = { cookie, headers: { accept: "application/json" } }
        for (const path of [
          "/items?job=lost",
          "/items?job=lost&status=failed",
          "/plan?action=redrive&job=lost",
          "/jobs/lost"
        ]) {
          const answer = yield* at(path, accept)
          assert.strictEqual(answer.status, 404, path)
          assert.deepInclude(yield* Effect.promise(async () => answer.json()), { wrong: "There is no such job" }, path)
        }
      })
    )
  )

  for (const [name, test] of Object.entries(onEach)) it.live(name, () => test())

  it.live("takes up what an account left unpaid, once it is topped up", () =>
    withPage(
      Effect.gen(function* () {
        const { accounts } = yield* Service.Service
        yield* accounts.open({ id: "shop", apiKey: Redacted.make("shop"), balance: 2000 })
        const { url } = yield* HostileSite.make()
        const job = yield* crawl({ url, items_limit: 20 }, "shop")
        assert.strictEqual(job.status, "error")
        const cookie = yield* signIn
        const { jobs, parked } = yield* read("/", cookie)
        assert.deepStrictEqual(jobs[0].error, {
          code: "insufficient_balance",
          message: "Your balance is not enough to run this job"
        })
        assert.deepInclude(parked[0], { id: "shop", unpaidJobs: 1 })
        yield* act(cookie, "top-up", { account: "shop", dollars: "1", id: "invoice-1", again: "on" })
        let body = (yield* ask(`/v1/job/${job.id}`, { key: "shop" })).body
        while (body.status !== "done") {
          yield* Effect.sleep("50 millis")
          body = (yield* ask(`/v1/job/${job.id}`, { key: "shop" })).body
        }
        assert.strictEqual(body.items_done + body.items_failed, body.items_total)
        const overview = yield* read("/", cookie)
        assert.lengthOf(overview.parked, 0)
        assert.strictEqual(overview.actions[0].what, "top up")
      })
    )
  )

  it.live("shows an attempt since the page's turn at its host, and not since it was claimed", () =>
    withPage(
      Effect.gen(function* () {
        const cookie = yield* signIn
        const paths = Array.from({ length: 9 }, (_, index) => `/${index + 1}`)
        const asked = new Map<string, number>()
        const url = yield* serve(({ url: path = "" }, response) => {
          if (path === "/") {
            const links = paths.map((to) => `<a href="${to}">${to}</a>`).join("")
            return response.writeHead(200, { "content-type": "text/html" }).end(links)
          }
          if (!asked.has(path)) asked.set(path, Date.now())
          return setTimeout(() => response.writeHead(500).end(), 400)
        })
        const job = yield* crawl({ url, items_limit: 20 })
        const { stories } = yield* read(`/jobs/${job.id}`, cookie)
        assert.lengthOf(stories, paths.length)
        for (const { story, url: page } of stories) {
          const arrived = asked.get(new URL(page).pathname) ?? NaN
          // The last ones wait for two others at least: for 800 ms.
          assert.closeTo(story[0].at, arrived, 300)
        }
      })
    )
  )

  it.live("pauses a host, opens it, silences alerts, and tells watchers within a second", () =>
    withPage(
      Effect.gen(function* () {
        const cookie = yield* signIn
        const live = yield* at("/live", { cookie })
        const reader = (live.body as ReadableStream<Uint8Array>).getReader()
        const heard: Array<string> = []
        const listening = (async () => {
          for (;;) {
            const { done, value } = await reader.read()
            if (done) return
            heard.push(new TextDecoder().decode(value))
          }
        })()
        const until = (wanted: string) =>
          Effect.gen(function* () {
            while (!heard.join("").includes(wanted)) yield* Effect.sleep("20 millis")
          }).pipe(Effect.timeout("2 seconds"))
        yield* until(`"*"`)
        yield* act(cookie, "pause", { host: "example.com", minutes: "10", why: "maintenance" })
        yield* until(`"overview"`)
        assert.deepInclude((yield* read("/", cookie)).pauses[0], {
          host: "example.com",
          by: "operator",
          why: "maintenance"
        })
        yield* act(cookie, "open", { host: "example.com" })
        assert.lengthOf((yield* read("/", cookie)).pauses, 0)
        yield* act(cookie, "silence", { host: "example.com", code: "host_returned_error", minutes: "10", why: "move" })
        assert.deepInclude((yield* read("/incidents", cookie)).silences[0], { name: "move", by: "operator" })
        // A silence covers what alerts know of a filter, says so, and is none of all alerts.
        yield* act(cookie, "silence", { code: "insufficient_balance", job: "j", minutes: "10", why: "paid" })
        const { silences, actions } = { ...(yield* read("/", cookie)), ...(yield* read("/incidents", cookie)) }
        assert.include(silences[0].about, "insufficient_balance")
        assert.match(actions[0].about, /^pages with code insufficient_balance, for/)
        const wide = yield* act(cookie, "silence", { text: "a", minutes: "10", why: "noise" })
        assert.strictEqual(wide.status, 400)
        assert.include(yield* Effect.promise(() => wide.text()), "This would silence all alerts")
        yield* Effect.promise(() => reader.cancel())
        yield* Effect.promise(() => listening)
      })
    )
  )
})

describe("the page on PostgreSQL", () => {
  const own = Postgres.databases(afterAll)
  for (const [name, test] of Object.entries(onEach))
    it.live.skipIf(Postgres.isMissing())(name, () =>
      Effect.scoped(
        Effect.flatMap(own, ({ database, host, port, user }) => {
          return test({ database: `postgres://${user}@${host}:${port}/${database}` })
        })
      )
    )
})
