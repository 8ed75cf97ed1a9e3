import { execFileSync, spawn } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { dirname, join } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { closedPort } from "./origin.ts"

const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }

const missing = (): boolean => {
  try {
    execFileSync("nginx", ["-v"], { env, stdio: "ignore" })
    return false
  } catch {
    return true
  }
}

/** Whether the tests against nginx are skipped, because this machine has none. */
export const noNginx = missing()
if (noNginx)
  process.stderr.write("skipped: tests against nginx, which is not installed (apt-get install nginx-light)\n")

const config = (folder: string, root: string, port: string) => `
daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events {}
http {
  access_log off;
  types { text/html html; }
  client_body_temp_path ${folder}/1; proxy_temp_path ${folder}/2; fastcgi_temp_path ${folder}/3;
  uwsgi_temp_path ${folder}/4; scgi_temp_path ${folder}/5;
  server {
    listen 127.0.0.1:${port};
    root ${root};
    location = /closed.html { deny all; }
  }
}`

/** nginx serving a folder for as long as the scope; gives its URL. */
export const nginx = Effect.fnUntraced(function* (root: string) {
  const port = yield* closedPort
  const folder = join(dirname(root), "nginx")
  mkdirSync(folder)
  writeFileSync(join(folder, "nginx.conf"), config(folder, root, port))
  yield* Effect.acquireRelease(
    Effect.sync(() => spawn("nginx", ["-p", folder, "-c", join(folder, "nginx.conf")], { env, stdio: "ignore" })),
    (server) =>
      Effect.promise(async () => {
        const ended = new Promise((resolve) => server.once("exit", resolve))
        server.kill("SIGTERM")
        await ended
      })
  )
  yield* Effect.retry(listening(Number(port)), Schedule.max([Schedule.spaced("20 millis"), Schedule.recurs(250)]))
  return `http://127.0.0.1:${port}/`
})

const listening = (port: number) =>
  Effect.tryPromise(
    () =>
      new Promise<void>((resolve, reject) => {
        const socket = connect(port, "127.0.0.1", () => {
          socket.destroy()
          resolve()
        })
        socket.once("error", reject)
      })
  )
