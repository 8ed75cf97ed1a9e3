const parse = (url: string): URL | undefined => (URL.canParse(url) ? new URL(url) : undefined)

/** The URL without credentials, query and fragment: what may stand in a message. */
export const withoutSecrets = (url: string): string => {
  const parsed = parse(url)
  if (parsed === undefined) return url.replace(/[?#].*$/s, "").replace(/\/\/[^/@]*@/, "//")
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`
}

/** The URL's host name, with its port where it is not the scheme's own. */
export const hostOf = (url: string): string | undefined => parse(url)?.host
