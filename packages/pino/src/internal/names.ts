import * as Inside from "./inside.ts"

/** What a line is made of, by name. */
export type Fields = { readonly [name: string]: unknown }

/** Fields that every line of a pino has, whatever is logged. */
export interface Line {
  /** Names that fields may not have. */
  readonly names: ReadonlySet<string>
  /** Names that bindings may not have. */
  readonly ofBindings: ReadonlySet<string>
  /** Whether fields share no names with bindings, since pino nests them. */
  readonly isNested: boolean
  /** The name of an error. */
  readonly errorKey: string
  /** Whether lines are documents of the Elastic Common Schema, in which a text may not stand where an object belongs. */
  readonly isEcs: boolean
}

/** Names of bindings that pino takes for options, and leaves out. */
const optionsOfChild = ["level", "serializers", "formatters", "customLevels"]

/** Names of a record's own facts, besides its error. */
const ofPlain = ["trace_id", "span_id", "trace_flags", "also"]

/** The same in the Elastic Common Schema, as `Format.ecsFields` and Elastic's format have them. */
const ofEcs = [
  ..."trace.id span.id error.code error.type error.message error.stack_trace url.full server.address server.port http.response.status_code".split(
    " "
  ),
  ..."actor detail fingerprint item job error_level causes also".split(" ").map((label) => `labels.${label}`)
]

/** The fields of a pino that are known before it has written a line. */
export const lineOf = (logger: object): Line => {
  const textOf = (name: string): string | undefined => {
    const value = Inside.read(logger, name)
    return typeof value === "string" ? value : undefined
  }
  const begun = new Set([...begunBy(logger), ...addedBy(logger)])
  const errorKey = textOf("errorKey") ?? "err"
  const nestedKey = textOf("nestedKey")
  // Every logger that writes the schema writes this name, and no other does.
  const isEcs = begun.has("log.level")
  // An annotation must not take the place of the record's own facts. Its child is made once, for records with a failure and without one.
  const own = nestedKey === undefined ? [errorKey, ...(isEcs ? ofEcs : ofPlain)] : [nestedKey]
  return {
    names: nestedKey === undefined ? begun : new Set(),
    isNested: nestedKey !== undefined,
    ofBindings: new Set([...begun, ...optionsOfChild, ...own]),
    errorKey,
    isEcs
  }
}

/** Names that each line begins or ends with; fields of such a name would be in it twice. */
const begunBy = (logger: object): ReadonlySet<string> => {
  const read = (name: string): unknown => Inside.read(logger, name)
  try {
    const time = read("time")
    if (typeof time !== "function") return usual
    const [level] = Object.values(Object(read("lsCache")))
    const begun = [level, Reflect.apply(time, logger, []), read("chindings"), "}"]
    return new Set([...Object.keys(JSON.parse(begun.join(""))), String(read("messageKey"))])
  } catch {
    return usual
  }
}

/** Names that the program's format adds to each line, as far as a line without fields shows them. */
const addedBy = (logger: object): ReadonlyArray<string> => {
  try {
    const log: unknown = Reflect.get(Object(Inside.read(logger, "formatters")), "log")
    if (typeof log !== "function") return []
    const added: Fields = Object(Reflect.apply(log, undefined, [{}]))
    // A format may take a field out and put it back, which is undefined here.
    return Object.keys(added).filter((name) => added[name] !== undefined)
  } catch {
    return []
  }
}

const usual: ReadonlySet<string> = new Set(["level", "time", "pid", "hostname", "msg"])

/** Whether a name may not be that of a field of this value. */
export type IsTaken = (name: string, value: unknown) => boolean

/** Fields of which none is in the line twice: one of a name that is taken gets a `_` or more, unless it says the same. */
export const free = (fields: Fields, isTaken: IsTaken, said: Fields = {}): Fields => {
  const names = Object.keys(fields)
  if (!names.some((name) => isTaken(name, fields[name]))) return fields
  const all: { [name: string]: unknown } = {}
  for (const name of names) {
    const value = fields[name]
    if (!isTaken(name, value)) all[name] = value
    else if (said[name] !== value) all[another(name, (other) => isTaken(other, value) || other in fields)] = value
  }
  return all
}

const another = (name: string, isTaken: (name: string) => boolean): string => {
  let other = `${name}_`
  while (isTaken(other)) other += "_"
  return other
}

/** Fields that pino does not take for a request of Node.js, of which it would write nothing else, not even a failure. */
export const withoutRequest = (fields: Fields): Fields =>
  fields.method && fields.headers && fields.socket ? free(fields, (name) => name === "socket") : fields

/** Whether a name is one of these, or the value may not stand there in the line. */
export const takenIn = ({ isEcs }: Line, names: ReadonlySet<string>): IsTaken =>
  isEcs ? (name, value) => names.has(name) || isAgainstEcs(name, value) : (name) => names.has(name)

/** Whether a value would take the place of an object in the Elastic Common Schema: Elasticsearch refuses the whole document then. */
const isAgainstEcs = (name: string, value: unknown): boolean =>
  ecsObjects.has(name) && (typeof value !== "object" || Array.isArray(value))

/** The field sets that the schema has at the top of a document. */
const ecsObjects: ReadonlySet<string> = new Set(
  (
    "agent client cloud container data_stream destination device dll dns ecs email entity error event faas file gen_ai group host http " +
    "labels log network observer orchestrator organization package process registry related rule server service source span threat tls " +
    "trace transaction url user user_agent volume vulnerability"
  ).split(" ")
)
