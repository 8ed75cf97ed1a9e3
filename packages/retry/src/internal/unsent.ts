const unsent = new WeakSet<object>()

/** Marks a failure as one from before anything was sent, whatever its structure. */
export const markUnsent = (failure: unknown): void => {
  if (typeof failure === "object" && failure !== null) unsent.add(failure)
}

/** Whether a failure was marked as one from before anything was sent. */
export const isMarkedUnsent = (failure: unknown): boolean =>
  typeof failure === "object" && failure !== null && unsent.has(failure)
