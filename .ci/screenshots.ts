/**
 * Takes the pictures of docs/watch from `serve --demo`, by the Chromium of this machine. They show what a newcomer sees some seconds after the start.
 */
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import process from "node:process"
import { setTimeout as sleep } from "node:timers/promises"

const root = join(import.meta.dirname, "..")
const app = join(root, "apps/crawler")
const folder = join(root, "docs/watch")
const { chromium } = createRequire(join(app, "package.json"))("playwright-core")

const service = spawn(
  process.execPath,
  ["--disable-warning=ExperimentalWarning", join(app, "src/main.ts"), "serve", "--demo", "--port", "0"],
  { stdio: ["ignore", "pipe", "inherit"] }
)
let said = ""
service.stdout.on("data", (text) => void (said += String(text)))
while (!said.includes("watch it on")) await sleep(100)
const url = /watch it on (\S+)/.exec(said)?.[1]
const key = /operator key: ([^)]+)/.exec(said)?.[1]

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] })
const looks = [
  [1280, 900, "light"],
  [1280, 900, "dark"],
  [390, 844, "light"],
  [390, 844, "dark"]
] as const

mkdirSync(folder, { recursive: true })
try {
  // Some pages have failed by then, and others wait.
  await sleep(7000)
  for (const [width, height, colorScheme] of looks) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme })
    const page = await context.newPage()
    // The overview in every look, the others on a bright desk and on a phone at night.
    const isAll = (width === 1280) === (colorScheme === "light")
    const take = async (name: string) => {
      if (!isAll && name !== "overview") return
      await page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}.png`) })
    }
    await page.goto(new URL("/sign-in?to=%2F", url).href)
    await page.getByLabel("Operator key").fill(key)
    await page.getByRole("button", { name: "Sign in" }).click()
    await page.waitForURL(url)
    await take("overview")
    // Of the two jobs the one that can be paid.
    await page.getByRole("table", { name: "Jobs" }).getByRole("link").first().click()
    await page.getByRole("heading", { name: "Attempts and waits" }).scrollIntoViewIfNeeded()
    await page.evaluate(`document.querySelectorAll("h2")[1].scrollIntoView()`)
    await take("job")
    await page.goto(new URL("/items?status=waiting", url).href)
    await page.locator("table td a").first().click()
    await page.getByRole("heading", { name: "Attempts and waits" }).waitFor()
    await take("page")
    await page.goto(new URL("/plan?action=redrive&status=failed", url).href)
    await take("redrive")
    await context.close()
  }
  // Half a minute after it began somebody is told.
  await sleep(30_000)
  // Without an animation the page is where the link leads.
  const page = await browser.newPage({ viewport: { width: 1280, height: 700 }, reducedMotion: "reduce" })
  await page.goto(new URL("/incidents", url).href)
  await page.locator("table td a").first().click()
  await page.locator("#explained").waitFor()
  await page.screenshot({ path: join(folder, "incident-1280-light.png") })
} finally {
  await browser.close()
  service.kill("SIGINT")
  await once(service, "exit")
}
console.log(execFileSync("du", ["-ch", folder], { encoding: "utf8" }))
