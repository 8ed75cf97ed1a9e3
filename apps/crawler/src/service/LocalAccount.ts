/**
 * The account that exists from the start, so that the service can be tried at once.
 *
 * It stands alone because the command line knows its key before it loads anything of the service.
 */
import * as Redacted from "effect/Redacted"

/** API key `local`, 1,000 US dollars. */
export const local = { id: "local", apiKey: Redacted.make("local"), balance: 1_000_000_000 }
