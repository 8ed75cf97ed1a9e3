/** One request that the site received. */
export interface Request {
  /** The path of the page, without the query. */
  readonly path: string
  /** When it arrived, in epoch milliseconds. */
  readonly at: number
  /** The number of the request for this path, from 1. */
  readonly attempt: number
  /** Whether it arrived before the time that the last answer's Retry-After asked for. */
  readonly tooEarly: boolean
}

/** The number of requests for one path, and the time until which its Retry-After asked to wait. */
interface Path {
  readonly attempts: number
  readonly until: number
}

const untouched: Path = { attempts: 0, until: 0 }

/** The requests of a site, and the state of each path. */
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
