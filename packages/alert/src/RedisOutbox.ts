/**
 * An outbox in Redis, by the `Redis` in context, such as that of `@effect/platform-node/NodeRedis`.
 *
 * Several processes may share it, as with `SqlOutbox`. It lasts as long as what Redis writes to its disk: with `appendonly yes`, a crash of Redis
 * loses at most the last second. All keys of a program are in one slot, so that a cluster will do.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import { randomUUID } from "node:crypto"
import { hashOf, keptOf } from "./internal/kept.ts"
import * as Lease from "./internal/lease.ts"
import { type Changes, encodeAlert, encodeIncident, Outbox, type OutboxError, type Service } from "./Outbox.ts"

/**
 * Whose keys these are, and how long a command may take.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The name of the program, for a Redis that several share. Default: `default`. */
  readonly name?: string | undefined
  /** The longest time for a commit; beyond, alerts are sent without being kept. Default: 5 seconds. */
  readonly timeout?: Duration.Input | undefined
  /** When nothing was heard for so long of the process that tells people, another one does. Each looks ten times in this time. Default: 10 seconds. */
  readonly lease?: Duration.Input | undefined
}

const rules: Check.Rules<Options> = { name: Check.text, timeout: Check.duration(), lease: Check.duration() }

/**
 * Keeps incidents and alerts under keys that begin with `{redrive:NAME}`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<never, never, Redis.Redis> =>
  Layer.effect(Outbox, make(Check.options("RedisOutbox.layer", rules, options)))

/** Each part of a program's state has a key. */
const parts = ["owner", "incidents", "alerts", "order", "added", "heard", "messages"]

const scriptOf = <R>(lua: string) =>
  Redis.script((keys: ReadonlyArray<string>, ...args: ReadonlyArray<string>) => [...keys, ...args], {
    numberOfKeys: parts.length,
    lua: parts.map((part, index) => `local ${part} = KEYS[${index + 1}]\n`).join("") + lua
  }).withReturnType<R>()

const commit = scriptOf<number>(`
if redis.call('HGET', owner, 'owner') ~= ARGV[1] then return 0 end
redis.call('HINCRBY', owner, 'beat', 1)
local changes = cjson.decode(ARGV[2])
for _, row in ipairs(changes.changed) do redis.call('HSET', incidents, row[1], row[2]) end
for _, id in ipairs(changes.forgotten) do redis.call('HDEL', incidents, id) end
for _, row in ipairs(changes.added) do
  if redis.call('HSETNX', alerts, row[1], row[2]) == 1 then
    redis.call('ZADD', order, redis.call('INCR', added), row[1])
  end
end
for _, id in ipairs(changes.done) do
  redis.call('HDEL', alerts, id)
  redis.call('ZREM', order, id)
end
for _, id in ipairs(changes.heard) do redis.call('HDEL', heard, id) end
for _, row in ipairs(changes.messages) do
  if row[2] then redis.call('HSET', messages, row[1], row[2]) else redis.call('HDEL', messages, row[1]) end
end
return 1`)

/** Incidents, alerts that wait, and messages. */
type Loaded = readonly [ReadonlyArray<string>, ReadonlyArray<string>, ReadonlyArray<string>]

const load = scriptOf<Loaded>(`
local waiting = {}
for _, id in ipairs(redis.call('ZRANGE', order, 0, -1)) do
  waiting[#waiting + 1] = redis.call('HGET', alerts, id)
end
return { redis.call('HVALS', incidents), waiting, redis.call('HVALS', messages) }`)

const beat = scriptOf<number>(`
if redis.call('HGET', owner, 'owner') ~= ARGV[1] then return 0 end
redis.call('HINCRBY', owner, 'beat', 1)
redis.call('HSET', owner, 'calls', ARGV[2])
return 1`)

const seize = scriptOf<number>(`
if (redis.call('HGET', owner, 'owner') or '') ~= ARGV[2] then return 0 end
if (redis.call('HGET', owner, 'beat') or '0') ~= ARGV[3] then return 0 end
redis.call('HSET', owner, 'owner', ARGV[1], 'calls', '[]')
redis.call('HINCRBY', owner, 'beat', 1)
return 1`)

