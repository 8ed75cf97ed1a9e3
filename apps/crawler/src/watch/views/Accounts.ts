/**
 * Accounts, and the form that pays one and takes its unpaid pages up again.
 */
import type { AccountLine, AccountsView, Frame } from "../Model.ts"
import { act, field, signInFirst } from "./Forms.ts"
import { html } from "../../html.ts"
import type { Node } from "../../html.ts"
import { table } from "./Table.ts"
import { foreign, state } from "./Text.ts"
import * as Words from "./Words.ts"

const isParked = ({ unpaidJobs }: AccountLine): boolean => unpaidJobs > 0

/** Opens the form of an account's payment. Its job may stop while somebody fills it in, so the stopped pages are taken up unless that is not wanted. */
export const topUp = (frame: Frame, account: AccountLine): Node =>
  frame.mayAct
    ? html`<details>
        <summary class="button">Top up<span class="unseen"> account ${Words.visible(account.id)}</span></summary>
        ${act(
          frame,
          "/act/top-up",
          { account: account.id },
          html`<div class="fields">
            ${field("US dollars", { name: "dollars", type: "number", min: "0.01", step: "0.01", required: true })}
            ${field("Payment id, booked once", { name: "id", required: true, autocomplete: "off" })}
            <label class="check">
              <input type="checkbox" name="again" defaultChecked />
              <span>Take up the ${Words.counted(account.unpaidPages, "page")} left unpaid</span>
            </label>
            <button class="first">Top up</button>
          </div>`
        )}
      </details>`
    : signInFirst("/accounts", "top up")

/** What an account that somebody must pay for has and wants, in words. */
export const parkedLine = (account: AccountLine): Node =>
  html`<div>
    Account <a href="/accounts">${foreign(account.id, 40)}</a> has ${Words.money(account.balance)}, which is not enough: ${Words.counted(account.unpaidJobs, "job")} stopped, and ${Words.counted(account.unpaidPages, "page")} were left.
  </div>`

export const accountsView = ({ accounts, price }: AccountsView, frame: Frame): Node =>
  html`<main id="main">
    <h1>${Words.counted(accounts.length, "account")}</h1>
    <p class="lead">A page that is read costs ${Words.money(price)}. A page that fails costs nothing.</p>
    ${table("Accounts", accounts, ({ id }) => id, [
      { title: "Account", kind: "main", cell: ({ id }) => foreign(id, 60) },
      { title: "Status", cell: (account) => (isParked(account) ? state("parked", "parked: top it up") : state("ok")) },
      { title: "Balance", kind: "number", cell: ({ balance }) => Words.money(balance) },
      {
        title: "Pages it pays for",
        kind: "number",
        cell: ({ balance }) => Words.number(Math.max(0, Math.floor(balance / price)))
      },
      { title: "Jobs stopped", kind: "number", cell: ({ unpaidJobs }) => Words.number(unpaidJobs) },
      { title: "Pages left unpaid", kind: "number", cell: ({ unpaidPages }) => Words.number(unpaidPages) },
      { title: "", kind: "wide", cell: (account) => topUp(frame, account) }
    ])}
  </main>`
