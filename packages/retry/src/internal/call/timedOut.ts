import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Failure from "@redrive/core/Failure"
import * as Report from "@redrive/core/Report"
import { toKey } from "./refused.ts"

/** The call that an effect is part of. */
export interface Named {
  readonly name: string
  readonly key: string
}

const timeouts = new WeakSet<object>()

/** Whether a failure is the engine's own timeout rather than one of the effect. */
export const isTimedOut = (u: unknown): u is Cause.TimeoutError =>
  typeof u === "object" && u !== null && timeouts.has(u)

/** The engine's timeout of a call. */
export const timedOut = ({ key, name }: Named, limit: Duration.Duration): Cause.TimeoutError => {
  const took = Duration.format(Duration.millis(Math.round(Duration.toMillis(limit))))
  return ofCall(made(`${name}${toKey(key)} timed out after ${took}`), { name, key })
}

/** A stack would show only the engine. */
const made = (message: string): Cause.TimeoutError => Failure.withoutStack(() => new Cause.TimeoutError(message))

/** A timeout as Effect makes it, with the facts of its call. */
const ofCall = (error: Cause.TimeoutError, { key, name }: Report.Call): Cause.TimeoutError => {
  timeouts.add(error)
  const call: Report.Call = { name, key, engine: "timed out" }
  return Object.defineProperty(error, Report.call, { configurable: true, value: call })
}

/** Makes the codec of a timeout. */
export const timedOutJson = () =>
  Schema.TaggedStruct("TimeoutError", {
    message: Schema.String,
    call: Schema.optionalKey(Schema.String),
    key: Schema.optionalKey(Schema.String)
  }).pipe(
    Schema.decodeTo(
      Schema.declare(Cause.isTimeoutError),
      SchemaTransformation.transform({
        decode: ({ call, key = "", message }) => {
          const error = made(message)
          return call === undefined ? error : ofCall(error, { name: call, key })
        },
        encode: (error) => {
          const { key = "", name } = callOf(error) ?? {}
          return {
            _tag: "TimeoutError" as const,
            message: error.message,
            ...(name !== undefined && { call: name }),
            ...(key !== "" && { key })
          }
        }
      })
    )
  )

const callOf = (error: Cause.TimeoutError & { readonly [Report.call]?: Report.Call }): Report.Call | undefined =>
  error[Report.call]
