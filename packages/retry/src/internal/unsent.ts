const unsent = new WeakSet<object>()
const sent = new WeakSet<object>()

/** Marks a failure that happened before anything was sent, whatever it looks like. */
export const markUnsent = (failure: unknown): void => {
  if (typeof failure === "object" && failure !== null) unsent.add(failure)
}

/** Marks a failure of a request that was sent, whatever it looks like. */
export const markSent = (failure: unknown): void => {
  if (typeof failure === "object" && failure !== null) sent.add(failure)
}

/** Whether the request of a marked failure was sent; `undefined` of all other failures. */
export const wasSent = (failure: unknown): boolean | undefined => {
  if (typeof failure !== "object" || failure === null) return undefined
  return sent.has(failure) || (unsent.has(failure) ? false : undefined)
}
