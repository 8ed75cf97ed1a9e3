declare module "@joplin/turndown-plugin-gfm" {
  import type { Plugin } from "turndown"

  /** Tables, task lists and deletions of GitHub's Markdown. */
  export const gfm: Plugin
}
