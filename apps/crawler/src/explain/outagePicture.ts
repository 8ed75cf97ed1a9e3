/**
 * The picture of an outage: the load over time, a chart for each kind of failure.
 */
import type * as Explanation from "./Explanation.ts"
import { left, type Picture, right, round, scale, width } from "./frame.ts"
import { type Child, html } from "../html.ts"
import type { Load } from "./outage.ts"
import * as tables from "./tables.ts"
import { time } from "./words.ts"

const chart = 76

/** Where the chart of a number begins. */
const top = (index: number): number => 4 + index * (chart + 12)

/** A line through the loads of the slices, as steps. */
const steps = (
  slices: ReadonlyArray<number>,
  slice: number,
  x: (millis: number) => number,
  y: (load: number) => number
): string =>
  slices.map((load, index) => `L${x(index * slice)} ${y(load)}L${x((index + 1) * slice)} ${y(load)}`).join("")

const chartOf = (
  { ends, from, lasts, slice }: Explanation.Explanation["outage"],
  loads: ReadonlyArray<Load>,
  most: number,
  above: number
): Child => {
  const bottom = above + chart
  const x = (millis: number) => Math.min(scale(ends)(millis), width - right)
  const y = (load: number) => round(bottom - (load / most) * (chart - 6))
  const area = (load: Load) => {
    const line = steps(load.slices, slice, x, y)
    return load.isLimited
      ? html`<path class="load" d=${`M${x(0)} ${bottom}${line}L${x(load.slices.length * slice)} ${bottom}Z`} />`
      : html`<path class="free" d=${line.replace("L", "M")} />`
  }
  const [first] = loads
  return html`<g>
    <rect class="shade" x=${x(from)} y=${above} width=${round(x(from + lasts) - x(from))} height=${chart} />
    <line class="normal" x1=${left} y1=${y(1)} x2=${width - right} y2=${y(1)} />
    ${loads.map(area)}
    <line class="tick" x1=${left} y1=${bottom} x2=${width - right} y2=${bottom} />
    <text x=${left - 8} y=${above + chart / 2 + 4} text-anchor="end"
      >${first === undefined ? "" : tables.loadOf(first)}</text
    >
    <text class="soft" x=${width - right + 8} y=${y(1) + 4}>x 1</text>
    ${most > 1.6 && html`<text class="soft" x=${width - right + 8} y=${y(most) + 4}>x ${most.toFixed(1)}</text>`}
  </g>`
}

/** The requests that an outage brings, by the kind of failure. */
export const outage = ({ outage }: Explanation.Explanation): Picture => {
  const failures = [...new Set(outage.loads.map(({ failure }) => failure))]
  const most = Math.max(1, ...outage.loads.map(({ peak }) => peak))
  const isCompared = outage.loads.some(({ isLimited }) => !isLimited)
  const bottom = top(failures.length)
  const x = scale(outage.ends)
  const places = [
    [outage.from, "down"],
    [outage.from + outage.lasts, `${time(outage.lasts)} later: recovered`]
  ] as const
  return {
    id: "outage",
    title: `Requests in an outage of ${time(outage.lasts)}`,
    description: `The load over time as a multiple of the normal load, for each kind of failure; the dependency is down where the ground is shaded.${isCompared ? " A dashed line is the same policy without budget and breaker." : ""}`,
    height: bottom + 12,
    body: html`<g>
      ${failures.map((failure, index) =>
        chartOf(
          outage,
          outage.loads.filter((load) => load.failure === failure),
          most,
          top(index)
        )
      )}
      ${places.map(([at, text]) => html`<text class="soft" x=${x(at)} y=${bottom + 4}>${text}</text>`)}
    </g>`
  }
}
