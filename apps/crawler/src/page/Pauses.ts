/**
 * The hosts that have asked to be left alone until a time: by a 429, 503 or 403 with a Retry-After.
 *
 * No request goes to such a host before that time, whichever page it is for.
 */
import * as ItemError from "@redrive/core/ItemError"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"

/** A host's wish. `since` is its first refusal after its last good answer; both times are epoch milliseconds. */
export interface Pause {
  readonly since: number
  readonly until: number
  readonly reason: ItemError.HostReturnedError | ItemError.WebsiteAccessDenied
}

/** The longest pause that a page waits for, and how long a host may refuse everything until its pages wait no more. */
const longest = Duration.toMillis("2 minutes")
const patience = Duration.toMillis("10 minutes")

/** Whether a host has refused everything for too long. */
export const isHopeless = ({ since, until }: Pause): boolean => until - since > patience

/** The cause of a failure of which the host knows nothing: the page was not asked for, since the host is paused. */
class HostPaused extends Data.TaggedError("HostPaused")<{ readonly host: string; readonly until: number }> {
  override get message(): string {
    return `${this.host} asked for no requests until ${new Date(this.until).toISOString()}`
  }
}

/** Whether a page failed without a request. */
export const isHeldBack = ({ cause }: ItemError.Reason): boolean => cause instanceof HostPaused

export interface Pauses {
  /** A host's last wish, which may be over; `undefined` if its last answer was a good one. */
  readonly of: (host: string) => Pause | undefined
  /** Why no page waits until a host may be asked; `undefined` if it may be asked, or soon. */
  readonly refusal: (host: string, now: number) => ItemError.Reason | undefined
  /** Notes a failure of a host; `true` if the failure begins a pause. */
  readonly failed: (host: string, reason: ItemError.Reason, now: number) => boolean
  /** Notes a good answer of a host. */
  readonly answered: (host: string, now: number) => void
  /** Notes what another process was told, in which a host refused with a status: no request before a time. */
  readonly heard: (host: string, until: number, status: number, now: number) => void
  /** Ends a pause: a person knows better. */
  readonly end: (host: string) => void
  /** Calls back whenever a host itself asks for a pause, or a longer one. */
  readonly listen: (told: (host: string, pause: Pause) => void) => void
}

/** The most hosts that are remembered: a forgotten one is asked, and says again when to come back. */
const mostHosts = 10_000

export const make = (): Pauses => {
  const pauses = new Map<string, Pause>()
  const listeners: Array<(host: string, pause: Pause) => void> = []

  /** The oldest goes first. */
  const keep = (host: string, pause: Pause) => {
    pauses.delete(host)
    pauses.set(host, pause)
    const [oldest] = pauses.keys()
    if (pauses.size > mostHosts && oldest !== undefined) pauses.delete(oldest)
  }

  return {
    of: (host) => pauses.get(host),
    refusal: (host, now) => {
      const pause = pauses.get(host)
      if (pause === undefined || now >= pause.until) return undefined
      return isHopeless(pause) || pause.until - now > longest ? heldBack(host, pause, now) : undefined
    },
    failed: (host, reason, now) => {
      const wait = waitOf(reason)
      if (wait === undefined || reason._tag === "NameNotResolved" || reason._tag === "InternalError") return false
      if (reason._tag === "Unrecognized") return false
      const { since, until } = pauses.get(host) ?? { since: now, until: 0 }
      const pause = { since, until: Math.max(until, now + Duration.toMillis(wait)), reason }
      keep(host, pause)
      if (pause.until > until) for (const told of listeners) told(host, pause)
      return until <= now
    },
    answered: (host, now) => {
      // An answer to a request from before the pause does not end it.
      if ((pauses.get(host)?.until ?? now) <= now) pauses.delete(host)
    },
    heard: (host, until, status, now) => {
      const known = pauses.get(host)
      if ((known?.until ?? 0) >= until) return
      const facts = { status, retryAfter: Duration.millis(Math.max(0, until - now)) }
      const reason = status === 403 ? new ItemError.WebsiteAccessDenied(facts) : new ItemError.HostReturnedError(facts)
      keep(host, { since: known?.since ?? now, until, reason: known?.reason ?? reason })
    },
    end: (host) => void pauses.delete(host),
    listen: (told) => void listeners.push(told)
  }
}

/** How long a failure asks to wait. `undefined` if it does not. */
export const waitOf = ({ verdict }: Pick<ItemError.Reason, "verdict">): Duration.Duration | undefined =>
  verdict._tag === "Throttled" ? verdict.retryAfter : undefined

const heldBack = (host: string, { reason, until }: Pause, now: number): ItemError.Reason => {
  const facts = {
    status: reason.status,
    retryAfter: Duration.millis(until - now),
    cause: new HostPaused({ host, until })
  }
  return reason._tag === "HostReturnedError"
    ? new ItemError.HostReturnedError(facts)
    : new ItemError.WebsiteAccessDenied(facts)
}
