const unsent = new WeakSet<object>()

/** Notes a failure from before anything was sent, whatever it looks like. */
export const markUnsent = (failure: unknown): void => {
  if (typeof failure === "object" && failure !== null) unsent.add(failure)
}

/** Whether a failure was noted to be from before anything was sent. */
export const isMarkedUnsent = (failure: unknown): boolean =>
  typeof failure === "object" && failure !== null && unsent.has(failure)
