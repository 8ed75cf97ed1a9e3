/**
 * What the page shows of a crawl of a hostile site: many codes, waits, a parked account, a paused host, an incident and long URLs.
 */
import { readFileSync } from "node:fs"
import type {
  AccountLine,
  Failures,
  Frame,
  HostLine,
  HostPause,
  ItemLine,
  JobLine,
  JobView,
  Overview,
  PlanView,
  Shown,
  View
} from "../../src/watch/Model.ts"
import type { Attempt } from "../../src/page/Story.ts"

export const now = Date.UTC(2026, 10, 24, 14, 3, 22)

const second = 1000
const minute = 60 * second

const frame: Frame = { now, after: "epoch-1", mayAct: true, formId: "form", token: "a-token" }

export const shown = (view: View, mayAct = true): Shown => ({ ...view, frame: { ...frame, mayAct } })

const jobId = "7c1e0f3a-5b0b-4f0e-9a55-5d0c8a3f1b11"

const job: JobLine = {
  id: jobId,
  account: "shop",
  url: "https://www.example.com/",
  status: "in_progress",
  createdAt: now - 14 * minute,
  total: 1000,
  done: 812,
  failed: 41,
  spent: 1_624_000
}

export const jobs: ReadonlyArray<JobLine> = [
  job,
  {
    ...job,
    id: "0a0b",
    account: "local",
    url: "https://docs.example.org/handbook/a/very/long/path/that/goes/on/and/on/until/it/does/not/fit/index.html?lang=en&version=1.2.3",
    createdAt: now - 3 * minute,
    total: 100,
    done: 12,
    failed: 0,
    spent: 24_000
  },
  {
    ...job,
    id: "0a0c",
    account: "acme",
    url: "https://catalogue.example.net/",
    status: "error",
    error: { code: "insufficient_balance", message: "Your balance is not enough to run this job" },
    createdAt: now - 90 * minute,
    finishedAt: now - 71 * minute,
    total: 5200,
    done: 4860,
    failed: 12,
    spent: 9_720_000
  },
  {
    ...job,
    id: "0a0d",
    account: "shop",
    url: "https://blog.example.com/",
    status: "done",
    createdAt: now - 26 * 60 * minute,
    finishedAt: now - 25.6 * 60 * minute,
    total: 340,
    done: 340,
    failed: 0,
    spent: 680_000
  },
  {
    ...job,
    id: "0a0e",
    account: "shop",
    url: "https://www.example.com/",
    status: "cancelled",
    createdAt: now - 50 * 60 * minute,
    finishedAt: now - 49.9 * 60 * minute,
    total: 700,
    done: 122,
    failed: 9,
    spent: 244_000
  }
]

const failures: ReadonlyArray<Failures> = [
  ["internal_error", "proxy_login", "operator", "parked", 3, 1, "The service's own proxy requires a login."],
  ["website_access_denied", "forbidden", "caller", "permanent", 11, 2, "The site refuses the page to the crawler."],
  ["host_returned_error", "rate_limited", "caller", "retry_after_too_long", 4, 1, "The site asks for fewer requests."],
  ["name_not_resolved", "dns_not_found", "caller", "permanent", 2, 2, "There is no such host name."],
  [
    "host_returned_error",
    "bad_gateway",
    "site owner",
    "retries",
    9,
    1,
    "The server behind the site's front does not answer."
  ],
  [
    "host_returned_error",
    "tls_certificate",
    "site owner",
    "permanent",
    1,
    1,
    "The certificate is expired, untrusted, or another site's."
  ],
  ["host_returned_error", "not_found", "nobody", "permanent", 9, 1, "There is no such page."],
  ["host_returned_error", "duplicate", "nobody", "permanent", 2, 1, "Another page of the job has the same content."]
].map(([code, detail, actor, because, count, hosts, meaning]) => ({
  code,
  detail,
  actor,
  because,
  count,
  hosts,
  meaning
})) as ReadonlyArray<Failures>

const failed = (ago: number, ms: number, detail: string, status: number, wait?: Attempt["wait"]): Attempt => ({
  at: now - ago,
  ms,
  end: "failed",
  code: "host_returned_error",
  detail,
  status,
  ...(wait === undefined ? {} : { wait })
})

