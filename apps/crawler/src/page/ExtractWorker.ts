/**
 * What a thread of the extractor runs.
 */
import * as Extract from "./Extract.ts"

/** A page to convert. */
export interface Task {
  readonly text: string
  readonly url: string
  readonly type: string
  readonly options: Extract.Options
}

export default ({ options, text, type, url }: Task): Extract.Content => Extract.fromPage(text, url, type, options)
