/**
 * Writes what each package offers to `api.txt`, so that a change of it is a line of a diff; `--check` only says whether they are current.
 * `api.ts [--check] [PACKAGE...]` does so for some packages. The compiler is asked for the declarations, not an earlier build.
 */
import { execFileSync } from "node:child_process"
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import process from "node:process"
import { parseSync } from "oxc-parser"

const root = join(import.meta.dirname, "..")
const emitted = join(root, "node_modules/.cache/api")

/** A statement of a module's declarations: its text without comments, and the names that it declares. */
interface Statement {
  readonly text: string
  readonly names: ReadonlyArray<string>
}

interface Module {
  /** By the name that the module uses: the file, and what is imported (`undefined`: all of it, as a namespace). */
  readonly imports: ReadonlyMap<string, { readonly file: string; readonly name: string | undefined }>
  readonly statements: ReadonlyArray<Statement>
}

interface Span {
  readonly type: string
  readonly start: number
  readonly end: number
}

const isSpan = (value: unknown): value is Span =>
  typeof value === "object" && value !== null && "type" in value && "start" in value && "end" in value

const childrenOf = (node: object): ReadonlyArray<Span> =>
  Object.values(node)
    .flatMap((value: unknown) => (Array.isArray(value) ? (value as Array<unknown>) : [value]))
    .filter(isSpan)

const isObject = ({ type }: Span): boolean => type === "TSTypeLiteral"

const isGeneric = (one: Span): boolean =>
  one.type === "TSTypeReference" && "typeArguments" in one && one.typeArguments !== null

const membersOf = (node: Span): ReadonlyArray<Span> =>
  node.type === "TSUnionType" && "types" in node && Array.isArray(node.types) ? node.types.filter(isSpan) : []

/**
 * The text of a node. The compiler writes members of unions in the order in which it met them, which a change elsewhere can turn round: here types with
 * arguments, such as the endpoints of an API, and objects, such as the rules of a breaker, have the order of their texts.
 */
const ordered = (text: string, node: Span): string => {
  const members = membersOf(node)
  const isMovable = members.every(isGeneric) ? isGeneric : isObject
  if (members.filter(isMovable).length > 1) {
    const texts = members.map((one) => ordered(text, one))
    const moved = texts.filter((_, at) => isMovable(members[at]!)).toSorted()
    return texts.map((own, at) => (isMovable(members[at]!) ? moved.shift() : own)).join(" | ")
  }
  let [written, from] = ["", node.start]
  for (const child of childrenOf(node).toSorted((one, other) => one.start - other.start)) {
    // Where a name is short for a value, two nodes are one text.
    if (child.start < from) continue
    written += text.slice(from, child.start) + ordered(text, child)
    from = child.end
  }
  return written + text.slice(from, node.end)
}

const parse = (file: string): Module => {
  const text = readFileSync(file, "utf8")
  const written = ordered(text, parseSync(file, text).program)
  const { comments, program } = parseSync(file, written)
  // Blanks take the comments' place, so that positions stay.
  let source = written
  for (const { end, start } of comments) source = source.slice(0, start) + " ".repeat(end - start) + source.slice(end)
  const imports = new Map<string, { file: string; name: string | undefined }>()
  const statements: Array<Statement> = []
  for (const statement of program.body) {
    const text = source.slice(statement.start, statement.end).replace(/^\s*\n/gm, "")
    if (statement.type === "ImportDeclaration") {
      const path = join(dirname(file), statement.source.value.replace(/\.ts$/, ".d.ts"))
      for (const one of statement.specifiers) {
        const imported =
          one.type === "ImportSpecifier" && one.imported.type === "Identifier" ? one.imported.name : undefined
        if (statement.source.value.startsWith(".")) imports.set(one.local.name, { file: path, name: imported })
      }
    } else if (text !== "export {};") {
      const names = [
        ...text.matchAll(
          /^(?:export )?(?:declare )?(?:abstract )?(?:const|class|function|interface|namespace|type) (\w+)/gm
        )
      ]
      statements.push({ text, names: names.map(([, name = ""]) => name) })
    }
  }
  return { imports, statements }
}

/** The modules' statements, and of internal modules those that public ones name. */
const sectionsOf = (folder: string, publics: ReadonlyArray<string>): ReadonlyMap<string, ReadonlyArray<string>> => {
  const modules = new Map<string, Module>()
  const kept = new Map<string, Set<Statement>>()
  const moduleOf = (file: string): Module => {
    const known = modules.get(file) ?? parse(file)
    modules.set(file, known)
    return known
  }
  const keep = (file: string, statement: Statement): void => {
    const statements = kept.get(file) ?? new Set()
    kept.set(file, statements)
    if (statements.has(statement)) return
    statements.add(statement)
    const { imports, statements: own } = moduleOf(file)
    // What it says of its own module, and of others.
    for (const [word] of statement.text.matchAll(/\b[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)?/g)) {
      const [first = "", second] = word.split(".")
      for (const other of own) if (other.names.includes(first)) keep(file, other)
      const from = imports.get(first)
      if (from === undefined || !existsSync(from.file)) continue
      const wanted = from.name ?? second
      for (const other of moduleOf(from.file).statements)
        if (wanted && other.names.includes(wanted)) keep(from.file, other)
    }
  }
  for (const file of publics) for (const statement of moduleOf(file).statements) keep(file, statement)
  const files = [...publics, ...[...kept.keys()].filter((file) => !publics.includes(file)).toSorted()]
  return new Map(
    files.map((file) => [
      file.slice(folder.length + 1).replace(".d.ts", ""),
      moduleOf(file).statements.flatMap((one) => (kept.get(file)?.has(one) === true ? [one.text] : []))
    ])
  )
}

const apiOf = (name: string): string => {
  const folder = join(emitted, name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const project = join(root, "packages", name, "tsconfig.build.json")
  execFileSync("tsc", ["-p", project, "--outDir", folder, "--declarationMap", "false"], { stdio: "inherit" })
  const publics = globSync("*.d.ts", { cwd: folder })
    .toSorted()
    .map((file) => join(folder, file))
  const sections = [...sectionsOf(folder, publics)].map(([module, statements]) => {
    const title = `// ${module === "index" ? `@redrive/${name}` : `@redrive/${name}/${module}`}`
    const note = module.startsWith("internal/") ? ": closed, its types are those of modules above" : ""
    return [`${title}${note}`, ...statements].join("\n\n")
  })
  const input = sections.join("\n\n\n")
  return execFileSync("oxfmt", ["--stdin-filepath", join(root, "api.ts")], { cwd: root, encoding: "utf8", input })
}

const args = process.argv.slice(2)
const asked = args.filter((word) => word !== "--check")
let isStale = false
for (const folder of globSync("packages/*", { cwd: root }).toSorted()) {
  const name = basename(folder)
  if (asked.length > 0 && !asked.includes(name)) continue
  const file = join(root, folder, "api.txt")
  const text = apiOf(name)
  const isCurrent = existsSync(file) && readFileSync(file, "utf8") === text
  if (!args.includes("--check")) {
    writeFileSync(file, text)
    console.log(`wrote ${folder}/api.txt`)
  } else if (isCurrent) console.log(`${folder}/api.txt is current`)
  else {
    isStale = true
    console.error(
      `${folder}/api.txt is not what the package offers: run \`pnpm generate:api ${name}\`, and read the diff as a user would`
    )
  }
}
if (isStale) process.exitCode = 1
