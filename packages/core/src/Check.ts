/**
 * Checks an adapter's options when it is made: for untyped programs, and for limits that types cannot express.
 *
 * Every option of an adapter has a rule. An unknown option, or a value that the rule does not allow, is refused. The error names the
 * adapter, the option, the given value and the allowed values, and lists all problems at once.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as rules from "./internal/rules.ts"

/**
 * The values that an option allows (`isRight`), and their description in messages (`allowed`).
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule extends rules.Rule {}

/**
 * A rule for each option.
 *
 * @category models
 * @since 0.1.0
 */
export type Rules<Options> = { readonly [Name in keyof Options]-?: Rule }

/**
 * Returns the options, or throws an error that lists everything wrong with them. `adapter` is the name in the message, such as `Log.layer`.
 *
 * @category running
 * @since 0.1.0
 */
export const options = <Options extends object>(adapter: string, of: Rules<Options>, given: Options): Options => {
  rules.refuse(
    adapter,
    rules.isRecord(given)
      ? rules.problemsOf(of, given, "")
      : [`the options are ${rules.kindOf(given)}; allowed: an object`]
  )
  return given
}

/**
 * Makes a rule's option required.
 *
 * @category rules
 * @since 0.1.0
 */
export const required: (rule: Rule) => Rule = rules.required

/**
 * A value that passes a test; `allowed` describes it, such as `a stream with a write`.
 *
 * @category rules
 * @since 0.1.0
 */
export const where = (allowed: string, isRight: (value: unknown) => boolean): Rule => ({ allowed, isRight })

/**
 * A duration that is not negative, and finite unless `isEndless` is `true`.
 *
 * @category rules
 * @since 0.1.0
 */
export const duration = ({
  isEndless = false
}: {
  /** Whether an infinite duration is right. Default: `false`. */
  readonly isEndless?: boolean
} = {}): Rule => ({
  allowed: isEndless ? "a duration that is not negative" : "a duration that is not negative and has an end",
  isRight: (value) => {
    const given = isNoInput(value) ? Option.none() : Duration.fromInput(value as Duration.Input)
    return Option.exists(given, (one) => !Duration.isNegative(one) && (isEndless || Duration.isFinite(one)))
  },
  show: (value) => (Duration.isDuration(value) ? String(value) : rules.shown(value))
})

const unit = /^(weeks|days|hours|minutes|seconds|milliseconds|microseconds|nanoseconds)$/

/** Inputs that Effect reads as zero: NaN, and an object with unknown units or without numbers, such as `{ second: 5 }`. */
const isNoInput = (value: unknown): boolean => {
  if (!rules.isRecord(value) || Duration.isDuration(value)) return Number.isNaN(value)
  const parts = Object.entries(value).filter(([, part]) => part !== undefined)
  const isPart = ([name, part]: readonly [string, unknown]) =>
    (Array.isArray(value) || unit.test(name)) && typeof part === "number" && !Number.isNaN(part)
  return parts.length === 0 || !parts.every(isPart)
}

/**
 * A whole number in a range.
 *
 * @category rules
 * @since 0.1.0
 */
export const int = (minimum: number, maximum: number = Number.MAX_SAFE_INTEGER): Rule => ({
  allowed: `a whole number, ${maximum === Number.MAX_SAFE_INTEGER ? `${minimum} or more` : `${minimum} to ${maximum}`}`,
  isRight: (value) => Number.isSafeInteger(value) && Number(value) >= minimum && Number(value) <= maximum
})

/**
 * A share, from 0 to 1.
 *
 * @category rules
 * @since 0.1.0
 */
export const share: Rule = {
  allowed: "a number, 0 to 1",
  isRight: (value) => typeof value === "number" && value >= 0 && value <= 1
}

/**
 * A string of any length.
 *
 * @category rules
 * @since 0.1.0
 */
export const text: Rule = rules.text

/**
 * `true` or `false`.
 *
 * @category rules
 * @since 0.1.0
 */
export const boolean: Rule = { allowed: "true, false", isRight: (value) => typeof value === "boolean" }

/**
 * A function, with any parameters.
 *
 * @category rules
 * @since 0.1.0
 */
export const callback: Rule = { allowed: "a function", isRight: (value) => typeof value === "function" }

/**
 * One of several strings.
 *
 * @category rules
 * @since 0.1.0
 */
export const oneOf = (...values: ReadonlyArray<string>): Rule => rules.oneOf(values)

/**
 * The severity of a failure.
 *
 * @category rules
 * @since 0.1.0
 */
export const severity: Rule = /*#__PURE__*/ oneOf("Fatal", "Error", "Warn", "Info", "Debug", "Trace")

/**
 * An object whose fields have rules of their own.
 *
 * @category rules
 * @since 0.1.0
 */
export const struct = <Fields>(fields: Rules<Fields>): Rule => ({
  allowed: `an object of ${Object.keys(fields).join(", ")}`,
  isRight: rules.isRecord,
  fields
})

/**
 * An object that has a method, such as a stream that has `write`.
 *
 * @category rules
 * @since 0.1.0
 */
export const having = (method: string): Rule => ({
  allowed: `an object with the method ${method}`,
  isRight: (value) => rules.isRecord(value) && typeof Reflect.get(value, method) === "function"
})

/**
 * A secret in Effect's `Redacted` whose text passes a test. No message shows the given value.
 *
 * @category rules
 * @since 0.1.0
 */
export const secret = (what: string, isRight: (text: string) => boolean): Rule => ({
  allowed: `a Redacted ${what}`,
  isRight: (value) => {
    if (!Redacted.isRedacted(value)) return false
    const text: unknown = Redacted.value(value)
    return typeof text === "string" && isRight(text)
  },
  show: (value) => (Redacted.isRedacted(value) ? "something else" : rules.kindOf(value))
})

/**
 * A value as messages show it: a text in quotes, cut after 60 characters. Of an object, only its kind is shown.
 *
 * @category formatting
 * @since 0.1.0
 */
export const shown: (value: unknown) => string = rules.shown

/**
 * Whether a text is an absolute http or https URL.
 *
 * @category guards
 * @since 0.1.0
 */
export const isHttpUrl = (url: string): boolean => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
