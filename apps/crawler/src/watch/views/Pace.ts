/**
 * Pages that ended in each of the last minutes: done above the line, failed below it.
 */
import { html } from "../../html.ts"
import type { Node } from "../../html.ts"
import * as Words from "./Words.ts"

const height = 56

export const pace = (minutes: ReadonlyArray<readonly [done: number, failed: number]>): Node => {
  const done = minutes.reduce((sum, [some]) => sum + some, 0)
  const failed = minutes.reduce((sum, [, some]) => sum + some, 0)
  const most = Math.max(1, ...minutes.map(([some, bad]) => some + bad))
  const words = `In the last ${Words.counted(minutes.length, "minute")} ${Words.counted(done, "page")} were read and ${Words.number(failed)} failed; the busiest minute had ${Words.number(most)}.`
  // One page is a pixel at least, so that none goes unseen.
  const tall = (some: number) => (some === 0 ? 0 : Math.max(1, (some / most) * height))
  const below = Math.max(...minutes.map(([, bad]) => tall(bad)), 0)
  const above = Math.max(...minutes.map(([some]) => tall(some)), 0)
  const step = 100 / Math.max(1, minutes.length)
  return done + failed === 0
    ? html`<p class="calm">No page ended in the last ${Words.counted(minutes.length, "minute")}.</p>`
    : html`<figure class="pace">
        <svg width="100%" height=${above + below + 1} aria-hidden="true">
          ${minutes.map(
            ([some, bad], index) =>
              html`<g>
                <rect
                  class="done"
                  x="${index * step}%"
                  width="${step * 0.8}%"
                  y=${above - tall(some)}
                  height=${tall(some)}
                />
                <rect class="failed" x="${index * step}%" width="${step * 0.8}%" y=${above + 1} height=${tall(bad)} />
              </g>`
          )}
          <line class="axis" x2="100%" y1=${above + 0.5} y2=${above + 0.5} />
        </svg>
        <figcaption>${words} <span class="quiet">Above the line: done. Below it: failed.</span></figcaption>
      </figure>`
}
