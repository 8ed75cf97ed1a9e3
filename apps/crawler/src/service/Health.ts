/**
 * Whether the process lives, and whether it can serve: for supervisors and load balancers, which have no API key.
 */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Accounts from "./Accounts.ts"

/** `/healthz` answers as long as the process does. `/readyz` answers with 503 where the database does not. */
export const layer = Layer.mergeAll(
  HttpRouter.add("GET", "/healthz", Effect.succeed(HttpServerResponse.jsonUnsafe({ status: "ok" }))),
  HttpRouter.add(
    "GET",
    "/readyz",
    Effect.gen(function* () {
      const accounts = yield* Accounts.Accounts
      yield* Effect.timeout(accounts.balance(Accounts.local.id), "2 seconds")
      return HttpServerResponse.jsonUnsafe({ status: "ready" })
    }).pipe(
      Effect.orElseSucceed(() =>
        HttpServerResponse.jsonUnsafe({ status: "the database does not answer" }, { status: 503 })
      )
    )
  )
)
