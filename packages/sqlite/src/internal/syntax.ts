/** The first statement's parameters. SQLite numbers them; names and numbers may repeat. */
export interface Parameters {
  /** The highest number. */
  readonly count: number
  /** The numbers of those written as a plain `?`, if there are others. */
  readonly plain: ReadonlyArray<number>
  /** The numbers of those with a name (`:a`, `@a`, `$a`) or a number (`?1`), by what stands in the text. */
  readonly named: ReadonlyMap<string, number>
}

const blank = /[\s;\uFEFF]+|--[^\n]*|\/\*[^]*?(?:\*\/|$)/y

/** Where the first statement after `from` begins: behind white space, comments and semicolons. */
export const skipBlank = (sql: string, from: number): number => {
  blank.lastIndex = from
  let end = from
  while (blank.test(sql)) end = blank.lastIndex
  return end
}

/** Strings, quoted names and comments, where a sign is no parameter. A doubled quote within one makes it two, which is the same here. */
const opaque = /'[^']*'|"[^"]*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|\/\*[^]*?(?:\*\/|$)/g

/** A text without them. */
export const withoutQuoted = (sql: string): string => sql.replace(opaque, " ")

/** A parameter with a number or a name. Other names may have a `$` within. */
const other = /\?\d+|(?<![\w\u0080-\uFFFF])[:@$][\w$\u0080-\uFFFF]+/

const parameter = new RegExp(`${other.source}|\\?`, "g")

/** Reads the parameters of a statement that SQLite has accepted, without what is quoted. node:sqlite does not tell them. */
export const parametersOf = (text: string): Parameters => {
  const plain: Array<number> = []
  const named = new Map<string, number>()
  let count = 0
  // Most texts have no other than `?`, and an insert of many rows has thousands.
  if (!other.test(text)) return { count: text.split("?").length - 1, plain, named }
  for (const found of text.match(parameter) ?? []) {
    if (found === "?") plain.push(++count)
    else if (!named.has(found)) {
      const number = found.startsWith("?") ? Number(found.slice(1)) : count + 1
      named.set(found, number)
      count = Math.max(count, number)
    }
  }
  return { count, plain, named }
}

/** Whether a statement that returns rows, without what is quoted, has written them. A word too many costs time and memory, and nothing else. */
export const hasReturning = (text: string): boolean => /\breturning\b/i.test(text)
