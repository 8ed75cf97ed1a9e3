/** Changes jobs in the service's database, so many times a second, for so many seconds; another process than the service, as a second one on PostgreSQL would be. */
import process from "node:process"
import { DatabaseSync } from "node:sqlite"

const [file = "", perSecond = "0", seconds = "0"] = process.argv.slice(2)
const db = new DatabaseSync(file)
db.exec("PRAGMA busy_timeout = 5000; PRAGMA synchronous = NORMAL")
const change = db.prepare("UPDATE jobs SET version = version + 1 WHERE rowid = ?")
const jobs = Number(db.prepare("SELECT count(*) AS n FROM jobs").get()?.["n"])
const begun = performance.now()
let changes = 0
while (performance.now() - begun < Number(seconds) * 1000) {
  const due = Math.floor(((performance.now() - begun) / 1000) * Number(perSecond))
  db.exec("BEGIN IMMEDIATE")
  for (; changes < due; changes++) change.run((changes % jobs) + 1)
  db.exec("COMMIT")
  await new Promise((resolve) => setTimeout(resolve, 10))
}
process.send?.(changes / ((performance.now() - begun) / 1000))
db.close()
