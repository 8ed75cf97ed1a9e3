/**
 * HTTP clients, each without its own retries, sending a creation to a server that fails.
 *
 * @since 0.1.0
 */
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs"
import axios from "axios"
import * as Effect from "effect/Effect"
import got from "got"
import ky from "ky"
import * as undici from "undici"
import * as Program from "@redrive/testing/Program"
import { ample, brief, type Failed, given, thrown } from "./Failed.ts"
import * as Servers from "./Servers.ts"

/** Sends a creation within `limit` milliseconds; `signal` cancels it. */
type Send<A> = (url: string, limit: number, signal: AbortSignal | undefined) => Promise<A>

const [method, body] = ["POST", "{}"]

/** Clients that return an answer whatever its status. */
const answering: { readonly [client: string]: Send<NonNullable<Failed["gave"]>> } = {
  fetch: async (url, limit, signal = AbortSignal.timeout(limit)) => {
    const response = await fetch(url, { method, body, signal })
    await response.text()
    return response
  },
  undici: async (url, limit, signal) => {
    const dispatcher = new undici.Agent({ connect: { timeout: limit } })
    const response = await undici.request(url, {
      method,
      body,
      dispatcher,
      headersTimeout: limit,
      signal: signal ?? null
    })
    await response.body.text()
    return { status: response.statusCode, headers: response.headers }
  }
}

/** Clients that throw for an unsuccessful status. */
const throwing: { readonly [client: string]: Send<unknown> } = {
  got: (url, limit, signal) =>
    got.post(url, { body, retry: { limit: 0 }, timeout: { connect: limit, response: limit }, signal }),
  axios: (url, limit, signal) => axios.post(url, body, { timeout: limit, ...(signal && { signal }) }),
  ky: (url, limit, signal) => ky.post(url, { body, retry: 0, timeout: limit, ...(signal && { signal }) }).text(),
  "@aws-sdk/client-sqs": async (url, limit, abortSignal) => {
    const client = new SQSClient({
      endpoint: url,
      region: "us-east-1",
      credentials: { accessKeyId: "x", secretAccessKey: "x" },
      maxAttempts: 1,
      requestHandler: { connectionTimeout: limit, requestTimeout: limit, throwOnRequestTimeout: true }
    })
    const command = new SendMessageCommand({ QueueUrl: url, MessageBody: body })
    await client.send(command, abortSignal && { abortSignal }).finally(() => client.destroy())
  }
}

/**
 * The names of the packages.
 *
 * @category constants
 * @since 0.1.0
 */
export const names: ReadonlyArray<string> = [...Object.keys(answering), ...Object.keys(throwing)]

/**
 * All failures of each client.
 *
 * @category running
 * @since 0.1.0
 */
export const failures = Effect.fnUntraced(function* (certificate: Servers.Certificate | undefined) {
  const refused = yield* Program.freePort
  const deaf = yield* Servers.fullPort
  const web = yield* Servers.web
  const tls = certificate && (yield* Servers.secureWeb(certificate))
  return (name: string) => {
    const call = callOf(name)
    const calls = [
      call("refused connection", `http://127.0.0.1:${refused}/`),
      call("name that does not exist", "http://nowhere.invalid/"),
      call("no connection in time", `http://127.0.0.1:${deaf}/`, { limit: brief }),
      call("no answer in time", `${web}silent`, { limit: brief }),
      call("reset before the answer", `${web}reset`),
      call("cut within the answer", `${web}cut`),
      call("429 with Retry-After: 7", `${web}429`),
      call("503", `${web}503`),
      call("404", `${web}404`),
      ...(tls === undefined ? [] : [call("untrusted certificate", tls)]),
      call("called off by the caller", `${web}silent`, { signal: soon })
    ]
    return Effect.all(calls, { concurrency: "unbounded" })
  }
})

/** Cancels a call after a moment. */
const soon = () => {
  const controller = new AbortController()
  setTimeout(() => controller.abort(), 50)
  return controller.signal
}

interface Options {
  readonly limit?: number
  readonly signal?: () => AbortSignal
}

const callOf =
  (name: string) =>
  (what: string, url: string, { limit = ample, signal }: Options = {}): Effect.Effect<Failed> => {
    const answers = answering[name]
    if (answers !== undefined) return given(what, () => answers(url, limit, signal?.()))
    const send = throwing[name]
    if (send === undefined) throw new Error(name)
    return thrown(what, () => send(url, limit, signal?.()))
  }
