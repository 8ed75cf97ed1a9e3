import { mark } from "./names.ts"

const parse = (url: string): URL | undefined => (URL.canParse(url) ? new URL(url) : undefined)

/** The URL without credentials, query and fragment: what may stand in a message. */
export const withoutSecrets = (url: string): string => {
  const parsed = parse(url.includes("@") ? url.replace(misread, "$1$2") : url)
  if (parsed === undefined) return url.replace(/[?#].*$/s, "").replace(/\/\/[^/@]*@/, "//")
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`
}

/** The URL's host name, with its port where it is not the scheme's own. */
export const hostOf = (url: string): string | undefined => parse(url)?.host

const scheme = "[a-z][a-z\\d+.-]{0,30}://"

/** URLs may stand in a list, with a comma between them. */
const inOne = `(?![,;]${scheme})`

/**
 * Credentials of the web, whose password may have a slash, unescaped, as people write it: a reader takes what is before it for the host. Digits
 * are a port, and what follows them a path, which may have an `@`. Other URLs have none there: all before it are credentials.
 */
const ofWeb = `(?:[^\\s/]{0,500}@|[^\\s/@:[]{0,200}:(?!\\d{0,5}/)[^\\s@"'<>]{0,300}@)`
const ofOthers = `(?:${inOne}[^\\s"'<>]){0,500}@|[^\\s/]{0,500}@`

/** A file of this machine, as each frame of a stack has one: an `@` in its path belongs to a package's name or version. */
const ofFile = "file:///"

/** Credentials, including those that keep a URL parser from finding the host. */
const misread = new RegExp(`^(?:(https?://)${ofWeb}|(?!http|${ofFile})(${scheme})(?:${ofOthers}))`, "i")

/** A URL; its password may contain characters that no other part may. A quote belongs to a query, unless the URL stands in quotes. */
const urls = new RegExp(
  `\\b(?:https?://(?:(?:${inOne}[^\\s/]){0,500}@|${ofWeb})?|${ofFile}|(?!http|${ofFile})${scheme}(?:${ofOthers})?)` +
    `(?:${inOne}[^\\s"'<>?#])*(?:[?#](?:[^\\s"'<>]|(?<!'${scheme}[^\\s']{0,500})'(?=[^\\s"'<>,]))*)?`,
  "gi"
)

const credentials = new RegExp(`(?<!(?<![\\w+.-])file(?=:///))://(?:[^\\s/]{0,500}@|[^\\s"'<>]{0,500}@)`)

/** URLs that are secrets themselves: anyone who knows one may post there. */
const webhook =
  /(hooks\.slack\.com\/[a-z]+\/|discord(?:app)?\.com\/api\/(?:v\d+\/)?webhooks\/\d+\/|api\.telegram\.org\/(?:file\/)?bot\d+:)[^\s"'<>]+/g

const isWebhook = (text: string): boolean => text.includes("hooks") || text.includes("telegram")

const query = /:\/\/\S{0,2000}[?#]/

/** Whether a URL in a text may have credentials or a query. The cheapest checks come first. */
const hasSecrets = (text: string): boolean =>
  (text.includes("@") && credentials.test(text)) || ((text.includes("?") || text.includes("#")) && query.test(text))

/** Punctuation of the sentence that a URL stands in. */
const punctuation = /[)\]}.,;:!`]+$/

const withoutSecretsIn = (url: string): string => {
  const [end = ""] = punctuation.exec(url) ?? []
  return `${withoutSecrets(end === "" ? url : url.slice(0, -end.length))}${end}`
}

/** Credentials of a URL in JSON whose writer escapes slashes. */
const escaped = /(:\\\/\\\/)[^\s"'@]{0,500}@/g

/** A text whose URLs show no secrets. */
export const withoutSecretUrls = (text: string): string => {
  const plain = text.includes("\\/\\/") ? text.replace(escaped, "$1") : text
  if (!plain.includes("://")) return plain
  const bare = hasSecrets(plain) ? plain.replace(urls, withoutSecretsIn) : plain
  return isWebhook(bare) ? bare.replace(webhook, `$1${mark}`) : bare
}
