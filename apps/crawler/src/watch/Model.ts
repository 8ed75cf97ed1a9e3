/**
 * What the views show, as plain JSON: the page gets it from the service, and a report from the crawl that it is about.
 *
 * Times are epoch milliseconds, money is millionths of a US dollar.
 */
import type { Attempt } from "../page/Story.ts"
import type { HostPause } from "../service/HostGates.ts"
import type { Explained, IncidentLine } from "../service/Incidents.ts"
import type { Filter, Status } from "./Filter.ts"

export type { HostPause, IncidentLine }

/** A job in a list. */
export interface JobLine {
  readonly id: string
  readonly account: string
  readonly url: string
  readonly status: "new" | "in_progress" | "done" | "error" | "cancelled"
  /** Why the job itself did not run to its end. */
  readonly error?: { readonly code: string; readonly message: string }
  readonly createdAt: number
  readonly finishedAt?: number
  readonly total: number
  readonly done: number
  readonly failed: number
  readonly spent: number
  /** The job whose pages it takes again. */
  readonly againOf?: string
}

/** Pages that failed alike. */
export interface Group {
  readonly host: string
  readonly code: string
  /** Empty if the failure has none. */
  readonly detail: string
  /** The HTTP status; 0 if there was no answer. */
  readonly status: number
  readonly actor: string
  readonly because: string
  readonly count: number
}

/** Failures of one code and detail, over all hosts. */
export interface Failures extends Omit<Group, "host" | "status"> {
  /** What the code means, in words. */
  readonly meaning: string
  readonly hosts: number
}

/** A page in a list. */
export interface ItemLine {
  readonly id: string
  readonly jobId: string
  readonly url: string
  readonly host: string
  readonly depth: number
  readonly status: Status
  /** The HTTP status of its last answer; 0 if there was none. */
  readonly pageStatus: number
  readonly title: string
  readonly attempts: number
  readonly cost: number
  readonly updatedAt: number
  readonly failure?: {
    readonly code: string
    readonly detail: string
    readonly message: string
    readonly actor: string
    readonly because: string
  }
  /** When it is tried again, if it waits. */
  readonly nextAt?: number
  readonly story: ReadonlyArray<Attempt>
}

/** A host in a list. */
export interface HostLine {
  readonly host: string
  readonly done: number
  readonly failed: number
  readonly running: number
  readonly waiting: number
  readonly pause?: HostPause
}

/** An account in a list. */
export interface AccountLine {
  readonly id: string
  readonly balance: number
  /** Jobs that ended since the balance was not enough, and the pages that they left. */
  readonly unpaidJobs: number
  readonly unpaidPages: number
}

/** What somebody did on the page. */
export interface ActionLine {
  readonly at: number
  readonly who: string
  /** Such as `redrive`, `pause`, `silence`, `cancel`, `open`, `top up`. */
  readonly what: string
  readonly about: string
  readonly count: number
}

/** A silence in force or to come. */
export interface SilenceLine {
  readonly name: string
  readonly by: string
  readonly from: number
  readonly until: number
  readonly about: string
}

/** What every view has. */
export interface Frame {
  /** When it was read. */
  readonly now: number
  /** The last event of its changes before it was read: a watcher hears of all since. */
  readonly after: string
  /** Whether whoever looks has signed in, and may act. */
  readonly mayAct: boolean
  /** For forms: without it no action is taken. */
  readonly token: string
  /** Of the forms of this showing: one that is sent twice is carried out once. */
  readonly formId: string
}

export interface Overview {
  readonly view: "overview"
  /** The newest jobs, running ones first. */
  readonly jobs: ReadonlyArray<JobLine>
  /** The cursor of older ones, if there are any. */
  readonly before?: string
  /** How many jobs run, those included that are not listed. */
  readonly running: number
  readonly totals: {
    readonly running: number
    readonly queued: number
    readonly waiting: number
    readonly done: number
    readonly failed: number
    readonly spent: number
  }
  readonly failures: ReadonlyArray<Failures>
  /** The pages that go again next, the soonest first. */
  readonly waiting: ReadonlyArray<ItemLine>
  readonly pauses: ReadonlyArray<HostPause>
  /** Accounts that somebody must pay for. */
  readonly parked: ReadonlyArray<AccountLine>
  readonly incidents: ReadonlyArray<IncidentLine>
  readonly actions: ReadonlyArray<ActionLine>
  /** Whether there were actions before these. */
  readonly isActionLeft?: boolean
  /** Pages that ended in each of the last minutes, oldest first: `[done, failed]`. */
  readonly pace: ReadonlyArray<readonly [done: number, failed: number]>
}

