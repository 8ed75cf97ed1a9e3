import * as Duration from "effect/Duration"
import type * as RateLimiter from "effect/persistence/RateLimiter"
import * as Schema from "effect/Schema"
import { never } from "../rows.ts"
import type { Step } from "./states.ts"

type Service = RateLimiter.RateLimiterStore["Service"]
type Options<Name extends keyof Service> = Parameters<Service[Name]>[0]

/** The tokens taken in a fixed window, which ends when it expires. */
export const Window = Schema.Struct({ tokens: Schema.Finite, expiresAt: Schema.Finite })

/** Takes tokens from a window; each makes it end later. A take beyond the limit changes nothing. */
export const take =
  ({ limit, refillRate, tokens }: Options<"fixedWindow">): Step<typeof Window.Type, readonly [number, number]> =>
  (window, now) => {
    const { expiresAt: until, tokens: taken } = window ?? { tokens: 0, expiresAt: now }
    const count = taken + tokens
    if (limit && count > limit) return [window, [count, until - now]]
    const expiresAt = Math.min(until + Duration.toMillis(refillRate) * tokens, never)
    return [{ tokens: count, expiresAt }, [count, expiresAt - now]]
  }

/** A bucket of tokens. It expires when it is full, since a full one is as good as a new one. */
export const Bucket = Schema.Struct({
  tokens: Schema.Finite,
  refilledAt: Schema.Finite,
  expiresAt: Schema.Finite
})

/** Refills a bucket by whole intervals and takes tokens from it. */
export const draw =
  ({
    allowOverflow,
    limit,
    refillRate,
    tokens
  }: Options<"tokenBucket">): Step<typeof Bucket.Type, readonly [number, number]> =>
  (bucket, now) => {
    const interval = Duration.toMillis(refillRate)
    const { refilledAt: last, tokens: before } = bucket ?? { tokens: limit, refilledAt: now }
    const refills = Math.max(0, Math.floor((now - last) / interval))
    const had = refills > 0 ? Math.min(limit, before + refills) : before
    const refilledAt = had >= limit ? now : last + refills * interval
    const left = had - tokens
    const elapsed = Math.max(0, now - refilledAt)
    if (left < 0 && !allowOverflow) return [bucket, [left, elapsed]]
    const expiresAt = Math.min(now + Math.max(1, Math.ceil(limit - left) * interval - elapsed), never)
    return [{ tokens: left, refilledAt, expiresAt }, [left, elapsed]]
  }

/** A limit learned from answers of status 429, as Effect's adaptive limiter describes it. */
export const Adaptive = Schema.Union([
  Schema.Struct({
    phase: Schema.Literal("cooldown"),
    epoch: Schema.Finite,
    cooldownUntil: Schema.Finite,
    expiresAt: Schema.Finite
  }),
  Schema.Struct({
    phase: Schema.Literal("learning"),
    epoch: Schema.Finite,
    startedAt: Schema.Finite,
    tokens: Schema.Finite,
    expiresAt: Schema.Finite
  }),
  Schema.Struct({
    phase: Schema.Literal("learned"),
    epoch: Schema.Finite,
    cooldownUntil: Schema.Finite,
    tokens: Schema.Finite,
    limit: Schema.Finite,
    window: Schema.Finite,
    expiresAt: Schema.Finite
  })
])

/** How long a phase is kept after its end, and the longest time that a server's answer can ask for. */
const grace = 60_000
const longest = 3_600_000

const clamped = (millis: number): number => (millis > 0 ? Math.min(millis, longest) : 1)

const cooldown = (epoch: number, until: number): typeof Adaptive.Type => ({
  phase: "cooldown",
  epoch,
  cooldownUntil: until,
  expiresAt: until + grace
})

/** Takes tokens from a learned limit, or counts them while it is learned. */
export const adapt =
  ({
    fallbackWindow,
    tokens
  }: RateLimiter.AdaptiveConsumeOptions): Step<typeof Adaptive.Type, RateLimiter.AdaptiveConsumeResult> =>
  (state, now) => {
    if (state === undefined) return [state, { delay: Duration.zero, epoch: 0, phase: "inactive" }]
    const { phase } = state
    switch (phase) {
      case "cooldown": {
        const { cooldownUntil, epoch } = state
        if (cooldownUntil > now) return [state, { delay: Duration.millis(cooldownUntil - now), epoch, phase }]
        const expiresAt = Math.min(now + Duration.toMillis(fallbackWindow) + grace, never)
        const learning = { phase: "learning", epoch: epoch + 1, startedAt: now, tokens, expiresAt } as const
        return [learning, { delay: Duration.zero, epoch: epoch + 1, phase: "learning" }]
      }
      case "learning":
        return [
          { ...state, tokens: state.tokens + tokens },
          { delay: Duration.zero, epoch: state.epoch, phase }
        ]
      case "learned": {
        const interval = state.window / state.limit
        const isOver = state.cooldownUntil <= now
        const taken = (isOver ? 0 : state.tokens) + tokens
        const cooldownUntil = (isOver ? now : state.cooldownUntil) + interval * tokens
        const elapsed = taken * interval - (cooldownUntil - now)
        const wait = Math.floor((taken - 1) / state.limit) * state.window - elapsed
        const delay = wait <= 0 ? Duration.zero : Duration.millis(wait)
        return [
          { ...state, tokens: taken, cooldownUntil },
          { delay, epoch: state.epoch, phase }
        ]
      }
    }
  }

/** Applies the wait that an answer of status 429 asked for, unless it belongs to an earlier epoch. */
export const feed =
  (epoch: number, tokens: number, retryAfter: Duration.Duration): Step<typeof Adaptive.Type, void> =>
  (state, now) => {
    const wait = clamped(Duration.toMillis(retryAfter))
    if ((state?.epoch ?? 0) !== epoch) return [state, undefined]
    if (state?.phase === "cooldown") return [cooldown(epoch, Math.max(state.cooldownUntil, now + wait)), undefined]
    const accepted = state?.phase === "learning" ? state.tokens - tokens : 0
    if (state?.phase !== "learning" || accepted <= 0) return [cooldown(epoch, now + wait), undefined]
    const window = clamped(now - state.startedAt + wait)
    const learned = { limit: accepted, tokens: accepted, window, cooldownUntil: state.startedAt + window } as const
    return [{ phase: "learned", epoch: epoch + 1, ...learned, expiresAt: now + window + grace }, undefined]
  }
