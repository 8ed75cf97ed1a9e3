const width = 360
const height = 150
const left = 70
const below = 40
const perRow = 2

/** What one thing costs as another grows. */
export interface Curve {
  readonly name: string
  /** What grows, such as `keys`. */
  readonly of: string
  readonly points: ReadonlyArray<{ readonly size: number; readonly nanos: number }>
}

const shown = (value: number): string =>
  value >= 1e6 ? `${value / 1e6}M` : value >= 1e3 ? `${value / 1e3}k` : String(value)

const time = (nanos: number): string =>
  nanos >= 1e6
    ? `${(nanos / 1e6).toFixed(1)} ms`
    : nanos >= 1e3
      ? `${(nanos / 1e3).toFixed(1)} µs`
      : `${nanos.toFixed(0)} ns`

/** One picture for each curve, all with logarithmic axes: a cost that does not grow is level, a linear one rises as the grey line does. */
export const picture = (curves: ReadonlyArray<Curve>): string => {
  const rows = Math.ceil(curves.length / perRow)
  const [all, tall] = [perRow * (width + left), rows * (height + below + 30)]
  const parts = curves.map((curve, index) =>
    one(curve, (index % perRow) * (width + left), Math.floor(index / perRow) * (height + below + 30))
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${all} ${tall}" font-family="sans-serif" font-size="11">`,
    `<rect width="${all}" height="${tall}" fill="white"/>`,
    ...parts,
    "</svg>",
    ""
  ].join("\n")
}

const one = ({ name, of, points }: Curve, x0: number, y0: number): string => {
  // None has a place of its own, before one.
  const sizes = points.map(({ size }) => Math.log10(Math.max(0.5, size)))
  const costs = points.map(({ nanos }) => Math.log10(nanos))
  const span = Math.max(1, ...sizes) - Math.min(...sizes)
  const low = Math.floor(Math.min(...costs))
  // At least two decades, so that a level cost looks level.
  const decades = Math.max(2, Math.ceil(Math.max(...costs)) - low)
  const x = (size: number) => x0 + left + ((size - Math.min(...sizes)) / span) * (width - 40)
  const y = (cost: number) => y0 + 24 + height - ((cost - low) / decades) * height
  const line = points
    .map((_, index) => `${x(sizes[index] ?? 0).toFixed(1)},${y(costs[index] ?? 0).toFixed(1)}`)
    .join(" ")
  const rise = Math.min(decades, span)
  return [
    `<text x="${x0 + left}" y="${y0 + 14}" font-weight="600">${name}</text>`,
    `<line x1="${x(sizes[0] ?? 0)}" y1="${y(low)}" x2="${x((sizes[0] ?? 0) + rise)}" y2="${y(low + rise)}" stroke="#bbb" stroke-dasharray="4 3"/>`,
    ...Array.from({ length: decades + 1 }, (_, step) => low + step).flatMap((cost) => [
      `<line x1="${x0 + left}" x2="${x0 + left + width - 40}" y1="${y(cost)}" y2="${y(cost)}" stroke="#eee"/>`,
      `<text x="${x0 + left - 6}" y="${y(cost) + 4}" text-anchor="end">${time(10 ** cost)}</text>`
    ]),
    ...points.map(
      ({ size }, index) =>
        `<text x="${x(sizes[index] ?? 0)}" y="${y(low) + 16}" text-anchor="middle">${shown(size)}</text>`
    ),
    `<text x="${x0 + left + width - 40}" y="${y(low) + 30}" text-anchor="end">${of}</text>`,
    `<polyline points="${line}" fill="none" stroke="#1f5f99" stroke-width="2"/>`,
    ...points.map(
      (_, index) => `<circle cx="${x(sizes[index] ?? 0)}" cy="${y(costs[index] ?? 0)}" r="3" fill="#1f5f99"/>`
    )
  ].join("\n")
}
