import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { chain, describe, type Part, partsOf, stringAt } from "./chain.ts"
import { bounded } from "./secrets/scrub.ts"

/** One thing that was thrown, as JSON. */
const LinkJson = Schema.Struct({
  name: Schema.String,
  message: Schema.String,
  code: Schema.optionalKey(Schema.String),
  syscall: Schema.optionalKey(Schema.String)
})

type LinkJson = typeof LinkJson.Type

/**
 * The codec of a thrown value of any kind. It writes the names, messages and codes of the chain, bounded and without the secrets of URLs,
 * and reads them as errors that wrap each other.
 */
export const Cause = Schema.Array(LinkJson).pipe(
  Schema.decodeTo(
    Schema.Unknown,
    SchemaTransformation.transform<unknown, ReadonlyArray<LinkJson>>({
      decode: (links) => revive(links),
      encode: (cause) => {
        const links = chain(cause)
        return links.length === 0 ? [{ name: "Error", message: bounded(String(cause)) }] : partsOf(links).map(linkOf)
      }
    })
  )
)

const linkOf = ({ value }: Part): LinkJson => {
  if (!Predicate.isObjectKeyword(value)) return describe(value, bounded)
  const [code, syscall] = [stringAt(value, "code"), stringAt(value, "syscall")]
  return {
    ...describe(value, bounded),
    ...(code === undefined ? {} : { code: bounded(code) }),
    ...(syscall === undefined ? {} : { syscall: bounded(syscall) })
  }
}

/** Makes an error for each link, without a stack, since it was not thrown here. */
const revive = ([first, ...wrapped]: ReadonlyArray<LinkJson>): unknown => {
  if (first === undefined) return undefined
  const { code, message, name, syscall } = first
  const error = new Error(message, wrapped.length === 0 ? {} : { cause: revive(wrapped) })
  Object.defineProperty(error, "name", { configurable: true, writable: true, value: name })
  Object.defineProperty(error, "stack", { configurable: true, writable: true, value: `${name}: ${message}` })
  return Object.assign(error, code === undefined ? {} : { code }, syscall === undefined ? {} : { syscall })
}
