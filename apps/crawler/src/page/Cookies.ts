/**
 * The cookies of one page's redirects: sites set one and redirect, and serve the page only to those who bring it. None outlives its page.
 */
import { CookieJar } from "tough-cookie"

export interface Cookies {
  /** Keeps what an answer from a URL sets. What browsers would refuse is ignored. */
  readonly set: (headers: ReadonlyArray<string>, url: string) => void
  /** The `Cookie` header of a request; empty if it has no cookies. */
  readonly of: (url: string) => string
}

export const make = (): Cookies => {
  let jar: CookieJar | undefined
  return {
    set: (headers, url) => {
      for (const header of headers) {
        jar ??= new CookieJar()
        jar.setCookieSync(header, url, { ignoreError: true })
      }
    },
    of: (url) => jar?.getCookieStringSync(url) ?? ""
  }
}
