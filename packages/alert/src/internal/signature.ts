import * as Redacted from "effect/Redacted"
import { createHmac } from "node:crypto"

const prefix = "whsec_"

/** The bytes of a secret as Standard Webhooks write it. */
const bytesOf = (secret: string): Buffer => Buffer.from(secret.slice(prefix.length), "base64")

const isSecret = (value: unknown): boolean => {
  if (!Redacted.isRedacted(value)) return false
  const text: unknown = Redacted.value(value)
  if (typeof text !== "string" || !/^whsec_[A-Za-z\d+/]+={0,2}$/.test(text)) return false
  const { length } = bytesOf(text)
  return length >= 24 && length <= 64
}

export const areSecrets = (value: unknown): boolean => Array.isArray(value) && value.length > 0 && value.every(isSecret)

/** The signatures of a text, one for each secret: a receiver takes a delivery if it knows any of them. */
export const of = (secrets: ReadonlyArray<Redacted.Redacted>, text: string): string =>
  secrets
    .map(
      (secret) =>
        `v1,${createHmac("sha256", bytesOf(Redacted.value(secret)))
          .update(text)
          .digest("base64")}`
    )
    .join(" ")
