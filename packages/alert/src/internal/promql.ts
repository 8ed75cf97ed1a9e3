import * as Duration from "effect/Duration"

/** Parts of expressions in PromQL, for the series that labels select, over a window. */
export interface Expressions {
  /** The window, as Prometheus writes durations. */
  readonly within: string
  /** The series of a metric, with further labels that they must have. */
  readonly series: (metric: string, matchers?: { readonly [label: string]: string }) => string
  /** How many events a counter counted within the window, by job and by labels. */
  readonly events: (
    by: ReadonlyArray<string>,
    metric: string,
    matchers?: { readonly [label: string]: string }
  ) => string
}

export const expressions = (selector: { readonly [label: string]: string }, window: Duration.Input): Expressions => {
  const within = durationOf(window)
  const series: Expressions["series"] = (metric, matchers = {}) => {
    const all = Object.entries({ ...selector, ...matchers }).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    return all.length === 0 ? metric : `${metric}{${all.join(", ")}}`
  }
  return {
    within,
    series,
    // `increase` sees no event in a series that begins with it: its first value counts whole.
    events: (by, metric, matchers) => {
      const one = series(metric, matchers)
      return `sum by (${["job", ...by].join(", ")}) ((${one} unless ${one} offset ${within}) or increase(${one}[${within}]))`
    }
  }
}

export const literals = (labels: { readonly [label: string]: string }) =>
  Object.fromEntries(Object.entries(labels).map(([name, text]) => [name, literal(text)]))

/** A text that Prometheus must not read as a template. */
export const literal = (text: string): string => text.replaceAll("{{", '{{ "{{" }}')

/** Prometheus writes a duration in whole units. */
export const durationOf = (input: Duration.Input): string => {
  const seconds = Math.ceil(Duration.toSeconds(input))
  if (seconds % 3600 === 0 && seconds > 0) return `${seconds / 3600}h`
  return seconds % 60 === 0 && seconds > 0 ? `${seconds / 60}m` : `${seconds}s`
}