const item = (path: string, rest: Partial<ItemLine>): ItemLine => ({
  id: `item-${path}`,
  jobId,
  url: `https://www.example.com/${path}`,
  host: "www.example.com",
  depth: 2,
  status: "waiting",
  pageStatus: 503,
  title: "",
  attempts: rest.story?.length ?? 1,
  cost: 0,
  updatedAt: now - 20 * second,
  story: [],
  ...rest
})

const unavailable = {
  code: "host_returned_error",
  detail: "unavailable",
  message: "Webpage returned error status code: 503",
  actor: "site owner",
  because: ""
}

const waiting: ReadonlyArray<ItemLine> = [
  item("products/table-lamp", {
    nextAt: now + 6 * second,
    story: [
      failed(58 * second, 900, "connection_reset", 0, { ms: 8 * second, why: "backoff" }),
      failed(49 * second, 1100, "server_error", 500, { ms: 20 * second, why: "backoff" }),
      failed(28 * second, 1300, "server_error", 500, { ms: 33 * second, why: "backoff" })
    ]
  }),
  item("products/a-desk-with-a-very-long-name-and-three-drawers-oak-oiled?colour=natural&width=160&depth=80", {
    nextAt: now + 41 * second,
    failure: unavailable,
    story: [failed(80 * second, 400, "unavailable", 503, { ms: 120 * second, why: "retry_after" })]
  }),
  item("products/chairs", {
    nextAt: now + 41 * second,
    failure: unavailable,
    story: [
      failed(96 * second, 12_000, "response_timeout", 0, { ms: 6 * second, why: "backoff" }),
      { at: now - 78 * second, ms: 0, end: "held", wait: { ms: 119 * second, why: "host_paused" } }
    ]
  }),
  item("search?q=lamp", {
    nextAt: now + 4 * minute + 12 * second,
    story: [
      failed(90 * second, 700, "bad_gateway", 502, { ms: 4 * second, why: "backoff" }),
      failed(85 * second, 700, "bad_gateway", 502, { ms: 334 * second, why: "backoff" })
    ]
  })
]

const ended: ReadonlyArray<ItemLine> = [
  item("cart/checkout", {
    status: "failed",
    pageStatus: 502,
    failure: {
      ...unavailable,
      detail: "bad_gateway",
      because: "retries",
      message: "Webpage returned error status code: 502"
    },
    story: [
      failed(130 * second, 900, "bad_gateway", 502, { ms: 9 * second, why: "backoff" }),
      failed(120 * second, 5000, "bad_gateway", 502, { ms: 18 * second, why: "backoff" }),
      failed(95 * second, 700, "bad_gateway", 502, { ms: 31 * second, why: "backoff" }),
      failed(63 * second, 700, "bad_gateway", 502)
    ]
  }),
  item("about", {
    status: "done",
    pageStatus: 200,
    title: "About us – Example",
    cost: 2000,
    story: [
      failed(100 * second, 3000, "connect_timeout", 0, { ms: 12 * second, why: "backoff" }),
      { at: now - 85 * second, ms: 2400, end: "ok", status: 200 }
    ]
  }),
  item("members", {
    status: "failed",
    pageStatus: 403,
    failure: {
      code: "website_access_denied",
      detail: "forbidden",
      message: "Webpage returned access denied status code: 403",
      actor: "caller",
      because: "permanent"
    },
    story: [
      { at: now - 70 * second, ms: 200, end: "failed", code: "website_access_denied", detail: "forbidden", status: 403 }
    ]
  })
]

export const items: ReadonlyArray<ItemLine> = [
  ...waiting,
  ...ended,
  item("products/lamps", { status: "done", pageStatus: 200, title: "Lamps – Example", cost: 2000 }),
  item("products/sofas", { status: "running", pageStatus: 0, attempts: 0 }),
  item("imprint", { status: "queued", pageStatus: 0, attempts: 0 })
]

const pauses: ReadonlyArray<HostPause> = [
  {
    host: "www.example.com",
    until: now + 41 * second,
    since: now - 79 * second,
    why: "503 with Retry-After: 120",
    by: "the service"
  },
  { host: "shop.example.org", since: now - 40 * minute, why: "its owner asked us to stop", by: "shop" }
]

