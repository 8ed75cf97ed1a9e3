/**
 * Finds the program's Sentry. Two versions of Sentry in one program share no client, and an import would find the version installed with this
 * package, which may not be the program's. All versions keep their state in one global object, by version, which is read here.
 */

/** The methods of a Sentry client that the adapter uses. */
export interface Client {
  /** Sends an event, and returns its id. */
  captureEvent(event: object, hint?: object, scope?: Scope): string
  /** Waits until all events are sent, for this many milliseconds at most. Resolves to `false` if the time was too short. */
  flush(timeout?: number): PromiseLike<boolean>
  /** The address that events are sent to; undefined if the client sends none. */
  getDsn(): object | undefined
  /** The options of `Sentry.init`. */
  getOptions(): { readonly sampleRate?: number | undefined; readonly stackParser: (stack: string) => Array<object> }
  /** Listens for an event before it is sent. Returns the function that ends listening. */
  on(hook: "preprocessEvent" | "beforeSendEvent", listener: (event: Identified) => void): () => void
  /** Listens for the answer to an event. Returns the function that ends listening. */
  on(hook: "afterSendEvent", listener: (event: Identified, response: Response) => void): () => void
  /** Counts an event that was not sent, for Sentry's own statistics. */
  recordDroppedEvent(reason: "queue_overflow", category: "error"): void
}

/** An event of Sentry's, by its id. */
export interface Identified {
  readonly event_id?: string | undefined
}

interface Response {
  readonly statusCode?: number | undefined
}

/** One of Sentry's scopes. */
export interface Scope {
  clone(): Scope
}

/** The scopes of one version of Sentry at this moment. */
interface Scopes {
  readonly scope: Scope | undefined
  readonly isolation: Scope | undefined
}

/** A client, with the scopes of its version. */
export interface Current extends Scopes {
  readonly client: Client
}

/** One version of Sentry in this program. */
interface Copy extends Scopes {
  readonly version: string
  readonly client: Client | undefined
}

const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === "object" && value !== null

/** The answer of a method of a foreign object; undefined if there is no such method, or if it throws. */
const ask = (object: unknown, method: string): unknown => {
  try {
    const found = isObject(object) ? object[method] : undefined
    return typeof found === "function" ? Reflect.apply(found, object, []) : undefined
  } catch {
    return undefined
  }
}

const having =
  <A extends object>(...methods: ReadonlyArray<keyof A & string>) =>
  (value: unknown): value is A =>
    isObject(value) && methods.every((method) => typeof value[method] === "function")

const isClient = having<Client>("captureEvent", "flush", "getOptions", "on")
const isScope = having<Scope>("clone")

/** Reads the carrier of a version: `acs` has scopes that follow asynchronous calls; without it there is a `stack`. */
const copyOf = (version: string, carrier: unknown): Copy => {
  const { acs, stack } = isObject(carrier) ? carrier : { acs: undefined, stack: undefined }
  const scope = acs === undefined ? ask(stack, "getScope") : ask(acs, "getCurrentScope")
  const isolation = ask(acs ?? stack, "getIsolationScope")
  const client = ask(scope, "getClient")
  return {
    version,
    client: isClient(client) ? client : undefined,
    scope: isScope(scope) ? scope : undefined,
    isolation: isScope(isolation) ? isolation : undefined
  }
}

/** The versions of Sentry in this program, the first loaded first. */
const copies = (): ReadonlyArray<Copy> => {
  const all: unknown = Reflect.get(globalThis, "__SENTRY__")
  if (!isObject(all)) return []
  return Object.entries(all).flatMap(([key, carrier]) => (/^\d/.test(key) ? [copyOf(key, carrier)] : []))
}

/** The program's client, or the given one, with the scopes of its version of Sentry. */
export const current = (given: Client | undefined): Current | undefined => {
  const all = copies()
  const own = all.find(({ client }) => client !== undefined && (given === undefined || client === given))
  const client = given ?? own?.client
  // A client that is current in no version, as one of several in a program, gets the scopes of the first.
  const { isolation, scope } = own ?? all[0] ?? { isolation: undefined, scope: undefined }
  return client && { client, scope, isolation }
}

/** Why no event can be sent now; undefined if there is a client with a DSN. */
export const missing = (given: Client | undefined): string | undefined => {
  const found = current(given)
  if (found !== undefined)
    return having<Client>("getDsn")(found.client) && found.client.getDsn() === undefined
      ? "the client has no DSN"
      : undefined
  const versions = copies().map(({ version }) => version)
  return versions.length === 0
    ? "no Sentry SDK was initialised"
    : `Sentry ${versions.join(" and ")} is loaded and was not initialised`
}
