import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import { safely, property, stringAt } from "./chain.ts"
import { longest } from "./waits.ts"
import { permanent, throttled, transient, type Verdict } from "./verdict.ts"

const unclear = transient("quick", 1)

/** Verdicts by the published meaning of gRPC's status codes; the index is the code. */
const verdicts: ReadonlyArray<Verdict | undefined> = [
  undefined, // OK
  permanent, // CANCELLED, by this side
  unclear, // UNKNOWN: a handler that threw, or a front that answered without a status
  permanent, // INVALID_ARGUMENT
  transient("steady"), // DEADLINE_EXCEEDED
  permanent, // NOT_FOUND
  permanent, // ALREADY_EXISTS
  permanent, // PERMISSION_DENIED
  throttled(), // RESOURCE_EXHAUSTED
  permanent, // FAILED_PRECONDITION: not before the state was changed
  transient("quick"), // ABORTED: a conflict with another transaction
  permanent, // OUT_OF_RANGE
  permanent, // UNIMPLEMENTED
  unclear, // INTERNAL: a bug, but also a stream that the transport broke off
  transient("quick"), // UNAVAILABLE
  permanent, // DATA_LOSS
  permanent // UNAUTHENTICATED
]

/** The verdict on an error of gRPC: a status with its details and metadata. */
export const ofGrpc = (link: object): Verdict | undefined => {
  const [code, metadata] = [property(link, "code"), property(link, "metadata")]
  if (typeof code !== "number" || stringAt(link, "details") === undefined || !Predicate.isObjectKeyword(metadata))
    return undefined
  const verdict = verdicts[code]
  const pushback = verdict && valueOf(metadata, "grpc-retry-pushback-ms")
  // The server's own instruction; a value that is not a time means: do not retry (gRFC A6).
  if (typeof pushback === "string") return /^\d{1,10}$/.test(pushback) ? waiting(Number(pushback)) : permanent
  if (verdict === undefined || verdict._tag === "Permanent") return verdict
  const status = valueOf(metadata, "grpc-status-details-bin")
  const delay = ArrayBuffer.isView(status) ? safely(() => retryDelay(status as Uint8Array)) : undefined
  return delay === undefined ? verdict : waiting(delay)
}

const waiting = (millis: number) => throttled(Duration.millis(Math.min(longest, millis)))

const valueOf = (metadata: object, name: string): unknown => {
  const get = property(metadata, "get")
  const values: unknown = typeof get === "function" ? safely(() => get.call(metadata, name)) : undefined
  return Array.isArray(values) ? values[0] : undefined
}

/** The milliseconds in the `google.rpc.RetryInfo` among the details of a `google.rpc.Status`. */
const retryDelay = (status: Uint8Array): number | undefined => {
  for (const [field, any] of fieldsOf(status)) {
    if (field !== 3 || typeof any === "number") continue
    const { 1: type, 2: info } = Object.fromEntries(fieldsOf(any))
    if (typeof type !== "object" || typeof info !== "object") continue
    if (!new TextDecoder().decode(type).endsWith("/google.rpc.RetryInfo")) continue
    const delay = Object.fromEntries(fieldsOf(info))[1]
    if (typeof delay !== "object") return undefined
    const { 1: seconds = 0, 2: nanos = 0 } = Object.fromEntries(fieldsOf(delay))
    return typeof seconds === "number" && typeof nanos === "number" ? seconds * 1000 + nanos / 1e6 : undefined
  }
  return undefined
}

/** The fields of a Protocol Buffers message, each a number or bytes; throws on any other type. */
const fieldsOf = (bytes: Uint8Array): ReadonlyArray<readonly [field: number, value: number | Uint8Array]> => {
  const fields: Array<readonly [number, number | Uint8Array]> = []
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++]
      if (byte === undefined || scale > 2 ** 49) throw new RangeError("no number")
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const tag = varint()
    const value = varint()
    if (tag % 8 === 2) fields.push([tag >>> 3, bytes.subarray(at, (at += value))])
    else if (tag % 8 === 0) fields.push([tag >>> 3, value])
    else throw new RangeError("another type")
  }
  return fields
}
