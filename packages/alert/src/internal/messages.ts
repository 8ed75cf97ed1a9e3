import { type Alert, isOver } from "../Alert.ts"
import type * as Outbox from "../Outbox.ts"
import type { MessageOf, Receipt } from "../Sink.ts"

/** What channels call the messages about incidents, so that what follows changes them. */
export interface Messages {
  readonly of: (sink: string) => MessageOf
  /** Notes what became of an alert: a receipt may name a message, and of an incident that is over none is needed. */
  readonly delivered: (sink: string, alert: Alert, receipt: Receipt | undefined) => void
  /** Forgets the message of an incident about which the sink is told no more. */
  readonly ended: (sink: string, alert: Alert) => void
  /** Goes on with what was kept, of incidents that are still known. */
  readonly restore: (messages: ReadonlyArray<Outbox.Message>, isKnown: (incident: string) => boolean) => void
  /** What is to be kept since this was asked last. */
  readonly changes: () => ReadonlyArray<Outbox.Message>
}

const idOf = (sink: string, incident: string): string => `${sink}\n${incident}`

/** No more messages are remembered; of the oldest incidents the end is a message of its own. */
const most = 10_000

export const make = (): Messages => {
  const known = new Map<string, Outbox.Message>()
  let changed: Array<Outbox.Message> = []

  const forget = ({ incident, sink }: Pick<Outbox.Message, "incident" | "sink">) => {
    if (known.delete(idOf(sink, incident))) changed.push({ sink, incident, id: undefined })
  }

  return {
    of: (sink) => (incident) => known.get(idOf(sink, incident))?.id,
    delivered: (sink, alert, receipt) => {
      const { incident } = alert
      if (isOver(alert)) return forget({ sink, incident })
      const id = receipt?.id
      if (id === undefined || known.get(idOf(sink, incident))?.id === id) return
      const message = { sink, incident, id }
      known.set(idOf(sink, incident), message)
      changed.push(message)
      for (const oldest of known.size > most ? known.values() : []) {
        forget(oldest)
        break
      }
    },
    ended: (sink, alert) => {
      if (isOver(alert)) forget({ sink, incident: alert.incident })
    },
    restore: (messages, isKnown) => {
      for (const message of messages) {
        known.set(idOf(message.sink, message.incident), message)
        if (!isKnown(message.incident)) forget(message)
      }
    },
    changes: () => {
      const all = changed
      changed = []
      return all
    }
  }
}
