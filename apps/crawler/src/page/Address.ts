/**
 * Which addresses the crawler may connect to.
 *
 * A crawl service fetches what strangers ask for: without this guard they could reach the machine's own network. The check runs
 * where the connection is made, on the resolved address, so that neither a redirect nor a changed DNS answer gets around it.
 */
import * as Dns from "node:dns"
import type * as Net from "node:net"
import ipaddr from "ipaddr.js"

/** The code of the error that a connection to a private address fails with. */
export const privateAddress = "EPRIVATE"

const refused = (host: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${host} is a private address`), { code: privateAddress })

/** The IPv6 addresses that are given out as global unicast; the library calls all that it knows nothing of unicast. */
const global = ipaddr.IPv6.parseCIDR("2000::/3")

/** Whether an IP address is on the public Internet; text that is not an address is not. */
const isPublic = (text: string): boolean => {
  if (!ipaddr.isValid(text)) return false
  const address = ipaddr.process(text)
  return address.range() === "unicast" && (address instanceof ipaddr.IPv4 || address.match(global))
}

/** Whether a URL's host is an IP address that is not public, or `localhost`. Any other name is judged when it is resolved. */
export const isPrivateHost = (host: string): boolean => {
  const address = host.replace(/^\[|\]$/g, "")
  return /(^|\.)localhost\.?$/i.test(host) || (ipaddr.isValid(address) && !isPublic(address))
}

/** A `lookup` for sockets that fails where any of a name's addresses is private. */
export const publicLookup: Net.LookupFunction = (host, options, callback) => {
  Dns.lookup(host, { ...options, all: true }, (error, addresses) => {
    const failure = error ?? (addresses.every(({ address }) => isPublic(address)) ? null : refused(host))
    const [first] = addresses ?? []
    if (failure !== null || first === undefined) return callback(failure ?? refused(host), [])
    return options.all === true ? callback(null, addresses) : callback(null, first.address, first.family)
  })
}
