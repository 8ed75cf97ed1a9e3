import * as Predicate from "effect/Predicate"
import { domainToASCII } from "node:url"

/** The address in `Name <user@host>`, or the text itself. */
const bare = (address: string): string => (/<([^<>]*)>\s*$/.exec(address)?.[1] ?? address).trim()

/** Whether a text is one address, with or without a name: nothing in it can be a second one, or a line of its own. */
export const isAddress = (value: unknown): boolean => {
  if (typeof value !== "string" || /[\p{Cc}\u2028\u2029]/u.test(value)) return false
  const address = bare(value)
  const name = value.includes("<") ? value.slice(0, value.lastIndexOf("<")).trim() : ""
  return /^[^\s@<>,;:"()[\]\\]+@[^\s@<>,;:"()[\]\\]+$/.test(address) && /^(?:"[^"\\]*"|[^@<>,;:"()[\]\\]*)$/.test(name)
}

export const areAddresses = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every(isAddress)

export const domainOf = (address: string): string => {
  const host = bare(address).split("@")[1] ?? ""
  return domainToASCII(host) || host
}

/** An address as servers and nodemailer compare it: hosts are in ASCII, whatever was given. */
export const normal = (address: string): string => {
  const [user = "", host = ""] = bare(address).split("@")
  return `${user}@${domainToASCII(host) || host}`.toLowerCase()
}

/** Whether something can send: a nodemailer transporter. */
export const isTransporter = (value: unknown): boolean =>
  Predicate.hasProperty(value, "sendMail") &&
  typeof value.sendMail === "function" &&
  Predicate.hasProperty(value, "use") &&
  typeof value.use === "function"

/** Whether a text is the URL of a mail server. */
export const isSmtpUrl = (url: string): boolean => URL.canParse(url) && /^smtps?:$/.test(new URL(url).protocol)
