/** A value of the platform, as what it holds: of itself it has no fields. */
export type View =
  | { readonly text: string }
  | { readonly values: Iterable<unknown>; readonly size: number }
  | { readonly pairs: Iterable<readonly [unknown, unknown]>; readonly size: number }

/** The kind that the platform gives a value, in any realm: `instanceof` knows only the classes of its own realm. */
export const tagOf = (value: object): string => Object.prototype.toString.call(value).slice("[object ".length, -1)

const dateOf = (value: Date): string => (Number.isNaN(value.getTime()) ? "invalid date" : value.toISOString())

const views: { readonly [tag: string]: (value: never) => View } = {
  Date: (value: Date) => ({ text: dateOf(value) }),
  RegExp: (value: RegExp) => ({ text: String(value) }),
  // Boxed.
  String: (value: { readonly toString: () => string }) => ({ text: value.toString() }),
  Number: (value: { readonly toString: () => string }) => ({ text: value.toString() }),
  Boolean: (value: { readonly toString: () => string }) => ({ text: value.toString() }),
  BigInt: (value: { readonly toString: () => string }) => ({ text: value.toString() }),
  URL: ({ href }: URL) => ({ text: href }),
  ArrayBuffer: ({ byteLength }: ArrayBuffer) => ({ text: `[${byteLength} bytes]` }),
  SharedArrayBuffer: ({ byteLength }: ArrayBuffer) => ({ text: `[${byteLength} bytes]` }),
  Map: (value: ReadonlyMap<unknown, unknown>) => ({ pairs: value, size: value.size }),
  Set: (value: ReadonlySet<unknown>) => ({ values: value, size: value.size }),
  Headers: (value: Headers) => listed([...value]),
  FormData: (value: FormData) => listed([...value]),
  URLSearchParams: (value: URLSearchParams) => listed([...value]),
  Request: ({ method, url }: Request) => ({ text: `${method} ${url}` }),
  Response: ({ status, url }: Response) => ({ text: url === "" ? String(status) : `${status} ${url}` })
}

const listed = (pairs: ReadonlyArray<readonly [string, unknown]>): View => ({ pairs, size: pairs.length })

/** Any object may carry the tag of a platform's value, so the value is tried. */
const seen = (view: (value: never) => View, value: object): View | undefined => {
  try {
    return view(value as never)
  } catch {
    return undefined
  }
}

/** The text of a value whose view is one, else none. */
export const textOf = (value: object): string => {
  const view = viewOf(value)
  return view !== undefined && "text" in view ? view.text : ""
}

/** The view of a value, unless it has fields of its own. */
export const viewOf = (value: object): View | undefined => {
  if (ArrayBuffer.isView(value)) return { text: `[${value.byteLength} bytes]` }
  const tag = tagOf(value)
  const view = Object.hasOwn(views, tag) ? views[tag] : undefined
  if (view !== undefined) return seen(view, value)
  return tag !== "Object" && tag !== "Error" && Object.keys(value).length === 0 ? { text: `[${tag}]` } : undefined
}

/** The first values of a collection that may have millions, or no end. */
export const first = <A>(values: Iterable<A>, most: number): ReadonlyArray<A> => {
  const found: Array<A> = []
  for (const value of values) {
    if (found.length >= most) break
    found.push(value)
  }
  return found
}
