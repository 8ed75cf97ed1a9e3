import { createHash } from "node:crypto"
import type { Added, Gate } from "../Store.ts"

/** A number as databases give it. */
type Count = number | bigint | string

/** Some databases bound the parameters of a statement, and long statements hold locks. */
export const most = 500

/** Later than any time. */
export const never = 8_640_000_000_000_000

export interface Row {
  readonly id: string
  readonly queue: string
  readonly task: string
  readonly key: string
  readonly grp: string
  readonly state: Task["state"]
  readonly due: Count
  readonly ready_at: Count
  readonly claim: string | null
  readonly payload: string
  readonly policy: string
  readonly attempts: Count
  readonly kills: Count
  readonly calls: Count
  readonly call: string | null
  readonly paused: Count
  readonly generation: Count
  readonly redrive: string | null
  readonly added_at: Count
  readonly begun_at: Count | null
  readonly ended_at: Count | null
  readonly result: string | null
  readonly code: string
  readonly actor: string
  readonly because: string
  readonly message: string
}

/**
 * A task.
 *
 * @category models
 * @since 0.1.0
 */
export interface Task {
  /** Its id within its queue. */
  readonly id: string
  /** What it shares with other tasks, such as a host; empty for none. */
  readonly key: string
  /** What it shares with even more tasks, such as an account; empty for none. */
  readonly group: string
  /** Where it is. */
  readonly state: "waiting" | "running" | "done" | "failed"
  /** When its next attempt is due, in epoch milliseconds, if it waits. */
  readonly due: number
  /** What it is about, as JSON. */
  readonly payload: string
  /** How many attempts failed in this generation. */
  readonly attempts: number
  /** How many runners in a row were lost with it. */
  readonly kills: number
  /** How often it was redriven. */
  readonly generation: number
  /** The redrive that made it wait again last. */
  readonly redrive: string | undefined
  /** When it was added, in epoch milliseconds. */
  readonly addedAt: number
  /** When it ended, in epoch milliseconds, if it has. */
  readonly endedAt: number | undefined
  /** What it came to, as JSON, if it is done. */
  readonly result: string | undefined
  /** The code of the last failure; empty if there was none. */
  readonly code: string
  /** Who must act; empty if nothing failed. */
  readonly actor: string
  /** Why it was given up; empty if it was not. */
  readonly because: string
  /** The message of the last failure; empty if there was none. */
  readonly message: string
}

/**
 * A task that a worker has claimed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Claimed extends Task {
  /** The row. */
  readonly row: string
  /** The claim, which every end of it must name. */
  readonly claim: string
  /** The policy that it goes by, as JSON. */
  readonly policy: string
  /** How many attempts have failed in this generation, those that parked the task among them. */
  readonly calls: number
  /** The state of its call, as JSON; absent before the first failure. */
  readonly call: string | undefined
  /** When its first attempt began, in epoch milliseconds. */
  readonly begunAt: number
  /** How long it was due and not run, in milliseconds. */
  readonly paused: number
}

/**
 * What a failure leaves behind.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failed {
  /** The code of the failure. */
  readonly code: string
  /** Who must act. */
  readonly actor: string
  /** What it said, without secrets. */
  readonly message: string
}

/**
 * How a task ended.
 *
 * @category models
 * @since 0.1.0
 */
export type Ended =
  | {
      readonly _tag: "Done"
      /** What it came to, as JSON. */
      readonly result: string
    }
  | {
      readonly _tag: "Failed"
      /** Why it was given up. */
      readonly because: string
      /** The failure. */
      readonly failed: Failed
    }

/**
 * What ends a claim: the end of the task, another attempt, or nothing at all.
 *
 * @category models
 * @since 0.1.0
 */
