// Finds links of the documentation that lead nowhere: to a file or a heading that is not there.
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"

const root = join(import.meta.dirname, "..")

/** A text without its programs and its code, in which nothing is a link. */
const prose = (text: string): string => text.replaceAll(/^( *)```[^]*?^\1```/gm, "").replaceAll(/`[^`\n]*`/g, "")

/** The name by which a heading is linked to. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-")

const anchorsOf = (path: string): ReadonlySet<string> =>
  new Set(
    [...readFileSync(path, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
      anchorOf(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1"))
    )
  )

const isBroken = (from: string, target: string): boolean => {
  if (/^[a-z]+:/.test(target)) return false
  const [file = "", anchor] = target.split("#")
  const path = file === "" ? from : normalize(join(dirname(from), file))
  if (!existsSync(path)) return true
  // Of a package, `#readme` is the heading that its page begins with.
  return anchor !== undefined && path.endsWith(".md") && !anchorsOf(path).has(anchor)
}

/** `path: target` for each link that leads nowhere. */
export const brokenLinks = (): ReadonlyArray<string> =>
  globSync(["*.md", "llms.txt", ".github/**/*.md", "{docs,packages,apps,bench,clients}/**/*.md"], {
    cwd: root,
    exclude: ["**/node_modules/**", "**/dist/**", "**/CHANGELOG.md"]
  }).flatMap((path) => {
    const targets = [...prose(readFileSync(join(root, path), "utf8")).matchAll(/\]\(([^)\s]+)\)/g)]
    return targets
      .map(([, target = ""]) => target)
      .filter((target) => isBroken(join(root, path), target))
      .map((target) => `${path}: leads nowhere: ${target}`)
  })