const parked: AccountLine = { id: "acme", balance: 1200, unpaidJobs: 1, unpaidPages: 328 }

const incident = {
  key: "host_returned_error:www.example.com",
  name: "CrawlFailed",
  route: "site errors",
  code: "host_returned_error",
  severity: "Warn",
  isOpen: true,
  since: now - 9 * minute,
  count: 32,
  last: "told chat: opened, 20 failures; the next word is at 14:24 if it is still open"
}

export const overview: Overview = {
  view: "overview",
  jobs,
  before: "cursor",
  running: 2,
  totals: { running: 16, queued: 131, waiting: 12, done: 6146, failed: 41, spent: 12_292_000 },
  failures,
  waiting,
  pauses,
  parked: [parked],
  incidents: [incident],
  actions: [
    {
      at: now - 6 * minute,
      who: "shop",
      what: "redrive",
      about: "failed pages of host www.example.com with detail unavailable",
      count: 38
    },
    {
      at: now - 40 * minute,
      who: "shop",
      what: "pause",
      about: "host shop.example.org: its owner asked us to stop",
      count: 212
    }
  ],
  pace: Array.from({ length: 30 }, (_, index) => [
    Math.round(38 + 22 * Math.sin(index / 3) - (index > 24 ? 24 : 0)),
    index > 20 ? index % 7 : index % 11 === 0 ? 1 : 0
  ])
}

const emptyOverview: Overview = {
  view: "overview",
  jobs: [],
  running: 0,
  totals: { running: 0, queued: 0, waiting: 0, done: 0, failed: 0, spent: 0 },
  failures: [],
  waiting: [],
  pauses: [],
  parked: [],
  incidents: [],
  actions: [],
  pace: []
}

const hosts: ReadonlyArray<HostLine> = [
  {
    host: "www.example.com",
    done: 640,
    failed: 30,
    running: 12,
    waiting: 11,
    pause: pauses[0]!
  },
  { host: "static.example.com", done: 172, failed: 11, running: 4, waiting: 1 },
  { host: "shop.example.org", done: 0, failed: 0, running: 0, waiting: 0, pause: pauses[1]! }
]

export const jobView: JobView = {
  view: "job",
  job,
  counts: { queued: 131, running: 16, waiting: 12, done: 812, failed: 41, cancelled: 0 },
  request: [
    ["url", "https://www.example.com/"],
    ["items_limit", "1000"],
    ["whitelist_regexp", "^https://www\\.example\\.com/(products|about)"],
    ["webhook_url", "https://hooks.example.com/crawls?id=1"]
  ],
  failures,
  hosts: hosts.slice(0, 2),
  items: { filter: { job: jobId }, items, after: "cursor", count: 1000 },
  stories: [...waiting, ...ended],
  untold: 0,
  again: [
    { ...job, id: "0b01", againOf: jobId, total: 38, done: 30, failed: 2, createdAt: now - 2 * minute, spent: 60_000 }
  ]
}

const again = [
  {
    host: "www.example.com",
    code: "host_returned_error",
    detail: "bad_gateway",
    status: 502,
    actor: "site owner",
    because: "retries",
    count: 9
  },
  {
    host: "static.example.com",
    code: "host_returned_error",
    detail: "rate_limited",
    status: 429,
    actor: "caller",
    because: "retry_after_too_long",
    count: 4
  }
]

export const plan: PlanView = {
  view: "plan",
  action: "redrive",
  filter: { status: "failed", host: "www.example.com" },
  again,
  final: [
    {
      host: "www.example.com",
      code: "website_access_denied",
      detail: "forbidden",
      status: 403,
      actor: "caller",
      because: "permanent",
      count: 11,
      why: "permanent"
    }
  ],
  hosts: ["www.example.com", "static.example.com"],
  count: 13,
  price: 26_000,
  balance: 988_100_000
}

export const svg = (name: string) => readFileSync(new URL(`../../../../docs/${name}`, import.meta.url), "utf8")

