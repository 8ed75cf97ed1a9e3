import * as Predicate from "effect/Predicate"
import { property } from "./chain.ts"
import type { HeadersLike } from "./waits.ts"

/** The answer that a client's error keeps: in `response`, in itself, or in the metadata of an AWS client. */
export interface Kept {
  readonly status: number
  readonly headers: HeadersLike
}

/** The answer in a client's error, if its status is 300 or more. */
export const answerOf = (link: object): Kept | undefined =>
  answerIn(property(link, "response")) ?? answerIn(link) ?? answerIn(property(link, "$metadata"))

const answerIn = (value: unknown): Kept | undefined => {
  if (!Predicate.isObjectKeyword(value)) return undefined
  for (const name of statusNames) {
    const status = property(value, name)
    if (!isStatus(status)) continue
    const headers = property(value, "headers")
    return { status, headers: Predicate.isObjectKeyword(headers) ? (headers as HeadersLike) : {} }
  }
  return undefined
}

const statusNames = ["status", "statusCode", "httpStatusCode"]

const isStatus = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 300 && Number(value) <= 599
