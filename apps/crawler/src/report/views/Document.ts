/**
 * A report from its head to what it leaves out.
 */
import * as Groups from "../../watch/Groups.ts"
import type { Frame, Group } from "../../watch/Model.ts"
import { failureTable } from "../../watch/views/Failures.ts"
import { html } from "../../html.ts"
import type { Child, Node } from "../../html.ts"
import { within } from "../../watch/views/Link.ts"
import type { Places } from "../../watch/views/Link.ts"
import { outside } from "../../watch/views/Addresses.ts"
import { table } from "../../watch/views/Table.ts"
import { codes, foreign } from "../../watch/views/Text.ts"
import { drawing } from "../../watch/views/TimeLine.ts"
import * as Words from "../../watch/views/Words.ts"
import type { Fitted } from "../Fit.ts"
import { mostRows } from "../Fit.ts"
import type { Host, Told } from "../Report.ts"
import { head, policy } from "./Head.ts"
import { idOf, pageRows, story } from "./Pages.ts"

/** A report leads to its own stories, and to the pages of the site. */
const placesOf = ({ told }: Fitted): Places => {
  const addresses = new Map<string, string | undefined>(
    told.done.map((page) => [idOf(page), page.isCut ? undefined : outside(page.url)])
  )
  for (const page of [...told.failed, ...told.open]) addresses.set(idOf(page), `#${idOf(page)}`)
  return { item: (item) => addresses.get(idOf(item)), items: () => undefined, plan: () => undefined }
}

export const body = (shown: Fitted): Node => {
  const { groups, hosts } = shown
  const sections = [
    ["policy", "Policy", policy(shown)],
    ["act", "Who must act", groups.length > 0 && mustAct(shown)],
    ["hosts", "Hosts", hosts.length > 0 && section("hosts", "Hosts", hostTable(hosts))],
    ["axis", "Attempts and waits", shown.drawn.length > 0 && axis(shown)],
    [
      "failed",
      "Failed pages",
      shown.told.failed.length > 0 && stories("failed", "Failed pages", shown.told.failed, shown)
    ],
    [
      "open",
      "Under way",
      shown.told.open.length > 0 && stories("open", "Under way when the crawl was stopped", shown.told.open, shown)
    ],
    [
      "read",
      "Pages read",
      shown.told.done.length > 0 && section("read", "Pages that were read", pageRows(shown.told.done, shown.now))
    ],
    ["rest", "What is only counted", restOf(shown)]
  ] as const
  const there = sections.filter(([, , content]) => content !== false)
  return within(
    placesOf(shown),
    html`<div>
      <a class="skip" href="#main">To the content</a>
      <header>
        <span class="name">Crawl report</span>
        <nav aria-label="Parts">${there.map(([id, name]) => html`<a href="#${id}">${name}</a>`)}</nav>
      </header>
      <main id="main">${head(shown)} ${there.map(([, , content]) => content)}</main>
    </div>`
  )
}

const section = (id: string, title: string, content: Child): Node =>
  html`<section id=${id}>
    <h2>${title}</h2>
    ${content}
  </section>`

/** Nobody acts in a file. */
const frameOf = ({ now }: Fitted): Frame => ({ now, after: "", mayAct: false, token: "", formId: "" })

const mustAct = (shown: Fitted): Node => {
  const failures = Groups.sum(shown.groups)
  return section("act", "Who must act", [
    failureTable(frameOf(shown), failures.slice(0, mostRows)),
    more(failures.slice(mostRows), ({ count }) => count, "group", "pages")
  ])
}

/** Says what a table leaves out at its end. */
const more = <A>(rows: ReadonlyArray<A>, count: (row: A) => number, noun: string, what: string): Child =>
  rows.length > 0 &&
  html`<p class="quiet">
    ${Words.counted(rows.length, noun)} more, with ${Words.number(rows.reduce((sum, row) => sum + count(row), 0))} ${what}.
  </p>`

const hostTable = (hosts: ReadonlyArray<Host>): Child => [
  table("Hosts", hosts.slice(0, mostRows), ({ host }) => host, [
    { title: "Host", kind: "main", cell: ({ host }) => foreign(host, 60) },
    { title: "Read", kind: "number", cell: ({ done }) => number(done) },
    { title: "Failed", kind: "number", cell: ({ failed }) => number(failed) },
    { title: "Not fetched", kind: "number", cell: ({ left }) => number(left) }
  ]),
  more(hosts.slice(mostRows), ({ done, failed, left }) => done + failed + left, "host", "pages")
]

const number = (value: number): Child => (value === 0 ? html`<span class="none">0</span>` : Words.number(value))

const axis = ({ drawn, now, told }: Fitted): Node => {
  const all = [told.failed, told.open, told.done].flat().filter(({ story }) => story.length > 0)
  return section(
    "axis",
    "Attempts and waits",
    html`<figure class="plot">
      ${drawing(drawn, now)}
      ${
        all.length > drawn.length &&
        html`<p class="quiet">${Words.counted(all.length - drawn.length, "page")} more are not drawn here.</p>`
      }
    </figure>`
  )
}

const stories = (id: string, title: string, pages: ReadonlyArray<Told>, { hasStories, now }: Fitted): Node =>
  section(id, title, [
    !hasStories && html`<p class="quiet">The service that read these pages does not tell when it tried them.</p>`,
    pages.map((page) => story(page, now))
  ])

const restOf = ({ rest }: Fitted): Node | false =>
  rest.failed + rest.open + rest.done > 0 &&
  section("rest", "What is only counted", [
    html`<p>
      The file has a size that a mail takes, so these pages are not told one by one: ${Words.number(rest.failed)} that failed, ${Words.number(rest.open)} that were under way, ${Words.number(rest.done)} that were read. <code>--json</code> and <code>--output</code> have all of them.
    </p>`,
    rest.groups.length > 0 && restGroups(rest.groups),
    rest.hosts.length > 0 && restHosts(rest.hosts)
  ])

const restGroups = (groups: ReadonlyArray<Group>): Child => [
  html`<h3>failed</h3>`,
  table("Failed pages that are only counted", groups.slice(0, mostRows), (group) => Object.values(group).join(), [
    { title: "Pages", kind: "number", cell: ({ count }) => Words.number(count) },
    { title: "Host", kind: "main", cell: ({ host }) => foreign(host, 60) },
    { title: "What failed", kind: "full", cell: ({ code, detail }) => codes(code, detail) },
    { title: "HTTP", kind: "number", cell: ({ status }) => (status === 0 ? "" : status) },
    { title: "Who acts", cell: ({ actor }) => foreign(actor, 40) },
    {
      title: "Given up because",
      kind: "wide",
      cell: ({ because }) => Words.becauses[because] ?? Words.visible(because)
    }
  ]),
  more(groups.slice(mostRows), ({ count }) => count, "group", "pages")
]

const restHosts = (hosts: ReadonlyArray<Host>): Child => [
  html`<h3>read</h3>`,
  table("Pages read that are only counted", hosts.slice(0, mostRows), ({ host }) => host, [
    { title: "Host", kind: "main", cell: ({ host }) => foreign(host, 60) },
    { title: "Pages", kind: "number", cell: ({ done }) => Words.number(done) }
  ]),
  more(hosts.slice(mostRows), ({ done }) => done, "host", "pages")
]
