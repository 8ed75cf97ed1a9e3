/** Reads the names that an editor may be asked about in a module: exports, and fields of options, schemas and models, with their sentences. */
import { parseSync } from "oxc-parser"

/** A named field or export, and the text of the comment right before it. */
export interface Named {
  readonly name: string
  readonly at: number
  readonly doc: string
  readonly isOption: boolean
  readonly isOptional: boolean
}

type Syntax = { readonly [key: string]: unknown }

const isSyntax = (value: unknown): value is Syntax => typeof value === "object" && value !== null
const listOf = (value: unknown): ReadonlyArray<Syntax> => (Array.isArray(value) ? value.filter(isSyntax) : [])
const startOf = (node: Syntax): number => Number(node.start)
const textOf = (value: unknown): string => (typeof value === "string" ? value : "")
const nameOf = (node: unknown): string => {
  if (!isSyntax(node)) return ""
  return textOf(node.name) || textOf(node.value)
}

/** The last name of what is called: `TaggedClass` of `Schema.TaggedClass<X>()("X", {...})`. */
const calleeOf = (node: unknown): string => {
  if (!isSyntax(node)) return ""
  if (node.type === "CallExpression") return calleeOf(node.callee)
  return node.type === "MemberExpression" ? nameOf(node.property) : nameOf(node)
}

const structs = /^(Tagged)?(Struct|Class|Error)$/

/** The sentence of a comment: what stands before its tags. */
const sentenceOf = (comment: string): string =>
  comment
    .replace(/^\*/, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trim())
    .join(" ")
    .trim()
    .replace(/(^|\s)@[\s\S]*$/, "")
    .trim()

/** Names inside a function are not the package's, and a result that is worth a doc has a type of its own. */
const isInside = ({ type }: Syntax, key: string): boolean =>
  /Function/.test(textOf(type)) && (key === "body" || key === "returnType")

/** All that an editor may be asked about in a module. */
export const namesOf = (file: string, source: string): ReadonlyArray<Named> => {
  const { comments, errors, program } = parseSync(file, source)
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`)
  const docs = comments.filter(({ type, value }) => type === "Block" && value.startsWith("*"))
  const found: Array<Named> = []
  const docBefore = (start: number): string =>
    docs
      .filter(({ end }) => end <= start && source.slice(end, start).trim() === "")
      .map(({ value }) => sentenceOf(value))
      .join(" ")

  const add = (name: string, at: number, isOption = false, isOptional = false) =>
    void (name === "_tag" || found.push({ name, at, doc: docBefore(at), isOption, isOptional }))

  const sourceOf = (node: unknown) => (isSyntax(node) ? source.slice(Number(node.start), Number(node.end)) : "")

  /** The fields of the first object that a schema's constructor gets. */
  const fieldsOf = (call: Syntax, path: string) => {
    const object = listOf(call.arguments).find(({ type }) => type === "ObjectExpression")
    const properties = listOf(object?.properties).filter(({ type }) => type === "Property")
    const hasDefault = (property: Syntax) => /\bwith\w*Default\b/.test(sourceOf(property.value))
    const isOption = properties.some(hasDefault)
    for (const property of properties) {
      const isOptional = hasDefault(property) || sourceOf(property.value).startsWith("Schema.optional")
      add(`${path}.${nameOf(property.key)}`, startOf(property), isOption, isOptional)
    }
  }

  const visit = (node: unknown, path: string, isOption: boolean): void => {
    if (Array.isArray(node)) return node.forEach((one) => visit(one, path, isOption))
    if (!isSyntax(node)) return
    let inner = path
    switch (node.type) {
      case "TSPropertySignature":
      case "TSMethodSignature":
        inner = `${path}.${nameOf(node.key)}`
        if (nameOf(node.key) === "_tag" || node.computed === true) return
        add(inner, startOf(node), isOption, node.optional === true)
        break
      case "PropertyDefinition":
      case "MethodDefinition": {
        const name = nameOf(node.key)
        const isClosed = ["private", "protected"].includes(textOf(node.accessibility)) || node.override === true
        if (isClosed || node.kind === "constructor" || (isSyntax(node.key) && node.key.type === "PrivateIdentifier"))
          return
        if (name === "_tag" || node.computed === true) return
        inner = `${path}.${name}`
        add(inner, startOf(node))
        break
      }
      case "CallExpression":
        if (structs.test(calleeOf(node))) fieldsOf(node, path)
        break
      case "Property":
        inner = `${path}.${nameOf(node.key)}`
    }
    for (const [key, value] of Object.entries(node)) {
      if (isInside(node, key)) continue
      visit(value, inner, isOption)
    }
  }

  const exported = (declaration: Syntax, at: number, as?: string) => {
    for (const one of declaration.type === "VariableDeclaration" ? listOf(declaration.declarations) : [declaration]) {
      const name = as ?? nameOf(one.id)
      // The signatures of a function have one sentence between them.
      if (found.some((other) => other.name === name && /Function/.test(textOf(declaration.type)))) continue
      add(name, at)
      visit(
        Object.entries(one).flatMap(([key, value]) => (key === "id" && !isSyntax(value) ? [] : [value])),
        name,
        name.endsWith("Options")
      )
    }
  }

  const statements = listOf(program.body)
  const locals = new Map(
    statements.flatMap((statement) => {
      const declared = statement.type === "VariableDeclaration" ? listOf(statement.declarations) : [statement]
      return declared.map((one) => [nameOf(one.id), { statement, one }] as const)
    })
  )
  const seen = statements
    .filter(({ type }) => type === "ExportNamedDeclaration")
    .map(sourceOf)
    .join("\n")
  for (const [name, { one, statement }] of locals) {
    // The schema behind an exported one: its fields are shown, its name is not.
    if (statement.type === "VariableDeclaration" && new RegExp(`\\b${name}\\b`).test(seen)) visit(one.init, name, false)
  }
  for (const statement of statements) {
    if (statement.type !== "ExportNamedDeclaration") continue
    if (isSyntax(statement.declaration)) exported(statement.declaration, startOf(statement))
    // A name that is re-exported has its sentence in its own module.
    else if (!isSyntax(statement.source))
      for (const specifier of listOf(statement.specifiers)) {
        const local = locals.get(nameOf(specifier.local))
        const name = nameOf(specifier.exported)
        const own = [specifier, statement].map(startOf).find((start) => docBefore(start) !== "")
        if (own !== undefined || local === undefined) add(name, own ?? startOf(specifier))
        else exported(local.statement, startOf(local.statement), name)
      }
  }
  return found.toSorted((one, other) => one.at - other.at)
}