export type Settled =
  | Ended
  | {
      readonly _tag: "Again"
      /** When the next attempt is due, in epoch milliseconds. */
      readonly due: number
      /** The state of the call, as JSON. */
      readonly call: string
      /** How many attempts have failed. */
      readonly attempts: number
      /** Until when it waits for somebody, in epoch milliseconds, if it is parked. */
      readonly parkedUntil: number | undefined
      /** The failure. */
      readonly failed: Failed
    }

/** Ids may be longer than an index takes. */
export const idOf = (queue: string, id: string): string => createHash("sha256").update(`${queue}\n${id}`).digest("hex")

export const added = (queue: string, { due, group, id, key, payload, policy }: Added, now: number) => ({
  id: idOf(queue, id),
  queue,
  task: id,
  key,
  grp: group,
  state: "waiting",
  active: 1,
  due: Math.ceil(due),
  ready_at: Math.ceil(due),
  payload,
  policy,
  attempts: 0,
  kills: 0,
  calls: 0,
  paused: 0,
  parked_until: never,
  generation: 0,
  added_at: now,
  code: "",
  actor: "",
  because: "",
  message: ""
})

export const task = (row: Row): Task => ({
  id: row.task,
  key: row.key,
  group: row.grp,
  state: row.state,
  due: Number(row.due),
  payload: row.payload,
  attempts: Number(row.attempts),
  kills: Number(row.kills),
  generation: Number(row.generation),
  redrive: row.redrive ?? undefined,
  addedAt: Number(row.added_at),
  endedAt: row.ended_at === null ? undefined : Number(row.ended_at),
  result: row.result ?? undefined,
  code: row.code,
  actor: row.actor,
  because: row.because,
  message: row.message
})

export const claimed = (row: Row): Claimed => ({
  ...task(row),
  row: row.id,
  claim: row.claim ?? "",
  policy: row.policy,
  calls: Number(row.calls),
  call: row.call ?? undefined,
  begunAt: Number(row.begun_at ?? 0),
  paused: Number(row.paused)
})

/** No database takes the NUL of a text, PostgreSQL's JSON takes no half of a pair of surrogates, and no page wants the whole of it. */
export const stored = (text: string): string => text.replaceAll("\0", " ").slice(0, 2000).toWellFormed()

const failed = ({ actor, code, message }: Failed) => ({ code: stored(code), actor, message: stored(message) })

export const settled = ({ calls }: Claimed, what: Settled, now: number) => {
  switch (what._tag) {
    case "Done":
      return { state: "done", active: 0, ended_at: now, result: what.result, because: "" }
    case "Failed":
      return { state: "failed", active: 0, ended_at: now, because: what.because, ...failed(what.failed) }
    case "Again":
      return {
        state: "waiting",
        due: what.due,
        ready_at: what.due,
        call: what.call,
        calls: calls + 1,
        // Its process survived this attempt.
        kills: 0,
        attempts: what.attempts,
        parked_until: what.parkedUntil ?? never,
        ...failed(what.failed)
      }
  }
}

/** The answer of a worker that had lost its claim. */
export const late = ({ claim, row }: Claimed, what: Settled, now: number) => ({
  id: idOf(row, claim),
  task: row,
  claim,
  at: now,
  outcome: stored(JSON.stringify(what))
})

export interface GateRow {
  readonly gate: string
  readonly until: Count
  readonly why: string
  readonly shut_by: string
  readonly at: Count
}

export const gate = ({ at, by, gate, until, why }: Gate): GateRow => ({
  gate,
  until: Math.ceil(Math.min(until, never)),
  why: stored(why),
  shut_by: by,
  at
})

export const gateOf = ({ at, gate, shut_by, until, why }: GateRow): Gate => ({
  gate,
  until: Number(until) >= never ? Infinity : Number(until),
  why,
  by: shut_by,
  at: Number(at)
})

export interface CountRow {
  readonly code: string
  readonly actor: string
  readonly because: string
  readonly count: Count
}

/** A pattern for LIKE that finds a text as it is. */
export const containing = (text: string): string => `%${text.replace(/[!%_]/g, "!$&")}%`
