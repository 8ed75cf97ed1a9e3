/** One request that came: `at` in epoch milliseconds, `attempt` of its path from 1, `tooEarly` if it was asked to wait longer. */
export interface Request {
  readonly path: string
  readonly at: number
  readonly attempt: number
  readonly tooEarly: boolean
}

/** What one path has seen: how many requests, and until when it asked to be left alone. */
interface Path {
  readonly attempts: number
  readonly until: number
}

const untouched: Path = { attempts: 0, until: 0 }

/** The memory of a site: the log, and what each path needs to know about its past. */
export const make = () => {
  const log: Array<Request> = []
  const paths = new Map<string, Path>()

  return {
    log: (): ReadonlyArray<Request> => [...log],
    reset: () => {
      log.length = 0
      paths.clear()
    },
    visit: (path: string, at: number): Request => {
      const { attempts, until } = paths.get(path) ?? untouched
      const request = { path, at, attempt: attempts + 1, tooEarly: at < until }
      paths.set(path, { attempts: request.attempt, until })
      log.push(request)
      return request
    },
    wait: (path: string, until: number) => {
      paths.set(path, { ...(paths.get(path) ?? untouched), until })
    }
  }
}
