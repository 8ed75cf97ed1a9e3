/** Flags of Node.js for a process in which every name under `.test` is 127.0.0.1. */
export const namesAreLoopback: ReadonlyArray<string> = [
  "--import",
  `data:text/javascript,${encodeURIComponent(`
    import dns from "node:dns"
    import { syncBuiltinESMExports } from "node:module"
    const { lookup } = dns
    dns.lookup = (name, ...rest) => lookup(/\\.test$/.test(name) ? "127.0.0.1" : name, ...rest)
    syncBuiltinESMExports()
  `)}`
]
