/**
 * The texts of pages by links, for whoever has one.
 */
import type * as Job from "@redrive/core/Job"
import * as JobError from "@redrive/core/JobError"
import * as Wire from "@redrive/core/Wire"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Jobs } from "./Jobs.ts"
import * as Links from "./Links.ts"

const refusedLink = HttpServerResponse.jsonUnsafe(
  Wire.envelope(new JobError.InvalidRequest({ lastError: "link is invalid: it is wrong, or has expired" })),
  { status: 404 }
)

export const layer = Layer.unwrap(
  Effect.gen(function* () {
    const jobs = yield* Jobs
    const secret = yield* jobs.secret
    const answer = (format: Job.Format) =>
      Effect.gen(function* () {
        const { expires = "", item = "", job = "", signature = "" } = yield* HttpRouter.params
        const isGood = Links.isGood(secret, job, expires, signature, yield* Clock.currentTimeMillis)
        const text = isGood ? yield* jobs.text(job, item, format) : Option.none()
        return Option.match(text, {
          onNone: () => refusedLink,
          onSome: (content) =>
            HttpServerResponse.text(content, {
              // A browser shows HTML of strangers as its source.
              contentType: `text/${format === "markdown" ? "markdown" : "plain"}; charset=utf-8`,
              // The text of a page is foreign: no browser shall take it for a page of ours.
              headers: { "x-content-type-options": "nosniff", "content-security-policy": "sandbox" }
            })
        })
      })
    const path = "/content/:job/:expires/:signature/:item"
    return Layer.mergeAll(
      HttpRouter.add("GET", path, answer("markdown")),
      HttpRouter.add("GET", `${path}/html`, answer("html")),
      HttpRouter.add("GET", `${path}/cleaned`, answer("cleaned"))
    )
  })
)
