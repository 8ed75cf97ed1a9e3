/**
 * Alerts as lines on a stream: for development, and as the last resort of another sink.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import process from "node:process"
import * as Alert from "./Alert.ts"
import { layer as layerSink, type Service, type Sink } from "./Sink.ts"

/**
 * What lines are written to, such as a stream of Node.js.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stream {
  /** Takes a line, which ends with a line break. */
  readonly write: (line: string) => unknown
}

/**
 * Where the lines go.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** Takes each line. Default: stderr. */
  readonly stream?: Stream | undefined
}

const rules: Check.Rules<Options> = { stream: Check.having("write") }

/** A message of a crawled site may turn the terminal's direction or its colors. */
const control = /[\p{Cc}\p{Cf}]+/gu

/**
 * A sink that writes a line for each alert.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): Service => {
  const { stream = process.stderr } = Check.options("ConsoleSink", rules, options)
  return {
    kind: "console",
    isIdempotent: false,
    proves: "shown",
    send: (alerts) =>
      Effect.sync(() => {
        for (const alert of alerts) {
          const said = `${Alert.title(alert)}: ${alert.message}`.replace(control, " ")
          stream.write(`${DateTime.formatIso(alert.at)} ALERT ${said}\n`)
        }
      })
  }
}

/**
 * The sink of an alerter that has one.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<Sink> => layerSink(make(options))
