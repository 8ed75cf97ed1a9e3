import type * as Alert from "@redrive/alert/Alert"
import type { MessageOf } from "@redrive/alert/Sink"
import * as DateTime from "effect/DateTime"

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
  at: DateTime.makeUnsafe("2026-11-24T01:02:33.456Z"),
  firstAt: DateTime.makeUnsafe("2026-11-24T01:02:03.456Z"),
  lastAt: DateTime.makeUnsafe("2026-11-24T01:02:31.002Z"),
  urls: ["https://example.com/a"],
  jobIds: ["j1"],
  ...changes
})

/** An alert of the n-th host, in an incident of its own. */
export const alertOf = (n: number, changes: Partial<Alert.Alert> = {}): Alert.Alert =>
  itemAlert({
    id: `pages/item/website_access_denied/${n}.example#1/opened/1`,
    key: `item/website_access_denied/${n}.example`,
    incident: `item/website_access_denied/${n}.example#1`,
    host: `${n}.example`,
    ...changes
  })

/** No channel has a message of an incident. */
export const noMessage: MessageOf = () => undefined
