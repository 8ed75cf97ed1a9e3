/**
 * Who must act before a failure goes away, and what that person does next.
 */
import type { Failures } from "../Model.ts"

/** In the order in which they are asked. */
export const actors = ["operator", "caller", "site owner", "nobody"] as const

/** Who it is, for somebody who does not know the word. */
export const people: { readonly [actor: string]: string } = {
  operator: "whoever runs this service",
  caller: "whoever asked for the crawl",
  "site owner": "whoever runs the crawled site",
  nobody: "there is nothing to do"
}

/** Those who read this page, so that the others are not "you". */
export const isYou = (actor: string): boolean => actor === "operator" || actor === "caller"

/** By detail, else by code: what whoever acts does next. */
const steps: { readonly [detailOrCode: string]: string } = {
  auth_required: "Leave these pages out, or ask the site for access.",
  payment_required: "Pay the site, then redrive.",
  rate_limited: "Pause the host, then redrive at a slower pace.",
  too_large: "Leave these pages out: they exceed the size limit.",
  no_content: "Leave these pages out: they have no text.",
  private_address: "Crawl public addresses only, or allow private ones when the service starts.",
  unfollowed_redirect: "Correct the link, or crawl the other host.",
  legal_block: "Leave these pages out.",
  forbidden: "Ask the site owner to let the crawler in, then redrive.",
  robots: "Ask the site owner to allow the crawler in robots.txt, or leave these pages out.",
  bot_challenge: "Ask the site owner to let the crawler in without a challenge.",
  dns_not_found: "Correct the host name in the links or in the job's URL.",
  dns_unavailable: "Look at the resolver of this machine, then redrive.",
  connection_refused: "Ask whether the site's server runs, then redrive.",
  tls_certificate: "Ask the site owner to renew the certificate, then redrive.",
  network_down: "Look at this machine's network, then redrive.",
  resources: "Give the service more memory, files or ports, then redrive.",
  proxy_login: "Give the service the proxy's login, then redrive.",
  defect: "Report the bug with the stack in the log, then redrive once it is fixed.",
  duplicate: "Nothing: the job has the same content already.",
  not_found: "Nothing: the page does not exist. The link to it is wrong.",
  gone: "Nothing: the page was removed.",
  cancelled: "Nothing: somebody cancelled it."
}

const ofActor: { readonly [actor: string]: string } = {
  operator: "Look at the service's log, then redrive.",
  caller: "Correct the request, then crawl again.",
  "site owner": "Tell the site owner; redrive once the site works.",
  nobody: "Redrive later, if the pages matter."
}

export const nextStep = ({ actor, code, detail }: Pick<Failures, "actor" | "code" | "detail">): string =>
  steps[detail] ?? steps[code] ?? ofActor[actor] ?? "Look at one of the pages."
