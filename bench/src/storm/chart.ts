const width = 720
const height = 90
const left = 60
const labels = 24

/** Successes by the second, one picture below the other; the trouble is shaded, the line above is what is asked for. */
export const chart = (
  lines: ReadonlyArray<{ readonly name: string; readonly values: ReadonlyArray<number> }>,
  { begins, ends, offered }: { readonly begins: number; readonly ends: number; readonly offered: number }
): string => {
  const seconds = lines[0]?.values.length ?? 1
  const most = 1.5 * offered
  const x = (second: number) => left + (second / seconds) * (width - left - 24)
  const one = ({ name, values }: (typeof lines)[number], index: number) => {
    const top = index * (height + labels)
    const y = (value: number) => top + labels + height - (Math.min(value, most) / most) * height
    const points = values.map((value, second) => `${x(second + 0.5).toFixed(1)},${y(value).toFixed(1)}`).join(" ")
    return [
      `<text x="${left}" y="${top + 16}" font-weight="600">${name}</text>`,
      `<rect x="${x(begins)}" y="${top + labels}" width="${x(ends) - x(begins)}" height="${height}" fill="#f2d7d5"/>`,
      `<line x1="${left}" x2="${width - 24}" y1="${y(offered)}" y2="${y(offered)}" stroke="#999" stroke-dasharray="4 3"/>`,
      `<text x="${left - 6}" y="${y(offered) + 4}" text-anchor="end">${offered}/s</text>`,
      `<line x1="${left}" x2="${width - 24}" y1="${y(0)}" y2="${y(0)}" stroke="#333"/>`,
      `<text x="${left - 6}" y="${y(0) + 4}" text-anchor="end">0</text>`,
      `<polyline points="${points}" fill="none" stroke="#1f5f99" stroke-width="1.5"/>`
    ].join("\n")
  }
  const total = lines.length * (height + labels) + 24
  const ticks = Array.from({ length: Math.floor(seconds / 10) + 1 }, (_, index) => index * 10)
  const axis = ticks.map((second) => `<text x="${x(second)}" y="${total - 6}" text-anchor="middle">${second} s</text>`)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${total}" fill="white"/>`,
    ...lines.map(one),
    ...axis,
    "</svg>",
    ""
  ].join("\n")
}
