/** What a program of the documentation says it prints: the text after each `// =>`, where `…` stands for any text. */

/** The lines that a program promises, in order. */
export const promised = (code: string): ReadonlyArray<string> =>
  [...code.matchAll(/\/\/ => (.*)$/gm)].map(([, text = ""]) => text.trim())

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")
const pattern = (line: string): string => line.split("…").map(escaped).join(".*")

/** Whether the promised lines were printed, and no others. Indentation does not count. */
export const isKept = (promises: ReadonlyArray<string>, printed: string): boolean =>
  new RegExp(`^${promises.map(pattern).join("\n")}$`).test(printed.trim().replace(/^[ \t]+|[ \t]+$/gm, ""))
