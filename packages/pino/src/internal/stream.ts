/**
 * The stream that a pino writes to, as far as it can be known. Neither a file of pino's nor a worker says in public what waits in it, so that their own
 * fields are read; where those are not what is known of them, it is a stream that only says when it has flushed.
 */
export interface Stream {
  /** Whether what waits in it is seen. */
  readonly isSeen: boolean
  /** Bytes that are seen to wait. */
  readonly bytes: () => number
  /** Bytes beyond those that it may have passed on to where nobody sees them. */
  readonly beyond: number
  /** Whether it takes lines. */
  readonly isOpen: () => boolean
  /** Makes it try to write what waits. */
  readonly urge: () => void
  /** Asks whether what it passed on is written; calls back once, with an error if it is not. Gives what takes that back. */
  readonly confirm: (done: (error?: unknown) => void) => () => void
}

/** What a pino or a stream has to be flushed with. */
export type Flush = (done: (error?: unknown) => void) => void

const nothing = (): void => undefined

/** Of a stream that writes itself what is seen to wait. */
const itself = {
  isSeen: true,
  beyond: 0,
  urge: nothing,
  confirm: (done: () => void) => {
    done()
    return nothing
  }
}

type Fields = { readonly [name: PropertyKey]: unknown }

export const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null

/** A number of a foreign object, whose getters may throw. */
const numberOf = (value: Fields, name: PropertyKey): number | undefined => {
  try {
    const found = value[name]
    return typeof found === "number" ? found : undefined
  } catch {
    return undefined
  }
}

const call = (value: Fields, name: string, ...args: ReadonlyArray<unknown>): unknown => {
  const method = value[name]
  return typeof method === "function" ? Reflect.apply(method, value, args) : undefined
}

const isUsable = (stream: Fields): boolean => stream.destroyed !== true && stream.writableEnded !== true

/** The stream that an object is, by what it has. */
export const of = (object: object, flush: Flush): Stream => {
  const stream = object as Fields
  return ofWorker(stream) ?? ofFile(stream) ?? ofNode(stream) ?? ofAny(stream, flush)
}

const ofAny = (stream: Fields, flush: Flush): Stream => ({
  isSeen: false,
  bytes: () => 0,
  // Nothing is known to be written before it has flushed.
  beyond: 1,
  isOpen: () => stream.destroyed !== true,
  urge: nothing,
  confirm: (done) => {
    try {
      flush(done)
    } catch (error) {
      done(error)
    }
    return nothing
  }
})

/** A stream of Node.js. */
const ofNode = (stream: Fields): Stream | undefined => {
  if (numberOf(stream, "writableLength") === undefined) return undefined
  return {
    ...itself,
    bytes: () => numberOf(stream, "writableLength") ?? 0,
    isOpen: () => isUsable(stream) && (stream.errored === null || stream.errored === undefined)
  }
}

/** The sonic-boom of `pino.destination`: what it could not write it keeps, and tries again with the next line. */
const ofFile = (stream: Fields): Stream | undefined => {
  if (numberOf(stream, "_len") === undefined) return undefined
  return {
    ...itself,
    bytes: () => numberOf(stream, "_len") ?? 0,
    isOpen: () => isUsable(stream),
    urge: () => {
      if (stream._writing === true) return
      // Its flush does nothing without a `minLength`; an empty line makes it write.
      if ((numberOf(stream, "minLength") ?? 0) > 0) call(stream, "flush")
      else call(stream, "write", "")
    }
  }
}

/** Where thread-stream counts the bytes that it has handed to its worker, and the worker those that it has taken. */
const [handed, taken] = [4, 8]

/** A worker writes to its file in parts of so many bytes, and takes more meanwhile. */
const inWorker = 16_387

/** The bytes that a worker was not given yet. Before pino 10.2 they are one text: its characters are counted instead, which takes no time. */
const heldBy = (impl: Fields): number | undefined =>
  numberOf(impl, "bufLen") ?? (typeof impl.buf === "string" ? impl.buf.length : undefined)

/** The thread-stream of `pino.transport`. */
const ofWorker = (stream: Fields): Stream | undefined => {
  const [own] = Object.getOwnPropertySymbols(stream).filter(({ description }) => description === "kImpl")
  const impl = own === undefined ? undefined : stream[own]
  if (!isObject(impl) || heldBy(impl) === undefined || !(impl.state instanceof Int32Array)) return undefined
  const { state } = impl
  const shared = () => Atomics.load(state, handed) - Atomics.load(state, taken)
  return {
    ...itself,
    bytes: () => (heldBy(impl) ?? 0) + Math.max(0, shared()),
    beyond: inWorker,
    isOpen: () => isUsable(stream),
    confirm: (done) => {
      call(stream, "flush", done)
      // A worker that never answers would keep the process alive for it.
      return () => void (isObject(stream.worker) && call(stream.worker, "unref"))
    }
  }
}
