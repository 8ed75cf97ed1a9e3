/**
 * Where a list goes on, as a link has it. A cursor that is not one of ours begins the list anew.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Result from "effect/Result"

export const encode = (parts: ReadonlyArray<string | number>): string => Base64Url.encode(JSON.stringify(parts))

/** Reads a cursor whose parts are as the schema says. */
export const decode = <A>(schema: Schema.ConstraintDecoder<A>, cursor: string | undefined): A | undefined => {
  if (cursor === undefined) return undefined
  const text = Base64Url.decodeString(cursor)
  if (Result.isFailure(text)) return undefined
  const read = Schema.decodeUnknownOption(Schema.fromJsonString(schema))
  return Option.getOrUndefined(read(text.success))
}
