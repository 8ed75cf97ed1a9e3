import { property, stringAt } from "./chain.ts"
import { permanent, throttled, transient, type Verdict } from "./verdict.ts"

const quick = transient("quick")
const steady = transient("steady")

/** One retry after some seconds, enough for a restart or a failover; more would not help a query that is too slow. */
const once = transient("steady", 1)

/** Verdicts by whole SQLSTATE codes, of PostgreSQL and of the standard. */
const states: { readonly [state: string]: Verdict } = {
  "08P01": transient("quick", 1),
  "25006": transient("steady", 2),
  "25P03": transient("quick", 1),
  "25P04": once,
  "40002": permanent,
  "53300": throttled(),
  "55006": quick,
  "55P03": quick,
  "57014": once,
  "57P01": steady,
  "57P02": steady,
  "57P03": steady,
  "57P05": quick
}

/** Verdicts by SQLSTATE class, the first two characters. Any other class is unknown, or one of `refusals`. */
const classes: { readonly [state: string]: Verdict } = {
  "08": quick,
  "40": quick,
  "53": steady,
  "58": transient("steady", 2)
}

/** Classes that reject the request itself: data, constraints, syntax, privileges, names, invalid transaction states. */
const refusals = /^(?:0[ABFLPZ]|2[0-8BDF]|3[4589BDF]|4[24]|5[457]|F0|P0)/

/** Verdicts by MySQL error number, where its SQLSTATE says too little (HY000) or something else. */
const mysql: { readonly [errno: number]: Verdict } = {
  1040: throttled(),
  // Said of a lost connection too, by their SQLSTATE: a handshake, a command, a packet, a login that this server does not take.
  1043: permanent,
  1047: permanent,
  1053: steady,
  1129: permanent,
  1153: permanent,
  1203: throttled(),
  1205: quick,
  1213: quick,
  1226: throttled(),
  1251: permanent,
  1317: once,
  1637: throttled(),
  3024: once,
  3572: quick
}

/** Verdicts on clients' own connection errors, by code or whole message: without an answer there is no SQLSTATE. */
const connections: { readonly [said: string]: Verdict } = {
  PROTOCOL_CONNECTION_LOST: quick,
  PROTOCOL_SEQUENCE_TIMEOUT: steady,
  "Connection terminated unexpectedly": quick,
  "Connection terminated due to connection timeout": quick,
  "timeout exceeded when trying to connect": quick,
  "timeout expired": quick,
  "Query read timeout": steady
}

/** SQLite that another connection keeps from its file or table: of Node.js by number, of other drivers by name. */
const isLocked = (link: object, code: string | undefined): boolean =>
  code === "ERR_SQLITE_ERROR"
    ? locked.has(Number(property(link, "errcode")) & 255)
    : /^SQLITE_(?:BUSY|LOCKED)/.test(code ?? "")

/** SQLITE_BUSY and SQLITE_LOCKED, of which other numbers are in the higher bits. */
const locked: ReadonlySet<number> = new Set([5, 6])

const isState = /^[0-9A-Z]{5}$/

/** The verdict on a database error, as pg, postgres, mysql2, mariadb and drivers of SQLite report it. */
export const ofSql = (link: object): Verdict | undefined => {
  const code = stringAt(link, "code")
  const said = own(connections, code) ?? own(connections, stringAt(link, "message"))
  if (said !== undefined) return said
  if (isLocked(link, code)) return quick
  const mysqlState = stringAt(link, "sqlState")
  const state = mysqlState ?? (property(link, "severity") === undefined ? undefined : code)
  if (state === undefined) return undefined
  // Before the handshake MySQL sends only its error number.
  const numbered = mysqlState === undefined ? undefined : own(mysql, String(property(link, "errno")))
  if (numbered !== undefined || !isState.test(state)) return numbered
  return own(states, state) ?? own(classes, state.slice(0, 2)) ?? (refusals.test(state) ? permanent : undefined)
}

const own = (table: { readonly [key: string]: Verdict }, key: string | undefined): Verdict | undefined =>
  key !== undefined && Object.hasOwn(table, key) ? table[key] : undefined