/** Every view with something in it, by a name. */
export const views: { readonly [name: string]: View } = {
  overview,
  job: jobView,
  items: {
    view: "items",
    list: {
      filter: { status: "failed", host: "www.example.com", text: "products" },
      items,
      after: "cursor",
      looked: 5000
    },
    failures
  },
  item: {
    view: "item",
    item: { ...ended[0]!, url: "https://www.example.com/cart/checkout?step=payment&return=%2Fproducts%2Ftable-lamp" },
    job,
    referredUrl: "https://www.example.com/cart",
    landedUrl: "https://www.example.com/cart/checkout",
    meaning: "The server behind the site's front does not answer.",
    texts: [["markdown", "/content/a/b/c/d"]]
  },
  "item that waits": {
    view: "item",
    item: waiting[0]!,
    job,
    referredUrl: "https://www.example.com/products",
    landedUrl: "",
    meaning: "The site failed: 500, and any other 5xx.",
    texts: []
  },
  hosts: { view: "hosts", hosts, after: "cursor" },
  accounts: {
    view: "accounts",
    accounts: [parked, { id: "shop", balance: 988_100_000, unpaidJobs: 0, unpaidPages: 0 }],
    price: 2000
  },
  incidents: {
    view: "incidents",
    incidents: [
      incident,
      {
        ...incident,
        key: "internal_error",
        name: "",
        route: "default",
        code: "internal_error",
        severity: "Error",
        isOpen: false,
        since: now - 300 * minute,
        until: now - 280 * minute,
        count: 4,
        last: "resolved: 20 pages in a row succeeded"
      }
    ],
    silences: [
      { name: "deploy", by: "shop", from: now - 10 * minute, until: now + 20 * minute, about: "code internal_error" }
    ],
    explained: {
      key: incident.key,
      lines: [
        "13:54:22 opened: 20 failures within 1 min",
        "13:54:22 held back by silence: deploy",
        "13:54:24 told chat"
      ],
      svg: svg("incident.svg")
    },
    sinks: ["chat", "pager"]
  },
  policy: {
    view: "policy",
    policy: [
      "8 retries, 60 s for an attempt, 60 min in all",
      "waits as the verdict says; Retry-After is a floor, up to 15 min"
    ],
    svg: svg("policies-outage.svg"),
    table:
      "| Policy     | Attempts per call | Calls that succeeded |\n| ---------- | ----------------- | -------------------- |\n| no retries | 1.00              | 50 %                 |"
  },
  redrive: plan,
  pause: { ...plan, action: "pause", final: [], again: [], price: 0 },
  silence: { ...plan, action: "silence", final: [], again: [], price: 0 },
  cancel: { ...plan, action: "cancel", filter: { job: jobId }, final: [], again: [], price: 0, count: 159 },
  "sign in": { view: "sign in", wrong: "the key is wrong", to: "/plan?action=redrive&status=failed" },
  problem: { view: "problem", wrong: "there is no such job", advice: "Jobs that ended are kept for 30 days." }
}

/** Every view with nothing in it. */
export const emptyViews: { readonly [name: string]: View } = {
  overview: emptyOverview,
  job: {
    ...jobView,
    job: { ...job, status: "new", total: 1, done: 0, failed: 0, spent: 0 },
    counts: { queued: 1, running: 0, waiting: 0, done: 0, failed: 0, cancelled: 0 },
    request: [],
    failures: [],
    hosts: [],
    items: { filter: { job: jobId }, items: [] },
    stories: [],
    again: []
  },
  items: { view: "items", list: { filter: {}, items: [], count: 0 }, failures: [] },
  hosts: { view: "hosts", hosts: [] },
  accounts: { view: "accounts", accounts: [], price: 2000 },
  incidents: { view: "incidents", incidents: [], silences: [], sinks: [] },
  policy: { view: "policy", policy: [], svg: "", table: "" },
  redrive: { ...plan, again: [], final: [], hosts: [], count: 0, price: 0 },
  "sign in": { view: "sign in", to: "/" }
}

/** Fields that decide what is drawn, and drawings of other parts of the service. */
const own = new Set(["view", "status", "end", "why", "action", "svg"])

const replaced = (value: unknown, text: string, key = ""): unknown => {
  if (typeof value === "string") return own.has(key) ? value : text
  if (Array.isArray(value)) return value.map((one) => replaced(one, text, key))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, replaced(one, text, name)]))
}

/** A view with a text in place of each that strangers may have written. */
export const withText = (view: View, text: string): View => replaced(view, text) as View
