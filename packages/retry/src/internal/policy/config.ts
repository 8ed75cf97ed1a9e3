import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as Text from "effect/String"
import { inputOf, over } from "./configInput.ts"
import { endsOf, type Field, fieldsBelow, isConstant, type Listed, nameOf, strange } from "./configNames.ts"
import { refusal, strict } from "./schema.ts"
import { at as valueAt, type How, inCode, type Path, told } from "./problems.ts"

/**
 * Reads a policy from configuration, each field by its own name; `defaults` hold where a field has no value.
 *
 * Effect's `Config.schema` does not find a name of two words in an environment, because the provider splits names at every underscore.
 */
export const configOf = <A>(
  schema: Schema.Codec<A, unknown>,
  name: string | undefined,
  defaults: A
): Config.Config<A> => {
  const codec = Schema.toCodecStringTree(schema)
  const fields = fieldsOf(SchemaAST.toEncoded(codec.ast))
  const base = Schema.encodeSync(codec)(defaults)
  const under = name === undefined ? [] : [name]
  const constant = under.flatMap((one) => Text.configCase(one).split("_"))
  const groups = [
    ...new Set(fields.filter(({ isRecord, path }) => isRecord || path.length > 1).map(({ path }) => path[0]!))
  ]
  const parts = Config.all({
    where: at(where, under),
    read: Config.all(fields.map(({ path }) => textOf([...under, ...path]))),
    own: at(listed, under),
    // Behind another provider (`ConfigProvider.orElse`), a document lists only what is asked for by its own name.
    behind: Config.all(groups.map((group) => at(listed, [...under, group]))),
    // A provider for an environment lists a name of two words only under its split form.
    divided: at(listed, constant)
  })
  return Config.mapEffect(parts, ({ behind, divided, own, read, where }) => {
    const listed = withBehind(own, groups, behind)
    const given = fields.flatMap((field, index) => {
      const text = read[index]
      return text === undefined ? [] : [{ field, text }]
    })
    const { problems, value } = inputOf(fields, given, listed)
    const ends = [...endsOf(listed), ...endsOf(divided)]
    const how = howOf(fields, where, value, ends.length === 0 || ends.some(({ path }) => isConstant(path)))
    const outer = where.slice(0, where.length - under.length)
    // Without a name, the provider would list the whole environment.
    const unknown =
      where.length === 0
        ? []
        : [...strange(fields, given, where, listed), ...strange(fields, given, [...outer, ...constant], divided)]
    const found = [...problems.map(({ issue, path }) => `${how.name(path)}${issue}`), ...unknown]
    const input = over(base, value, fields)
    return Effect.matchEffect(Schema.decodeUnknownEffect(codec)(input, strict), {
      onSuccess: (policy) => (found.length === 0 ? Effect.succeed(policy) : refused(found)),
      onFailure: ({ issue }) => refused([...found, ...told(schema, issue, input, how)])
    })
  })
}

/** The listed names, with the groups of fields that only a later provider has. */
const withBehind = (own: Listed, groups: ReadonlyArray<string>, behind: ReadonlyArray<Listed>): Listed => {
  if (typeof own === "string") return own
  const known = new Set(Object.keys(own ?? {}).map((name) => name.replaceAll("_", "").toLowerCase()))
  const further = groups.flatMap((group, index) => {
    const one = behind[index]
    return typeof one !== "object" || known.has(group.toLowerCase()) ? [] : [[group, one] as const]
  })
  return further.length === 0 ? own : { ...own, ...Object.fromEntries(further) }
}

/** How variables or a document name the fields. */
const howOf = (fields: ReadonlyArray<Field>, where: Path, given: unknown, isVariable: boolean): How => ({
  name: (path) => {
    // Fields of a record have no variables of their own.
    const record =
      isVariable &&
      fields.find((field) => field.isRecord && field.path.join() === path.slice(0, field.path.length).join())
    return record
      ? [nameOf(where, record.path, true), ...path.slice(record.path.length)].join(".")
      : nameOf(where, path, isVariable)
  },
  duration: inCode.duration,
  struct: (path) => fieldsBelow(fields, where, path, isVariable),
  isDefault: (path) => valueAt(given, path) === undefined
})

/** A `ConfigError` whose message is the problems alone, each on a line of its own. */
class ConfigError extends Config.ConfigError {
  override get message(): string {
    return this.cause.message
  }
}

const refused = (problems: ReadonlyArray<string>): Effect.Effect<never, Config.ConfigError> =>
  Effect.fail(new ConfigError(refusal([...new Set(problems)])))

/** Every field that takes one string; a record, such as the overrides, takes JSON. */
const fieldsOf = (ast: SchemaAST.AST, path: Path = []): ReadonlyArray<Field> => {
  if (SchemaAST.isUnion(ast)) {
    const fields = ast.types.flatMap((member) => fieldsOf(member, path))
    return [...new Map(fields.map((field) => [field.path.join(), field])).values()]
  }
  if (!SchemaAST.isObjects(ast)) return [{ path, isRecord: false }]
  if (ast.indexSignatures.length > 0) return [{ path, isRecord: true }]
  return ast.propertySignatures.flatMap(({ name, type }) => fieldsOf(type, [...path, String(name)]))
}

const at = <A>(config: Config.Config<A>, path: Path): Config.Config<A> =>
  path.reduceRight((nested, segment) => Config.nested(nested, segment), config)

/** The string at a path, or at its form in the environment, where `rateLimit` is `RATE_LIMIT`. */
const textOf = (path: Path): Config.Config<string | undefined> => {
  const text = Config.option(Config.String())
  return Config.map(Config.all([at(text, path), at(text, path.map(Text.configCase))]), ([asWritten, constant]) =>
    // A variable goes before a document, whichever provider asks the other.
    Option.getOrUndefined(Option.orElse(constant, () => asWritten))
  )
}

const never = Schema.String.check(/*#__PURE__*/ Schema.makeFilter(() => false))

/** The path of a config, including every `Config.nested` around it, read from an error because only errors carry it. */
const where: Config.Config<Path> = /*#__PURE__*/ Config.orElse(
  /*#__PURE__*/ Config.map(/*#__PURE__*/ Config.schema(never), (): Path => []),
  ({ cause }) =>
    Config.succeed(cause._tag === "SchemaError" && cause.issue._tag === "Pointer" ? cause.issue.path.map(String) : [])
)

const Tree: Schema.Codec<Listed, unknown> = /*#__PURE__*/ Schema.Union([
  /*#__PURE__*/ Schema.Record(
    Schema.String,
    /*#__PURE__*/ Schema.suspend(() => Tree)
  ),
  Schema.String,
  Schema.Undefined
])

/** Everything that the provider can list below a path. */
const listed: Config.Config<Listed> = /*#__PURE__*/ Config.schema(Tree)
