/**
 * HTTP clients, each with its own retries switched off, creating something at a server that fails.
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
import { type Failed, given, patience, thrown } from "./Failed.ts"
import * as Servers from "./Servers.ts"

/** Sends a creation, which `signal` calls off. */
type Send = (url: string, signal: AbortSignal | undefined) => Promise<unknown>

const [method, body] = ["POST", "{}"]

/** Clients to which any status is an answer. */
const answering = {
  fetch: async (url: string, signal = AbortSignal.timeout(patience)) => {
    const response = await fetch(url, { method, body, signal })
    await response.text()
    return response
  },
  undici: async (url: string, signal?: AbortSignal) => {
    const dispatcher = new undici.Agent({ connect: { timeout: patience } })
    const response = await undici.request(url, {
      method,
      body,
      dispatcher,
      headersTimeout: patience,
      signal: signal ?? null
    })
    await response.body.text()
    return { status: response.statusCode, headers: response.headers }
  }
}

/** Clients that throw where a status is no success. */
const throwing: { readonly [client: string]: Send } = {
  got: (url, signal) =>
    got.post(url, { body, retry: { limit: 0 }, timeout: { connect: patience, response: patience }, signal }),
  axios: (url, signal) => axios.post(url, body, { timeout: patience, ...(signal && { signal }) }),
  ky: (url, signal) => ky.post(url, { body, retry: 0, timeout: patience, ...(signal && { signal }) }).text(),
  "@aws-sdk/client-sqs": async (url, abortSignal) => {
    const client = new SQSClient({
      endpoint: url,
      region: "us-east-1",
      credentials: { accessKeyId: "x", secretAccessKey: "x" },
      maxAttempts: 1,
      requestHandler: { connectionTimeout: patience, requestTimeout: patience, throwOnRequestTimeout: true }
    })
    const command = new SendMessageCommand({ QueueUrl: url, MessageBody: body })
    await client.send(command, abortSignal && { abortSignal }).finally(() => client.destroy())
  }
}

/**
 * Names of the packages.
 *
 * @category constants
 * @since 0.1.0
 */
export const names: ReadonlyArray<string> = [...Object.keys(answering), ...Object.keys(throwing)]

/**
 * What each of the clients meets.
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
      call("no connection in time", `http://127.0.0.1:${deaf}/`),
      call("no answer in time", `${web}silent`),
      call("reset before the answer", `${web}reset`),
      call("cut within the answer", `${web}cut`),
      call("429 with Retry-After: 7", `${web}429`),
      call("503", `${web}503`),
      call("404", `${web}404`),
      ...(tls === undefined ? [] : [call("untrusted certificate", tls)]),
      call("called off by the caller", `${web}silent`, soon)
    ]
    return Effect.all(calls, { concurrency: "unbounded" })
  }
})

/** Calls off what takes a moment. */
const soon = () => {
  const controller = new AbortController()
  setTimeout(() => controller.abort(), 50)
  return controller.signal
}

const callOf = (name: string) => {
  const isAnswering = Object.hasOwn(answering, name)
  return (what: string, url: string, signal?: () => AbortSignal): Effect.Effect<Failed> => {
    if (isAnswering) return given(what, () => answering[name as keyof typeof answering](url, signal?.()))
    const send = throwing[name]
    if (send === undefined) throw new Error(name)
    return thrown(what, () => send(url, signal?.()))
  }
}
