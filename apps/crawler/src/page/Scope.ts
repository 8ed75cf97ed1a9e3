/**
 * Which of a page's links belong to a crawl.
 *
 * A link belongs when it is on the start URL's host, or on the host that the start redirected to (or a subdomain, where allowed), and its
 * whole URL matches the whitelist and not the blacklist. Both are RE2 expressions, matched in linear time: a pattern from a stranger cannot stop the service.
 */
import type * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as JobError from "@redrive/core/JobError"
import * as Result from "effect/Result"
import { RE2JS } from "re2js"

/** Decides by its normalised URL, and gives it back, whether a link belongs. */
export type Scope = (link: string) => string | undefined

/** The scope of a request, or what is wrong with its patterns. `landed` is where the start's redirects led. Default: it has none. */
export const make = (
  request: CrawlApi.CrawlRequest,
  landed: string = request.url
): Result.Result<Scope, JobError.InvalidRequest> => {
  const whitelist = compile("whitelist_regexp", request.whitelistRegexp)
  if (Result.isFailure(whitelist)) return Result.fail(whitelist.failure)
  const blacklist = compile("blacklist_regexp", request.blacklistRegexp)
  if (Result.isFailure(blacklist)) return Result.fail(blacklist.failure)
  const hosts = [...new Set([request.url, landed].map((url) => new URL(url).host))]
  return Result.succeed((link) => {
    const url = new URL(link)
    if (url.protocol !== "http:" && url.protocol !== "https:") return undefined
    if (url.username !== "" || url.password !== "") return undefined
    if (!hosts.some((host) => isInside(url, host, request.allowSubdomains))) return undefined
    const normal = pageOf(link)
    if (whitelist.success?.matcher(normal).find() === false) return undefined
    return blacklist.success?.matcher(normal).find() === true ? undefined : normal
  })
}

/** A page's URL as a crawl identifies it: as the URL standard writes it, and without its fragment. */
export const pageOf = (link: string): string => {
  const url = new URL(link)
  url.hash = ""
  return url.href
}

const isInside = (url: URL, host: string, allowSubdomains: boolean): boolean =>
  url.host === host || (allowSubdomains && url.host.endsWith(`.${host}`))

const compile = (field: string, pattern: string): Result.Result<RE2JS | undefined, JobError.InvalidRequest> =>
  pattern === ""
    ? Result.succeed(undefined)
    : Result.try({
        try: () => RE2JS.compile(pattern),
        catch: (cause) => {
          const why = cause instanceof Error ? cause.message.replace("error parsing regexp: ", "") : String(cause)
          const lastError = `${field} is invalid: it is a regular expression (RE2), and this one has a fault: ${why}`
          return new JobError.InvalidRequest({ field, lastError, cause })
        }
      })
