/**
 * What a report shows of a crawl, as plain JSON. Times are epoch milliseconds.
 */
import type { Group, ItemLine, JobLine, PolicyView } from "../watch/Model.ts"

/** A host's pages. */
export interface Host {
  readonly host: string
  readonly done: number
  readonly failed: number
  /** Pages that were found, and neither read nor given up. */
  readonly left: number
}

/** A page. */
export interface Told extends ItemLine {
  /** Whether its address is cut, and leads nowhere. */
  readonly isCut: boolean
  /** Attempts of its story that are left out of the middle. */
  readonly leftOut: number
}

/** Pages in numbers; `left` ones were found, and neither read nor given up. */
export interface Counts {
  readonly found: number
  readonly done: number
  readonly failed: number
  readonly left: number
  readonly retries: number
  readonly savedByRetry: number
  readonly savedByRedrive: number
  readonly rounds: number
}

/** By which policy pages were tried. */
export interface Policy {
  /** Of each page; absent where a service elsewhere has it. */
  readonly pages?: Pick<PolicyView, "policy" | "svg" | "table">
  /** Of further rounds, a line for each strategy. */
  readonly rounds: ReadonlyArray<string>
}

export interface Report {
  /** When it was written. */
  readonly now: number
  /** The program and its version. */
  readonly program: string
  /** The command line, without secrets. */
  readonly command: string
  readonly job: JobLine
  /** Whether the address of the start is cut, and leads nowhere. */
  readonly isCut: boolean
  /** Why the crawl did not run to its end, in sentences. Empty where it did. */
  readonly stopped: ReadonlyArray<string>
  readonly counts: Counts
  /** What was crawled, and what was left out: names and sentences. */
  readonly coverage: ReadonlyArray<readonly [name: string, text: string]>
  readonly policy: Policy
  /** Failed pages that are alike. */
  readonly groups: ReadonlyArray<Group>
  readonly hosts: ReadonlyArray<Host>
  /** The failed pages, by who must act. */
  readonly failed: ReadonlyArray<Told>
  /** Pages that had been tried when the crawl was stopped. */
  readonly open: ReadonlyArray<Told>
  /** The pages that were read. */
  readonly done: ReadonlyArray<Told>
  /** Whether the attempts and waits of pages are known; a service elsewhere keeps them to itself. */
  readonly hasStories: boolean
}
