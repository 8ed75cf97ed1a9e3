// Writes the table of docs/configuration.md: the variable of every field of a policy, from its JSON Schema.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import * as Text from "effect/String"
import { table } from "./policies.ts"

const sources = pathToFileURL(join(import.meta.dirname, "../packages/retry/src/RetryPolicy.ts")).href
const RetryPolicy: typeof import("../packages/retry/src/RetryPolicy.ts") = await import(sources)

interface Node {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: ReadonlyArray<unknown>
  readonly anyOf?: ReadonlyArray<Node>
  readonly properties?: { readonly [name: string]: Node }
}

const { definitions, schema } = RetryPolicy.jsonSchema()

const resolved = (node: Node): Node => {
  const name = node.$ref?.split("/").at(-1)
  return name === undefined ? node : (definitions[name] ?? node)
}

/** The values that each variable takes, each once. */
const rows = new Map<string, Set<string>>()

const visit = (unresolved: Node, path: ReadonlyArray<string>): void => {
  const node = resolved(unresolved)
  if (node.anyOf !== undefined) return node.anyOf.forEach((one) => visit(one, path))
  if (node.properties !== undefined) {
    return Object.entries(node.properties).forEach(([name, one]) => visit(one, [...path, name]))
  }
  const variable = ["CRAWL", ...path.map(Text.configCase)].join("_")
  const taken = rows.get(variable) ?? rows.set(variable, new Set()).get(variable)
  taken?.add(takes(node))
}

const takes = ({ enum: values, type }: Node): string => {
  if (values !== undefined) return values.map((value) => `\`${String(value)}\``).join(", ")
  return type === "string"
    ? "a duration"
    : type === "object"
      ? "a JSON object"
      : type === "integer"
        ? "an integer"
        : "a number"
}

visit(schema, [])

const file = join(import.meta.dirname, "../docs/configuration.md")
const variables = table(
  ["Variable", "Takes"],
  [...rows].map(([variable, taken]) => [`\`${variable}\``, [...taken].join(", ")])
)

/** The document with its table rewritten from the policy. */
export const configuration = readFileSync(file, "utf8").replace(
  /(<!-- Written by `pnpm generate`\. -->\n\n)(?:\|.*\n)*/,
  (_, mark: string) => `${mark}${variables}\n`
)
