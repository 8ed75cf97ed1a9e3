/** Links of a package's README: npm shows it without the repository, so they lead to the repository by its address. */
import { posix } from "node:path"

/** Targets of Markdown links that are neither an address nor an anchor of the page. */
const relative = /(\]\()(?![a-z][a-z0-9+.-]*:|#|\/\/)([^)\s]+)/g

/** Where a file or a folder of the repository is shown. */
const shown = (address: string, path: string, isFolder: (path: string) => boolean): string => {
  const [file = "", anchor] = path.split("#")
  const kind = isFolder(file) ? "tree" : "blob"
  return `${address}/${kind}/main/${file}${anchor === undefined ? (kind === "tree" ? "#readme" : "") : `#${anchor}`}`
}

export const absolute = (
  text: string,
  { address, directory, isFolder }: { address: string; directory: string; isFolder: (path: string) => boolean }
): string =>
  text.replace(
    relative,
    (_, before: string, target: string) => before + shown(address, posix.join(directory, target), isFolder)
  )

/** Paths of the repository that links lead to; of another branch or a commit, none. */
export const pathsOf = (text: string, address: string): ReadonlyArray<string> => {
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target)
  return links.flatMap((target) => {
    const [, path] = target.startsWith(`${address}/`)
      ? (/^\/(?:blob|tree)\/main\/([^#]+)/.exec(target.slice(address.length)) ?? [])
      : []
    return path === undefined ? [] : [path]
  })
}
