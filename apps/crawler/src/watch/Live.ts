/**
 * Tells watchers which views have changed. However many they are, one reading of the database serves them all; where nobody watches, nothing is read.
 */
import { randomBytes } from "node:crypto"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Sse from "effect/encoding/Sse"
import * as Stream from "effect/Stream"

/** How often the database is looked at while somebody watches. */
const interval = "250 millis"

/** How many changes somebody may miss who connects again, and how many wait for a slow watcher: the oldest are dropped with a word. */
const mostKept = 256

/** The topic of whoever may have missed something: every view. */
const everything = "*"

/** What each topic looked like when it was last read, such as `overview` or `job:ID`. */
export type Stamps = ReadonlyMap<string, string>

interface Change {
  readonly number: number
  readonly topics: ReadonlyArray<string>
}

export interface Live {
  /** The last event until now. Whoever reads a view after it misses nothing by watching from there. */
  readonly lastEventId: () => string
  /** The server-sent events of a watcher, from after the event that it saw last. */
  readonly events: (lastEventId: string | undefined) => Stream.Stream<Uint8Array>
}

const changedOf = (before: Stamps, after: Stamps): ReadonlyArray<string> => [
  ...[...after].flatMap(([topic, stamp]) => (before.get(topic) === stamp ? [] : [topic])),
  ...[...before.keys()].filter((topic) => !after.has(topic))
]

/** `onChange` runs before anybody is told. A reading that fails is tried again with the next one. */
export const make = Effect.fnUntraced(function* (
  stamps: Effect.Effect<Stamps, unknown>,
  onChange: Effect.Effect<void>
) {
  const epoch = randomBytes(6).toString("base64url")
  const kept: Array<Change> = []
  let number = 0
  let before: Stamps | undefined

  const look = Effect.gen(function* () {
    const after = yield* stamps
    const topics = before === undefined ? [everything] : changedOf(before, after)
    before = after
    if (topics.length === 0) return []
    yield* onChange
    const change = { number: ++number, topics }
    kept.push(change)
    if (kept.length > mostKept) kept.shift()
    return [change]
  }).pipe(Effect.catchCause((cause) => Effect.as(Effect.logWarning("the page cannot look at the database", cause), [])))
  const changes = yield* Stream.tick(interval).pipe(
    Stream.mapEffect(() => look),
    Stream.flattenIterable,
    Stream.share({ capacity: mostKept, strategy: "sliding" })
  )

  const idOf = (of: number): string => `${epoch}-${of}`
  const eventOf = ({ number: of, topics }: Change): string =>
    Sse.encoder.write({ _tag: "Event", event: "change", id: idOf(of), data: JSON.stringify({ topics }) })

  /** What a watcher missed since an event. Nobody knows what it was where that is too long ago, or in another process. */
  const missed = (last: number): ReadonlyArray<Change> => {
    const later = kept.filter((change) => change.number > last)
    const isWhole = last <= number && later.length === number - last
    return isWhole ? later : [{ number, topics: [everything] }]
  }

  const numberOf = (lastEventId: string): number =>
    lastEventId.startsWith(`${epoch}-`) ? Number(lastEventId.slice(epoch.length + 1)) : Number.NaN

  // A proxy ends a connection on which nothing is sent.
  const beats = Stream.as(Stream.tick(Duration.seconds(15)), ": beat\n\n")

  return {
    lastEventId: () => idOf(number),
    events: (lastEventId) =>
      Stream.suspend(() => {
        let last = lastEventId === undefined ? number : numberOf(lastEventId)
        /** However slowly a watcher reads, it is told of all since it was told last. */
        const news = () => {
          const texts = missed(last).map(eventOf)
          last = number
          return texts.join("")
        }
        const told = Stream.map(Stream.merge(beats, Stream.as(changes, "")), (beat) => news() || beat)
        return Stream.encodeText(Stream.filter(told, (text) => text !== ""))
      })
  } satisfies Live
})
