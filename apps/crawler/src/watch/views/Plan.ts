/**
 * What an action would do, before it is done.
 */
import { fields as filterFields, inWords, ofAlerts } from "../FilterQuery.ts"
import type { Filter } from "../Filter.ts"
import type { Frame, Group, PlanView } from "../Model.ts"
import { act, choice, field, signInFirst } from "./Forms.ts"
import { html } from "../../html.ts"
import type { Child, Node } from "../../html.ts"
import * as Addresses from "./Addresses.ts"
import { table } from "./Table.ts"
import { codes, foreign } from "./Text.ts"
import * as Words from "./Words.ts"

export const planView = (shown: PlanView, frame: Frame): Node => {
  const { action, filter } = shown
  const { button, content, fields, heading, isPossible } = kinds[action](shown)
  const hidden = action === "cancel" ? { job: filter.job } : { ...ofFilter(filter), id: frame.formId }
  return html`<main id="main">
    <h1>${heading}</h1>
    <p class="lead">This is about ${Words.visible(inWords(filter))}. Nothing has been done yet.</p>
    ${content}
    ${
      !isPossible
        ? html`<p class="calm">There is nothing to do.</p>`
        : frame.mayAct
          ? act(
              frame,
              `/act/${action}`,
              hidden,
              html`<div class="fields">${fields}<button class="first">${button}</button></div>`
            )
          : html`<p>${signInFirst(Addresses.plan(action, filter), action)}</p>`
    }
    <p><a href=${action === "cancel" ? Addresses.job(filter.job ?? "") : Addresses.items(filter)}>Back, and do nothing</a></p>
  </main>`
}

const ofFilter = (filter: Filter): { readonly [name: string]: string | undefined } =>
  Object.fromEntries(filterFields.map((name) => [name, filter[name]]))

interface Kind {
  readonly heading: string
  readonly button: string
  readonly isPossible: boolean
  readonly content: Child
  readonly fields: Child
}

const sum = (groups: ReadonlyArray<Group>): number => groups.reduce((total, { count }) => total + count, 0)

const redrive = ({ again, balance, count, final, price }: PlanView): Kind => ({
  heading: `Redrive ${Words.counted(count, "page")} for at most ${Words.money(price)}?`,
  button: `Redrive ${Words.counted(count, "page")}`,
  isPossible: count > 0 || final.length > 0,
  content: html`<div>
    <p>
      A new job takes the pages again. Pages that fail once more cost nothing. The accounts that pay have ${Words.money(balance)}${balance < price ? ", which is not enough for all of them" : ""}.
    </p>
    ${
      again.length > 0 &&
      html`<section>
        <h2>Go again</h2>
        ${groupTable("Pages that go again", again, "")}
      </section>`
    }
    ${
      final.length > 0 &&
      html`<section>
        <h2>Stay as they are</h2>
        ${groupTable("Pages that do not go again", final, "Why not")}
      </section>`
    }
  </div>`,
  fields: [
    final.length > 0 &&
      html`<label class="check">
        <input type="checkbox" name="final" />
        <span>Also the ${Words.counted(sum(final), "page")} that the policy gives up</span>
      </label>`,
    choice("Pace", "pace", "0", [
      ["0", "as fast as the policy allows"],
      ["1", "a page each second"],
      ["5", "a page each 5 s"],
      ["30", "a page each 30 s"],
      ["60", "a page each minute"]
    ])
  ]
})

const groupTable = (
  caption: string,
  groups: ReadonlyArray<Group & { readonly why?: string }>,
  why: "Why not" | ""
): Node =>
  table(caption, groups, ({ because, code, detail, host, status }) => [host, code, detail, status, because].join(), [
    { title: "Pages", kind: "number", cell: ({ count }) => Words.number(count) },
    { title: "Host", kind: "main", cell: ({ host }) => foreign(host, 60) },
    { title: "Failed with", cell: ({ code, detail }) => codes(code, detail) },
    { title: "HTTP", kind: "number", cell: ({ status }) => (status === 0 ? "" : status) },
    { title: "Who acts", cell: ({ actor }) => Words.visible(actor) },
    {
      title: why === "" ? "Was given up because" : why,
      kind: "wide",
      cell: (group) => {
        const word = group.why ?? group.because
        return Words.becauses[word] ?? Words.visible(word)
      }
    }
  ])

const mostNamed = 20

const hostList = ({ hosts }: PlanView): Node =>
  html`<ul>
    ${hosts.slice(0, mostNamed).map((host) => html`<li key=${host}>${foreign(host, 80)}</li>`)}
    ${hosts.length > mostNamed && html`<li>and ${Words.counted(hosts.length - mostNamed, "more host")}</li>`}
  </ul>`

const forMinutes = (label: string): Child => [
  field(label, { name: "minutes", type: "number", min: "1", max: "10080", defaultValue: "30", required: true }),
  field("Why, for those who see it later", { name: "why", required: true, maxlength: "200", autocomplete: "off" })
]

const pause = (shown: PlanView): Kind => ({
  heading: `Pause ${Words.counted(shown.hosts.length, "host")}?`,
  button: `Pause ${Words.counted(shown.hosts.length, "host")}`,
  isPossible: shown.hosts.length > 0,
  content: html`<div>
    <p>
      Until the pause ends nothing is asked of the hosts. Their pages wait, and lose no attempt: ${Words.counted(shown.count, "page")} at the moment.
    </p>
    ${hostList(shown)}
  </div>`,
  fields: forMinutes("Minutes")
})

const silence = ({ count, filter }: PlanView): Kind => {
  const about = ofAlerts(filter)
  // Nobody is told of pages that wait.
  const isPossible = about !== undefined && filter.next === undefined
  return {
    heading: isPossible
      ? `Silence the alerts about ${Words.visible(inWords(about, "pages"))}?`
      : "Silence which alerts?",
    button: "Silence",
    isPossible,
    content: html`<p>
      ${
        isPossible
          ? `Nobody is told of their failures until the silence ends: ${Words.counted(count, "page")} at the moment, in any job. What is still wrong at the end is told then.`
          : "This would silence all alerts. Ask for pages by code, host or who acts first."
      }
    </p>`,
    fields: forMinutes("Minutes")
  }
}

const cancel = ({ count }: PlanView): Kind => ({
  heading: `Cancel the job, with ${Words.counted(count, "page")} left?`,
  button: "Cancel the job",
  isPossible: true,
  content: html`<p>
    Pages that are done stay, and stay paid. Those that are left are not fetched. A cancelled job does not go on.
  </p>`,
  fields: []
})

const kinds = { redrive, pause, silence, cancel }
