/** The first statement's parameters. SQLite numbers them; names and numbers may repeat. */
export interface Parameters {
  /** The highest number. */
  readonly count: number
  /** The numbers of those written as a plain `?`. */
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

/** Strings, quoted names, comments and names are found first, so that a sign within them is no parameter. */
const token =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[^]*?(?:\*\/|$)|[A-Za-z_\u0080-\uFFFF][\w$\u0080-\uFFFF]*|(\?\d*|[:@$][\w$\u0080-\uFFFF]+)/g

/** Reads the parameters of a statement that SQLite has accepted. node:sqlite does not tell them. */
export const parametersOf = (sql: string): Parameters => {
  const plain: Array<number> = []
  const named = new Map<string, number>()
  let count = 0
  for (const [, parameter] of sql.matchAll(token)) {
    if (parameter === undefined || named.has(parameter)) continue
    const number = parameter.startsWith("?") && parameter.length > 1 ? Number(parameter.slice(1)) : count + 1
    if (parameter === "?") plain.push(number)
    else named.set(parameter, number)
    count = Math.max(count, number)
  }
  return { count, plain, named }
}

/** Whether a statement that returns rows may write, too, by `RETURNING`. A word too many costs time, and nothing else. */
export const mayWrite = (sql: string): boolean => /\b(?:insert|update|delete|replace)\b/i.test(sql)