const letGo = scriptOf<number>(`
if redis.call('HGET', owner, 'owner') == ARGV[1] then redis.call('HSET', owner, 'owner', '') end
return 1`)

const passOn = scriptOf<number>(`
return redis.call('HSET', heard, redis.call('INCR', added), ARGV[1])`)

/** A client may give a hash as an object or as a list, by its protocol; a script gives a list. */
const passedOn = scriptOf<ReadonlyArray<string>>("return redis.call('HGETALL', heard)")

const make = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<Service, never, Redis.Redis> {
  const { lease = "10 seconds", name = "default", timeout = "5 seconds" } = options
  const redis = yield* Redis.Redis
  const self = randomUUID()
  const keys = parts.map((part) => `{redrive:${name}}:${part}`)
  const [owner = ""] = keys
  const bounded = <A>(what: string, effect: Effect.Effect<A, Redis.RedisError | OutboxError>) =>
    effect.pipe(
      Effect.timeout(timeout),
      Effect.catchCause((cause) => Effect.fail(Lease.errorOf(`the outbox could not be ${what}`, cause)))
    )

  const write = Effect.fnUntraced(function* (changes: Changes) {
    const isDone = yield* redis.eval(commit)(keys, self, JSON.stringify(fieldsOf(changes)))
    if (isDone === 0) return yield* Lease.takenOver
  })

  const { hold, interval } = Lease.make(self, Duration.fromInputUnsafe(lease), {
    read: Effect.map(
      redis.send<ReadonlyArray<string | null>>("HMGET", owner, "owner", "beat", "calls"),
      ([owner, beat, calls]) => ({ owner: owner ?? "", beat: beat ?? "0", calls: calls ?? "[]" })
    ),
    begin: Effect.void,
    beat: (calls) => Effect.map(redis.eval(beat)(keys, self, calls), (done) => done === 1),
    seize: (from) => Effect.map(redis.eval(seize)(keys, self, from.owner, String(from.beat)), (done) => done === 1)
  })

  return {
    load: bounded("read", Effect.map(redis.eval(load)(keys), readOf)),
    commit: (changes) => bounded("written", write(changes)),
    share: {
      interval,
      hold: (calls) => bounded("held", hold(calls)),
      letGo: bounded("let go", Effect.asVoid(redis.eval(letGo)(keys, self))),
      passOn: (text) => bounded("passed on to", Effect.asVoid(redis.eval(passOn)(keys, text))),
      passedOn: bounded("read", Effect.map(redis.eval(passedOn)(keys), textsOf))
    }
  }
})

/** Changes as the fields of hashes, which `commit` writes and deletes. */
const fieldsOf = ({ added, done, heard = [], incidents, messages = [] }: Changes) => ({
  changed: incidents.flatMap(({ incident, key, route }) =>
    incident === undefined ? [] : [[hashOf(route, key), JSON.stringify({ route, body: encodeIncident(incident) })]]
  ),
  forgotten: incidents.flatMap(({ incident, key, route }) => (incident === undefined ? [hashOf(route, key)] : [])),
  added: added.map(({ alert, sink }) => [hashOf(sink, alert.id), JSON.stringify({ sink, body: encodeAlert(alert) })]),
  done: done.map(({ id, sink }) => hashOf(sink, id)),
  heard,
  messages: messages.map(({ id, incident, sink }) => [
    hashOf(sink, incident),
    ...(id === undefined ? [] : [JSON.stringify({ sink, incident, id })])
  ])
})

/** What `load` gave. */
const readOf = ([incidents, alerts, messages]: Loaded) => ({
  ...keptOf(
    incidents.map((text) => JSON.parse(text)),
    alerts.map((text) => JSON.parse(text))
  ),
  messages: messages.map((text) => JSON.parse(text))
})

/** What `passedOn` gave, oldest first. */
const textsOf = (fields: ReadonlyArray<string>) =>
  Arr.chunksOf(fields, 2)
    .map(([id, text = ""]) => ({ id, text }))
    .toSorted((one, other) => Number(one.id) - Number(other.id))
