/**
 * Real clients that call real, failing servers: the error of each, and its verdict.
 *
 * @since 0.1.0
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Judge from "@redrive/core/Judge"
import * as Verdict from "@redrive/core/Verdict"
import * as Operation from "@redrive/retry/Operation"
import * as Program from "@redrive/testing/Program"
import type { Failed } from "./Failed.ts"
import * as GrpcClient from "./GrpcClient.ts"
import * as HttpClients from "./HttpClients.ts"
import * as Mysql from "./Mysql.ts"
import * as Postgres from "./Postgres.ts"
import * as Servers from "./Servers.ts"

/**
 * The failures of one client: `rows` are the cells of its table, and empty if the machine lacks the server.
 *
 * @category models
 * @since 0.1.0
 */
export interface Section {
  readonly client: string
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
}

const text = (value: unknown, name: string): string | undefined => {
  const found: unknown = typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined
  return typeof found === "string" ? found : undefined
}

/** The code of an error, or of the first wrapped error that has one. */
const codeOf = (error: unknown): string | undefined =>
  error instanceof Error ? (text(error, "code") ?? codeOf(error.cause)) : undefined

/** An error as the table shows it: its name and code, or its message if it has only that. */
const nameOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const status = /^\d+ [A-Z_]+/.exec(error.message)?.[0]
  const code = status ?? codeOf(error)
  if (code !== undefined) return `\`${error.name}\`, \`${code}\``
  return error.name === "Error" ? `\`Error: ${error.message}\`` : `\`${error.name}\``
}

const rowOf = ({ gave, threw, what }: Failed): ReadonlyArray<string> => {
  const failure = gave ?? threw
  const verdict = Judge.verdictOf(failure)
  const again = Operation.isAmbiguous(failure) ? "no" : "yes"
  const shown = gave === undefined ? nameOf(threw) : `no error: an answer ${gave.status}`
  return [what, shown, Verdict.format(verdict), Verdict.isRetryable(verdict) ? again : ""]
}

const sectionOf = <E, R>(client: string, failures: Effect.Effect<ReadonlyArray<Failed>, E, R>) =>
  Effect.map(failures, (failed): Section => ({ client, rows: failed.map(rowOf) }))

/**
 * Whether this machine cannot make a certificate, so that each table lacks a row.
 *
 * @category guards
 * @since 0.1.0
 */
export const lacksTls = (): boolean => Program.isMissing("openssl", "openssl")

/**
 * The tables of all clients, in the order of the document.
 *
 * @category running
 * @since 0.1.0
 */
export const sections = Effect.scoped(
  Effect.gen(function* () {
    const certificate = lacksTls() ? undefined : yield* Servers.certificate
    const http = yield* HttpClients.failures(certificate)
    return yield* Effect.all(
      [
        ...HttpClients.names.map((name) => sectionOf(name, http(name))),
        sectionOf("@grpc/grpc-js", GrpcClient.failures(certificate)),
        sectionOf("pg", Postgres.isMissing() ? Effect.succeed([]) : Postgres.failures(certificate)),
        sectionOf("mysql2", Mysql.failures)
      ],
      { concurrency: 3 }
    )
  })
)

/** The version of an installed package; fetch comes with Node.js. */
const versionOf = (client: string): string => {
  if (client === "fetch") return `of Node.js ${process.versions.node.split(".")[0]}`
  const file = join(import.meta.dirname, "../node_modules", client, "package.json")
  return (JSON.parse(readFileSync(file, "utf8")) as { readonly version: string }).version
}

/**
 * Formats one client's section of the document.
 *
 * @category formatting
 * @since 0.1.0
 */
export const format = ({ client, rows }: Section): string => {
  const cells = [["What happens", "What the client throws", "Verdict", "A creation is sent again"], ...rows]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: ReadonlyArray<string>) =>
    `| ${widths.map((width, column) => (row[column] ?? "").padEnd(width)).join(" | ")} |`
  const [head = [], ...body] = cells
  const table = [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n")
  return `## ${client} ${versionOf(client)}\n\n${table}\n`
}
