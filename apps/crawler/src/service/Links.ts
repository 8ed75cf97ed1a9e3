/**
 * Links to the texts of pages, which a client fetches without a header: nobody guesses them, and they expire.
 */
import { createHmac, timingSafeEqual } from "node:crypto"
import type * as Job from "@redrive/core/Job"

const hour = 3_600_000

/** A link is good for a day at least. It stays the same for an hour, so that a job that has not changed is answered with the same text. */
const lasting = 24 * hour

/** One signature is for all items of a job, whose ids nobody guesses either: a job has thousands of links. */
const signed = (secret: string, jobId: string, expires: number): string =>
  createHmac("sha256", secret).update(`${jobId} ${expires}`).digest("base64url").slice(0, 32)

/** Makes what the links of a job begin with, below an address and at a time. */
export const make = (secret: string, origin: string, jobId: string, now: number): string => {
  const expires = Math.ceil(now / hour) * hour + lasting
  return `${origin}/content/${jobId}/${expires}/${signed(secret, jobId, expires)}`
}

/** What follows the id of an item in its link, by format. */
export const endings: { readonly [format in Job.Format]: string } = {
  markdown: "",
  html: "/html",
  cleaned: "/cleaned"
}

/** Whether a link was made here, and has not expired. */
export const isGood = (secret: string, jobId: string, expires: string, signature: string, now: number): boolean => {
  if (!/^\d{1,15}$/.test(expires) || Number(expires) <= now) return false
  const [expected, given] = [Buffer.from(signed(secret, jobId, Number(expires))), Buffer.from(signature)]
  return expected.length === given.length && timingSafeEqual(expected, given)
}
