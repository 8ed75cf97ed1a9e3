import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import * as Program from "@redrive/testing/Program"
import * as Effect from "effect/Effect"

/** Whether the tests against nginx are skipped, because this machine has none. */
export const noNginx = Program.isMissing("nginx", "nginx-light")

const config = (folder: string, root: string, port: number) => `
daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events {}
http {
  access_log off;
  types { text/html html htm; text/plain txt; text/css css; image/gif gif; image/png png; application/gzip gz; }
  default_type application/octet-stream;
  client_body_temp_path ${folder}/1; proxy_temp_path ${folder}/2; fastcgi_temp_path ${folder}/3;
  uwsgi_temp_path ${folder}/4; scgi_temp_path ${folder}/5;
  server {
    listen 127.0.0.1:${port};
    root ${root};
    location = /closed.html { deny all; }
  }
}`

/** nginx serving a folder for as long as the scope; gives its URL. What it writes goes to the folder `beside`. */
export const nginx = Effect.fnUntraced(function* (root: string, beside = dirname(root)) {
  const port = yield* Program.freePort
  const folder = join(beside, "nginx")
  mkdirSync(folder)
  writeFileSync(join(folder, "nginx.conf"), config(folder, root, port))
  yield* Program.run("nginx", { args: ["-p", folder, "-c", join(folder, "nginx.conf")], port })
  return `http://127.0.0.1:${port}/`
})
