const throws = () => {
  throw new Error("a getter")
}

const make = (): ReadonlyArray<unknown> => {
  const circular: { self?: unknown } = {}
  circular.self = circular
  const circularError = new Error("circular")
  circularError.cause = circularError
  let deep = new Error("deepest")
  for (let depth = 0; depth < 10_000; depth++) deep = new Error("deep", { cause: deep })
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const throwingError = Object.defineProperties(new Error("x"), {
    message: { get: throws },
    stack: { get: throws },
    cause: { get: throws }
  })
  return [
    circular,
    circularError,
    deep,
    proxy,
    throwingError,
    Object.defineProperty({}, "a", { get: throws, enumerable: true }),
    new Proxy({}, { get: throws, ownKeys: throws, getPrototypeOf: throws, has: throws }),
    "x".repeat(10_000_000),
    new Error("y".repeat(10_000_000)),
    1n,
    Symbol("s"),
    new Date(NaN),
    "\uD800 a lone surrogate",
    "\u001B[2J\u0007\u009B1m controls \u2028 and lines\n",
    { toJSON: throws },
    new AggregateError(
      Array.from({ length: 1000 }, (_, n) => new Error(`${n}`)),
      "many"
    ),
    undefined,
    null,
    NaN,
    () => 1
  ]
}

let made: ReadonlyArray<unknown> | undefined

/** Values that do not want to be read; some are large, and made when they are first asked for. */
export const hostile = (): ReadonlyArray<unknown> => (made ??= make())
