import * as Effect from "effect/Effect"
import type { Alert } from "../Alert.ts"
import type { Incident } from "../Incident.ts"
import * as Outbox from "../Outbox.ts"
import * as Backlog from "./backlog.ts"
import type * as Delivery from "./delivery.ts"
import type { Ledger } from "./ledger.ts"
import { nameOf, type News, type Notice } from "./notice.ts"

/** What a commit is made of, besides what was noted for it before. */
export interface Fresh {
  readonly incidents: ReadonlyArray<Outbox.Change>
  readonly added: ReadonlyArray<Outbox.Pending>
  readonly messages: ReadonlyArray<Outbox.Message>
}

interface Changes extends Fresh {
  readonly done: ReadonlyArray<Outbox.Done>
  readonly heard: ReadonlyArray<string>
}

/**
 * Gathers changes, and keeps them in the outbox before the sinks get the alerts. If the outbox fails, people are told
 * all the same, and the next commit has these changes, too.
 */
export interface Commits {
  /** Has news told and kept with the next commit. */
  readonly add: (news: News) => void
  /** Has the next commit forget alerts that a sink has taken or never will. */
  readonly settled: Delivery.Ledger["settled"]
  /** What other processes passed on, and is counted here: the next commit says so. */
  readonly passedOn: Pick<Set<string>, "has" | "add">
  /** Whether something waits for a commit. Changes that could not be kept do not count: they wait for others. */
  readonly isDue: () => boolean
  /** What people are to be told by the next commit. */
  readonly takeNotices: () => ReadonlyArray<Notice>
  /** Keeps fresh changes and those noted before, then hands on the alerts unless another process holds the outbox. */
  readonly commit: (fresh: Fresh, handOn: (added: ReadonlyArray<Outbox.Pending>) => void) => Effect.Effect<void>
  /** The alerts that are being kept, and go to their sinks then. */
  readonly underWay: () => ReadonlyArray<Outbox.Pending>
  /** Whether an alert that waits for its sink outlives the process. */
  readonly isKept: (alert: Alert) => boolean
  /** Whether the first alert of an incident stayed here, since another process tells people of it. */
  readonly isUntold: (incident: Incident) => boolean
}

const noNews: News = { notices: [], changes: [] }
const none = { incidents: [], done: [], messages: [] }

/** `onTakenOver` is called when the outbox belongs to another process. */
export const make = (outbox: Outbox.Service, ledger: Pick<Ledger, "notKept">, onTakenOver: () => void): Commits => {
  let news = noNews
  let done: Array<Outbox.Done> = []
  /** What others passed on, and no commit has counted. */
  const heard = new Set<string>()
  /** How many of these the commit under way counts, or the last one could not count. */
  let counted = 0
  /** What could not be kept: it goes with the next commit. */
  let late: Omit<Changes, "added" | "heard"> = none
  let underWay: ReadonlyArray<Outbox.Pending> = []
  /** Alerts that were handed to their sinks though they are not kept. */
  const unkept = new Set<string>()
  /** Incidents that another process tells people of: their first alerts stayed here. */
  const untold = new Set<string>()

  /** Takes what is to be kept now, unless that is nothing. */
  const take = ({ added, incidents, messages }: Fresh): Changes | undefined => {
    const changes = [...news.changes, ...incidents]
    const count = added.length + changes.length + done.length + messages.length
    if (count + heard.size - counted === 0) return undefined
    const taken = {
      incidents: lastOf([...late.incidents, ...changes]),
      added,
      done: [...late.done, ...done],
      heard: [...heard],
      messages: [...late.messages, ...messages]
    }
    news = noNews
    done = []
    counted = heard.size
    underWay = added
    return taken
  }

  return {
    add: ({ changes, notices }) => {
      news = { notices: [...news.notices, ...notices], changes: [...news.changes, ...changes] }
    },
    settled: (sink, ids) => {
      for (const id of ids) {
        done.push({ sink, id })
        unkept.delete(id)
      }
    },
    passedOn: heard,
    isDue: () => done.length + news.notices.length + news.changes.length > 0 || heard.size > counted,
    takeNotices: () => {
      const { notices } = news
      news = { ...news, notices: [] }
      return notices
    },
    commit: (fresh, handOn) => {
      const changes = take(fresh)
      if (changes === undefined) return Effect.void
      const { added } = changes
      return Effect.matchCause(outbox.commit(changes), {
        onSuccess: () => {
          late = none
          for (const id of changes.heard) heard.delete(id)
          counted = 0
          underWay = []
          handOn(added)
        },
        onFailure: (cause) => {
          late = changes
          if (Outbox.isTakenOver(cause)) {
            for (const { alert } of added) if (Backlog.isOpening(alert)) untold.add(alert.incident)
            return onTakenOver()
          }
          ledger.notKept(cause)
          for (const { alert } of added) unkept.add(alert.id)
          underWay = []
          handOn(added)
        }
      })
    },
    underWay: () => underWay,
    isKept: ({ id }) => outbox.isMemory !== true && !unkept.has(id),
    isUntold: ({ generation, key }) => untold.has(nameOf(key, generation))
  }
}

/** What each incident has become last. */
const lastOf = (changes: ReadonlyArray<Outbox.Change>): ReadonlyArray<Outbox.Change> => [
  ...new Map(changes.map((change) => [`${change.route}\n${change.key}`, change])).values()
]