export interface JobView {
  readonly view: "job"
  readonly job: JobLine
  readonly counts: { readonly [status in Status]: number }
  /** What it was asked for, in words. */
  readonly request: ReadonlyArray<readonly [name: string, value: string]>
  readonly failures: ReadonlyArray<Failures>
  readonly hosts: ReadonlyArray<HostLine>
  /** The cursor of the hosts that are not listed, if there are any. */
  readonly moreHosts?: string
  readonly items: ItemList
  /** The pages with attempts that failed, for one time axis: the latest ones. */
  readonly stories: ReadonlyArray<ItemLine>
  /** How many such pages there are besides. */
  readonly untold: number
  readonly again: ReadonlyArray<JobLine>
}

/** Pages of a filter. */
export interface ItemList {
  readonly filter: Filter
  readonly items: ReadonlyArray<ItemLine>
  /** How many the filter has; unknown while pages are looked at one by one, and where they are very many. */
  readonly count?: number
  /** The cursor of the next ones, if there are any. */
  readonly after?: string
  /** How many pages were looked at, where each of them is: the rest is behind `after`. */
  readonly looked?: number
}

export interface ItemsView {
  readonly view: "items"
  readonly list: ItemList
  /** What the filter's failures are. */
  readonly failures: ReadonlyArray<Failures>
}

export interface ItemView {
  readonly view: "item"
  readonly item: ItemLine
  readonly job: JobLine
  readonly referredUrl: string
  readonly landedUrl: string
  /** The failure's message and meaning, and what to do about it. */
  readonly meaning: string
  /** Where its texts can be read, by format. */
  readonly texts: ReadonlyArray<readonly [format: string, href: string]>
}

export interface HostsView {
  readonly view: "hosts"
  readonly hosts: ReadonlyArray<HostLine>
  /** The job whose hosts they are. Without it they are those of all jobs. */
  readonly job?: string
  readonly after?: string
}

export interface AccountsView {
  readonly view: "accounts"
  readonly accounts: ReadonlyArray<AccountLine>
  /** What a page costs. */
  readonly price: number
}

export interface IncidentsView {
  readonly view: "incidents"
  readonly incidents: ReadonlyArray<IncidentLine>
  readonly silences: ReadonlyArray<SilenceLine>
  /** Of the incident that is looked at. */
  readonly explained?: Explained
  /** Whether anybody is told: names of the sinks. */
  readonly sinks: ReadonlyArray<string>
}

export interface PolicyView {
  readonly view: "policy"
  readonly policy: ReadonlyArray<string>
  /** The simulation's picture of an outage, and its table. */
  readonly svg: string
  readonly table: string
}

/** What an action would do, before it is done. */
export interface PlanView {
  readonly view: "plan"
  readonly action: "redrive" | "pause" | "silence" | "cancel"
  readonly filter: Filter
  /** The groups of a redrive that go again, and those that do not. */
  readonly again: ReadonlyArray<Group>
  readonly final: ReadonlyArray<Group & { readonly why: string }>
  readonly hosts: ReadonlyArray<string>
  readonly count: number
  /** What it costs at most. */
  readonly price: number
  /** What the accounts that pay for it have. */
  readonly balance: number
}

export interface SignInView {
  readonly view: "sign in"
  readonly wrong?: string
  /** Where to go afterwards. */
  readonly to: string
}

/** Something that is not there, or could not be done. */
export interface ProblemView {
  readonly view: "problem"
  readonly wrong: string
  readonly advice: string
}

export type View =
  | Overview
  | JobView
  | ItemsView
  | ItemView
  | HostsView
  | AccountsView
  | IncidentsView
  | PolicyView
  | PlanView
  | SignInView
  | ProblemView

export type Shown = View & { readonly frame: Frame }
