import { mark } from "./secrets.ts"

const parse = (url: string): URL | undefined => (URL.canParse(url) ? new URL(url) : undefined)

/** The URL without credentials, query and fragment: what may stand in a message. */
export const withoutSecrets = (url: string): string => {
  const parsed = parse(url.includes("@") ? url.replace(misread, "$1") : url)
  if (parsed === undefined) return url.replace(/[?#].*$/s, "").replace(/\/\/[^/@]*@/, "//")
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`
}

/** The URL's host name, with its port where it is not the scheme's own. */
export const hostOf = (url: string): string | undefined => parse(url)?.host

/**
 * Credentials whose password has a slash, unescaped, as people write it: a reader takes what is before it for the host. Digits are a port,
 * and what follows them a path, which may have an `@`.
 */
const slashed = "[^\\s/@:[]{0,200}:(?!\\d{0,5}/)[^\\s@\"'<>]{0,300}@"

/** Credentials, also those whose host a reader of URLs would not find. */
const misread = new RegExp(`^([a-z][a-z\\d+.-]*://)(?:[^\\s/]*@|${slashed})`, "i")

/** A URL; its password may contain characters that no other part may. */
const urls = new RegExp(`\\b[a-z][a-z\\d+.-]*://(?:[^\\s/]{0,500}@|${slashed})?[^\\s"'<>]+`, "gi")

const credentials = new RegExp(`://(?:[^\\s/]{0,500}@|${slashed})`)

/** Addresses that are secrets themselves: who knows one may post there. */
const webhook =
  /(hooks\.slack\.com\/[a-z]+\/|discord(?:app)?\.com\/api\/webhooks\/\d+\/|api\.telegram\.org\/bot\d+:)[^\s"'<>]+/g

const isWebhook = (text: string): boolean =>
  text.includes("hooks.slack.com/") || text.includes("/api/webhooks/") || text.includes("api.telegram.org/bot")

const query = /:\/\/\S{0,2000}[?#]/

/** Whether a URL in a text may have credentials or a query. The cheapest checks come first. */
const hasSecrets = (text: string): boolean =>
  (text.includes("@") && credentials.test(text)) || ((text.includes("?") || text.includes("#")) && query.test(text))

/** A text whose URLs show no secrets. */
export const withoutSecretUrls = (text: string): string => {
  if (!text.includes("://")) return text
  const bare = hasSecrets(text) ? text.replace(urls, withoutSecrets) : text
  return isWebhook(bare) ? bare.replace(webhook, `$1${mark}`) : bare
}
