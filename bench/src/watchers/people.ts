/**
 * People who watch a page: each hears of changes and reads the overview anew, as the page's script does, twice a second at most. Some are stalled: they connect, and
 * never read what they are sent. Whenever it is asked, it tells what they have heard and read since.
 */
import { get } from "node:http"
import { constants, setPriority } from "node:os"
import process from "node:process"

/** What those who read have heard and read, and how late the latest change was shown, in milliseconds. */
export interface Heard {
  readonly events: number
  readonly views: number
  readonly bytes: number
}

// People have machines of their own: here they get what the service and its site leave.
setPriority(constants.priority.PRIORITY_LOW)

const [url = "", people = "0", stalled = "0"] = process.argv.slice(2)
/** The least time between two readings. */
const pace = 500
let events = 0
let views = 0
let bytes = 0

const read = () =>
  // eslint-disable-next-line promise/avoid-new -- the answer's end is an event
  new Promise<void>((resolve, reject) => {
    get(url, { headers: { accept: "application/json" } }, (response) => {
      response.on("data", (chunk: Buffer) => void (bytes += chunk.length))
      response.on("end", () => {
        views++
        resolve()
      })
    }).on("error", reject)
  })

const watch = () => {
  let timer: NodeJS.Timeout | undefined
  let asked = -Infinity
  const wish = () => {
    timer ??= setTimeout(
      () => {
        asked = Date.now()
        void read().then(() => void (timer = undefined))
      },
      Math.max(0, asked + pace - Date.now())
    )
  }
  get(new URL("/live", url), (response) => {
    response.setEncoding("utf8")
    response.on("data", (text: string) => {
      const changes = text.split("event: change").length - 1
      events += changes
      if (changes > 0) wish()
    })
  })
}

for (let person = 0; person < Number(people); person++) watch()
for (let person = 0; person < Number(stalled); person++) get(new URL("/live", url), (response) => response.pause())
process.on("message", () => {
  process.send?.({ events, views, bytes } satisfies Heard)
  events = views = bytes = 0
})
process.send?.("ready")
