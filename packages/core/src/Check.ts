/**
 * Checks of options when an adapter is made, for programs without types and for values that types do not bound.
 *
 * Every option of an adapter has a rule. An option that there is not, or a value that its rule does not take, is refused with the name of the
 * adapter and of the option, what was given, and what is allowed; all problems are told at once.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as rules from "./internal/rules.ts"

/**
 * What an option takes (`isRight`), and how that is said (`allowed`).
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
 * Gives options back, or throws an error that tells all that is wrong with them. `adapter` is its name in the message, such as `Log.layer`.
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
 * An option that may not be left out.
 *
 * @category rules
 * @since 0.1.0
 */
export const required: (rule: Rule) => Rule = rules.required

/**
 * Anything for which a test holds; `allowed` says what that is, as `a stream with a write`.
 *
 * @category rules
 * @since 0.1.0
 */
export const where = (allowed: string, isRight: (value: unknown) => boolean): Rule => ({ allowed, isRight })

/**
 * A duration that is not negative; one without end only where `isEndless` (false).
 *
 * @category rules
 * @since 0.1.0
 */
export const duration = ({ isEndless = false }: { readonly isEndless?: boolean } = {}): Rule => ({
  allowed: isEndless ? "a duration that is not negative" : "a duration that is not negative and has an end",
  isRight: (value) => {
    const given = isNoInput(value) ? Option.none() : Duration.fromInput(value as Duration.Input)
    return Option.exists(given, (one) => !Duration.isNegative(one) && (isEndless || Duration.isFinite(one)))
  },
  show: (value) => (Duration.isDuration(value) ? String(value) : rules.shown(value))
})

const unit = /^(weeks|days|hours|minutes|seconds|milliseconds|microseconds|nanoseconds)$/

/** Effect takes these for no time at all: NaN, and an object whose units it does not know, such as `{ second: 5 }`. */
const isNoInput = (value: unknown): boolean => {
  if (!rules.isRecord(value) || Duration.isDuration(value) || Array.isArray(value)) return Number.isNaN(value)
  const names = Object.keys(value)
  return names.length === 0 || !names.every((name) => unit.test(name))
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
 * @category rules
 * @since 0.1.0
 */
export const text: Rule = rules.text

/**
 * @category rules
 * @since 0.1.0
 */
export const boolean: Rule = { allowed: "true, false", isRight: (value) => typeof value === "boolean" }

/**
 * @category rules
 * @since 0.1.0
 */
export const callback: Rule = { allowed: "a function", isRight: (value) => typeof value === "function" }

/**
 * One of several texts.
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
 * A secret in Effect's `Redacted`, of whose text a test holds. No message shows it, whatever was given in its place.
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
 * Whether a text is an absolute http or https URL.
 *
 * @category guards
 * @since 0.1.0
 */
export const isHttpUrl = (url: string): boolean => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
