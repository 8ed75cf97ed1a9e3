/**
 * Who has signed in on the page. A session is a signed text in a cookie: every process of a database knows it, and none keeps it.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"

/** How long a session lasts. */
export const lasting = Duration.hours(12)

/** The cookie's name. */
export const cookie = "redrive_session"

export interface Sessions {
  /** Whether a key is the operator's. */
  readonly isKey: (key: string) => boolean
  /** Makes the text of a session. */
  readonly make: (now: number) => string
  /** Whether a text is one of ours that has not expired. */
  readonly isGood: (session: string, now: number) => boolean
  /** The token of a session's forms: a stranger's page that sends a form does not know it. */
  readonly token: (session: string) => string
}

const isSame = (one: string, other: string): boolean => {
  const [given, expected] = [one, other].map((text) => createHash("sha256").update(text).digest())
  return given !== undefined && expected !== undefined && timingSafeEqual(given, expected)
}

/** Sessions of an operator's key. Another key ends those of the one before. */
export const make = (key: Redacted.Redacted, secret: string): Sessions => {
  const signed = (text: string): string =>
    createHmac("sha256", `${secret} ${Redacted.value(key)}`)
      .update(text)
      .digest("base64url")
      .slice(0, 32)
  return {
    isKey: (given) => isSame(given, Redacted.value(key)),
    make: (now) => {
      const text = `${now + Duration.toMillis(lasting)}.${randomBytes(12).toString("base64url")}`
      return `${text}.${signed(`session ${text}`)}`
    },
    isGood: (session, now) => {
      const [expires = "", nonce = "", signature = ""] = session.split(".")
      return isSame(signature, signed(`session ${expires}.${nonce}`)) && Number(expires) > now
    },
    token: (session) => signed(`form ${session}`)
  }
}
