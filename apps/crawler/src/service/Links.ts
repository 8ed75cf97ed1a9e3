/**
 * Links to the texts of pages, which a client fetches without a header: nobody guesses them, and they expire.
 */
import { createHmac, timingSafeEqual } from "node:crypto"

const hour = 3_600_000

/** A link is good for a day at least. It stays the same for an hour, so that a job that has not changed is answered with the same text. */
const lasting = 24 * hour

const signed = (secret: string, itemId: string, expires: number): string =>
  createHmac("sha256", secret).update(`${itemId} ${expires}`).digest("base64url").slice(0, 32)

/** Makes links below an address, at a time. */
export const make = (secret: string, origin: string, now: number) => {
  const expires = Math.ceil(now / hour) * hour + lasting
  return (itemId: string): string => `${origin}/content/${itemId}/${expires}/${signed(secret, itemId, expires)}`
}

/** Whether a link was made here, and has not expired. */
export const isGood = (secret: string, itemId: string, expires: string, signature: string, now: number): boolean => {
  if (!/^\d{1,15}$/.test(expires) || Number(expires) <= now) return false
  const [expected, given] = [Buffer.from(signed(secret, itemId, Number(expires))), Buffer.from(signature)]
  return expected.length === given.length && timingSafeEqual(expected, given)
}
