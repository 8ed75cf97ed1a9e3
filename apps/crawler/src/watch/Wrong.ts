import * as Data from "effect/Data"

/** A request that is not answered as it was meant: with a view that says what is wrong, and what to do. */
export class Wrong extends Data.TaggedError("Wrong")<{
  readonly status: number
  readonly wrong: string
  readonly advice: string
}> {}
