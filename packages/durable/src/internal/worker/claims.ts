import type * as Fiber from "effect/Fiber"
import type { Claim, Claimed } from "../../Store.ts"

/** A task that runs. */
export interface Running {
  readonly claim: Claimed
  readonly fiber: Fiber.Fiber<void>
}

/** What the database may hold for a worker: the claims of tasks that run, and the claims whose answer has not come. */
export interface Claims {
  /** How many tasks run. */
  readonly size: () => number
  readonly running: () => ReadonlyArray<Running>
  /** Whether a task runs under this very claim: its row may have another one by now. */
  readonly isHeld: (claim: Claimed) => boolean
  readonly add: (running: Running) => void
  /** Holds a claim no longer, unless its row has another one by now. */
  readonly drop: (claim: Claimed) => void
  /** What only the next claim is called. */
  readonly token: () => string
  /** Notes that the store is asked for a claim. */
  readonly ask: (claim: Claim) => void
  /** Notes that the answer has come. */
  readonly answered: (claim: Claim) => void
  /** The claims whose answer has not come: the database may have carried them out. */
  readonly unanswered: () => ReadonlyArray<string>
  /** Forgets unanswered claims whose lease is over. */
  readonly forget: (now: number) => void
  /** All that the database may hold, each once. */
  readonly tokens: () => ReadonlyArray<string>
}

export const make = (worker: string): Claims => {
  const tasks = new Map<string, Running>()
  const isHeld = (claim: Claimed) => tasks.get(claim.row)?.claim === claim
  let claims = 0
  /** When their lease is over, by token. */
  const unanswered = new Map<string, number>()
  return {
    size: () => tasks.size,
    running: () => [...tasks.values()],
    isHeld,
    add: (running) => {
      tasks.set(running.claim.row, running)
    },
    drop: (claim) => {
      if (isHeld(claim)) tasks.delete(claim.row)
    },
    token: () => `${worker} ${claims++}`,
    ask: ({ token, until }) => {
      unanswered.set(token, until)
    },
    answered: ({ token }) => {
      unanswered.delete(token)
    },
    unanswered: () => [...unanswered.keys()],
    forget: (now) => {
      for (const [token, until] of unanswered) if (until <= now) unanswered.delete(token)
    },
    tokens: () => [...new Set([...unanswered.keys(), ...[...tasks.values()].map(({ claim }) => claim.claim)])]
  }
}
