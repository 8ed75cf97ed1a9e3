import type * as Alert from "@redrive/alert/Alert"
import type { MessageOf } from "@redrive/alert/Sink"
import * as DateTime from "effect/DateTime"

const at = DateTime.makeUnsafe("2026-11-24T01:02:33.456Z")

/** An alert about an item, and what a test changes of it. */
export const itemAlert = (changes: Partial<Alert.Alert> = {}): Alert.Alert => ({
  id: "pages/item/website_access_denied/example.com#1/opened/1764032553456",
  route: "pages",
  key: "item/website_access_denied/example.com",
  incident: "item/website_access_denied/example.com#1",
  status: "opened",
  severity: "Warn",
  level: "item",
  code: "website_access_denied",
  detail: "forbidden",
  host: "example.com",
  actor: "caller",
  message: "website_access_denied forbidden 403 at https://example.com/a",
  count: 12,
  total: 12,
  at,
  firstAt: DateTime.makeUnsafe("2026-11-24T01:02:03.456Z"),
  lastAt: DateTime.makeUnsafe("2026-11-24T01:02:31.002Z"),
  urls: ["https://example.com/a"],
  jobIds: ["j1"],
  ...changes
})

/** An alert about a job, which says less of itself. */
export const jobAlert = (changes: Partial<Alert.Alert> = {}): Alert.Alert => {
  const { detail: _, host: __, ...rest } = itemAlert()
  return {
    ...rest,
    id: "pages/job/insufficient_balance#1/opened/1764032553456",
    key: "job/insufficient_balance",
    incident: "job/insufficient_balance#1",
    severity: "Fatal",
    level: "job",
    code: "insufficient_balance",
    message: "insufficient_balance",
    count: 1,
    total: 1,
    urls: [],
    jobIds: [],
    ...changes
  }
}

/** No channel has a message of an incident. */
export const noMessage: MessageOf = () => undefined
