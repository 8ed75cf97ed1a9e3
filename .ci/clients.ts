// Writes docs/clients.md: the errors of real clients, produced by running them.
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import * as Effect from "effect/Effect"

const module = pathToFileURL(join(import.meta.dirname, "../clients/src/Document.ts")).href
const { document }: typeof import("../clients/src/Document.ts") = await import(module)

export const clients = await Effect.runPromise(document)
