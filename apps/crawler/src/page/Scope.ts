/**
 * Which of a page's links belong to a crawl.
 *
 * A link belongs when it is on the start URL's host (or a subdomain, where allowed), and its whole URL matches the whitelist and not
 * the blacklist. Both are RE2 expressions, matched in linear time: a pattern from a stranger cannot stop the service.
 */
import type * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as JobError from "@redrive/core/JobError"
import * as Result from "effect/Result"
import { RE2JS } from "re2js"

/** Decides by its normalised URL, and gives it back, whether a link belongs. */
export type Scope = (link: string) => string | undefined

/** The scope of a request, or what is wrong with its patterns. */
export const make = (request: CrawlApi.CrawlRequest): Result.Result<Scope, JobError.InvalidRequest> => {
  const whitelist = compile("whitelist_regexp", request.whitelistRegexp)
  if (Result.isFailure(whitelist)) return Result.fail(whitelist.failure)
  const blacklist = compile("blacklist_regexp", request.blacklistRegexp)
  if (Result.isFailure(blacklist)) return Result.fail(blacklist.failure)
  const start = new URL(request.url)
  return Result.succeed((link) => {
    const url = new URL(link)
    if (url.protocol !== "http:" && url.protocol !== "https:") return undefined
    if (url.username !== "" || url.password !== "") return undefined
    if (!isInside(url, start, request.allowSubdomains)) return undefined
    const normal = normalise(url)
    if (whitelist.success?.matcher(normal).find() === false) return undefined
    return blacklist.success?.matcher(normal).find() === true ? undefined : normal
  })
}

/** A URL as a crawl identifies it: without its fragment. */
const normalise = (url: URL): string => {
  const copy = new URL(url)
  copy.hash = ""
  return copy.href
}

const isInside = (url: URL, start: URL, allowSubdomains: boolean): boolean =>
  url.host === start.host || (allowSubdomains && url.host.endsWith(`.${start.host}`))

const compile = (field: string, pattern: string): Result.Result<RE2JS | undefined, JobError.InvalidRequest> =>
  pattern === ""
    ? Result.succeed(undefined)
    : Result.try({
        try: () => RE2JS.compile(pattern),
        catch: (cause) => new JobError.InvalidRequest({ field, cause })
      })
