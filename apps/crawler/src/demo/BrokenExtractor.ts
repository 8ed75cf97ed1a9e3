/**
 * An extractor with a fault of its own: pages of one path make it throw, as a bug would.
 */
import * as ItemError from "@redrive/core/ItemError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Extractor from "../page/Extractor.ts"

/** The extractor, which fails for pages of a path. */
export const layer = (path: string): Layer.Layer<Extractor.Extractor> =>
  Layer.effect(
    Extractor.Extractor,
    Effect.map(Extractor.Extractor, ({ extract }) => ({
      extract: (page, options) =>
        new URL(page.url).pathname === path
          ? Effect.fail(new ItemError.InternalError({ detail: "defect", cause: new Error("broken on purpose") }))
          : extract(page, options)
    }))
  ).pipe(Layer.provide(Extractor.layer()))
