/**
 * What a database is called: the name of a SQLite file, `:memory:`, or a connection string of PostgreSQL.
 */

/** Whether a database is PostgreSQL's, which its connection string says. */
export const isPostgres = (database: string): boolean => /^postgres(ql)?:\/\//i.test(database)

/** Whether a database is meant to be a server's, and is not PostgreSQL's: no file has such a name. */
export const isUnknown = (database: string): boolean =>
  !isPostgres(database) && /^(postgres(ql)?:|[a-z][a-z\d+.-]*:\/\/)/i.test(database)

/** What a database may be called in a message: a connection string may have a password, anywhere in it if it is not well-formed. */
export const nameOf = (database: string): string => {
  if (!isPostgres(database)) return database
  const url = URL.canParse(database) ? new URL(database) : undefined
  return url === undefined || url.username === "" ? "PostgreSQL" : `${url.host}${url.pathname}`
}
