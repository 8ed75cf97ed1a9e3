/** The fields of a policy, and of its parts by the names of their schemas: for editors. A test compares them with the doc comments. */
export const meanings = {
  Fields: {
    retries: "How many retries may follow the first attempt; more than 100 need a deadline. Default: 3.",
    operation:
      "What a call does to the other side: `create`, `idempotent`, `poll` or `read`. An ambiguous `create` is not sent again. Default: `read`.",
    attemptTimeout: "The longest time for one attempt, such as `10 seconds`. Default: no limit.",
    deadline: "The longest time for all attempts and waits of a call, such as `1 minute`. Default: no limit.",
    maxRetryAfter: "The longest Retry-After that a call waits for; a longer one ends the call. Default: 5 minutes.",
    quick: "The backoff for a brief fault. Default: 500 ms, doubling up to 10 seconds, full jitter.",
    steady: "The backoff for a server in trouble. Default: 2 seconds, doubling up to 1 minute, full jitter.",
    slow: "The backoff for name servers and maintenance. Default: 1 minute, doubling up to 15 minutes, full jitter.",
    server: "The backoff for a server that throttles without a Retry-After. Default: as `steady`.",
    overrides: "Other rules for a failure, by its `code` or `code/detail`; the more exact one wins. Default: none.",
    nested:
      "Whether a call within a call that retries tries `once`, or may `retry` too. Ignored for any other call. Default: `once`.",
    budget: "How many retries all calls together may make: the name of a preset, or a rule. Default: no limit.",
    breaker: "When calls of a key are refused because too many have failed. Default: never.",
    bulkhead: "How many calls run at once, and how many wait for a place. Default: no limit.",
    rateLimit: "How many calls of a key begin in a window of time; `Distributed` makes the runner. Default: no limit.",
    parking: "A gate at which calls of a key wait until a person has acted. Default: a parked call is given up.",
    hedge: "When a slow attempt is sent a second time. Ignored for `create` and `idempotent`. Default: never."
  },
  Override: {
    retries: "The most retries for this code. Default: the policy's `retries`, or fewer if the verdict has a limit.",
    backoff: "The backoff for this code. Default: the backoff for the verdict.",
    giveUp: "Gives up at once; excludes `retries` and `backoff`. Default: not set."
  },
  Backoff: {
    kind: "How the delays grow. Default: `exponential`.",
    base: "The first delay, before jitter. No default.",
    cap: "The longest delay. No default.",
    factor: "How much each delay grows over the previous one, for `exponential` only. Default: 2.",
    jitter: "How much of a delay is random. Default: `full`."
  },
  Breaker: {
    trip: "When it opens. Default: after 5 failures in a row.",
    slowerThan: "A success that took longer counts as a failure. Default: no success does.",
    openFor:
      "How long it stays open, as a backoff over the times it opens without closing in between. Default: 5 seconds, ±10 %.",
    probes:
      "How many probes may run at once while it is half open, and how many must succeed in a row before it closes. Default: 1.",
    lease: "How long a probe may take to report before its place goes to another. Default: 30 seconds."
  },
  Consecutive: {
    failures: "How many failures in a row open the breaker. No default."
  },
  CountWindow: {
    size: "How many of the last calls count. No default.",
    rate: "The share of failures that opens the breaker, above 0 and at most 1. No default.",
    minimum: "How many calls must have ended before the breaker may open, at most `size`. No default."
  },
  TimeWindow: {
    length: "How long a call counts. No default.",
    rate: "The share of failures that opens the breaker, above 0 and at most 1. No default.",
    minimum: "How many calls within `length` must have ended before the breaker may open. No default."
  },
  Ratio: {
    ratio: "How many retries each call in the window allows, above 0 and at most 10. No default.",
    window: "How long a call counts. No default.",
    floor: "How many retries a second are always allowed. No default."
  },
  Tokens: {
    capacity: "How many tokens the bucket holds; it starts full. No default.",
    cost: "How many tokens a retry costs. No default.",
    throttledCost: "How many tokens a retry costs after a throttled failure. No default.",
    refill: "How many tokens a success without retries gives back. No default."
  },
  Throttle: {
    capacity: "How many tokens the bucket holds; it starts full. No default.",
    ratio: "How many tokens a success gives back. No default."
  },
  Adaptive: {
    k: "How many calls each success in the window allows. No default.",
    window: "How long a call counts. No default.",
    ceiling: "The highest probability of refusing a retry. No default."
  },
  Concurrent: {
    ratio: "How many retries may be in flight for each call in flight, above 0 and at most 10. No default.",
    floor: "How many retries in flight are always allowed. No default."
  },
  Bulkhead: {
    concurrent: "How many calls may run at once. No default.",
    queue: "How many calls may wait for their turn. Default: 0."
  },
  RateLimit: {
    limit: "How many calls of a key may begin in each `window`. No default.",
    window: "The length of the window. No default.",
    algorithm:
      "`token-bucket` spreads calls evenly after a burst of at most `limit`; `fixed-window` lets all of them begin at the start of a window. Default: `token-bucket`.",
    maximumWait:
      "A call that would wait longer, with the time that the store takes, is refused at once, and told when to come back. A call that finds room at once is never refused. Default: 30 seconds."
  },
  Parking: {
    probe: "How long to wait before each probe. Default: `Preset.slow`.",
    maximum: "How long a call waits at most. Default: 1 day."
  },
  Hedge: {
    after: "How long the first attempt runs before a second one is sent. No default.",
    share:
      "The largest share of the attempts in the last ten seconds that may be sent twice. It must exceed the share of attempts that are slower than `after`, or it is soon used up. Default: 0.1."
  }
} as const satisfies { readonly [part: string]: { readonly [field: string]: string } }
