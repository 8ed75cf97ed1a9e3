import { DatabaseSync } from "node:sqlite"

/** Faults of node:sqlite in Node.js 22. They are tried, because a release may mend one in any line. */
export interface Faults {
  /** Text is read to its first NUL character only. */
  readonly isCutAtNul: boolean
  /** `all` counts the columns before the statement is prepared again, so that the first reading after a change of schema lacks some. */
  readonly isCountedEarly: boolean
}

/** Tries this Node.js on a database in memory. */
export const faultsOfNode = (): Faults => {
  const database = new DatabaseSync(":memory:")
  try {
    database.exec("CREATE TABLE a (b); INSERT INTO a VALUES ('c' || char(0))")
    const read = database.prepare("SELECT * FROM a")
    const [before] = read.all()
    database.exec("ALTER TABLE a ADD COLUMN d")
    const [after] = read.all()
    return { isCutAtNul: before?.b === "c", isCountedEarly: after?.d === undefined }
  } finally {
    database.close()
  }
}
