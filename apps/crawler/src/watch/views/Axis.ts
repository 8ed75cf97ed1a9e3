/**
 * A time axis whose picture is as wide as its room: positions are percentages, texts and marks keep their size.
 */
import * as Words from "./Words.ts"

export interface Axis {
  readonly from: number
  readonly to: number
  /** Where a time is, from 0 to 100; what is beyond the axis is at its edge. */
  readonly at: (time: number) => number
  readonly ticks: ReadonlyArray<{ readonly at: number; readonly text: string }>
}

const second = 1000

/** Seconds between two ticks. */
const steps = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800
]

/** So few ticks that their texts have room on a phone. */
const mostTicks = 4

/** The part of the axis that is left free at each end, for marks. */
const margin = 2

export const axis = (from: number, to: number): Axis => {
  const span = Math.max(second, to - from)
  const at = (time: number) => margin + (100 - 2 * margin) * Math.min(1, Math.max(0, (time - from) / span))
  const step = (steps.find((some) => span / (some * second) <= mostTicks) ?? span / second / mostTicks) * second
  const first = Math.ceil(from / step) * step
  const ticks = Array.from({ length: Math.max(0, Math.floor((from + span - first) / step) + 1) }, (_, index) => {
    const time = first + index * step
    return { at: at(time), text: textOf(time, step, Words.day(from) !== Words.day(to)) }
  })
  return { from, to: from + span, at, ticks }
}

const textOf = (time: number, step: number, isLong: boolean): string => {
  if (step >= 86_400 * second) return Words.day(time)
  const text = step >= 60 * second ? Words.clock(time).slice(0, 5) : Words.clock(time)
  return isLong ? `${Words.day(time)} ${text}` : text
}
