#!/usr/bin/env bash
# hast-util-to-mdast writes a comment that stands between two rows of a table into the row that follows, and makes the column as wide as it.
#
# Packages: hast-util-from-html 2.0.3, hast-util-to-mdast 10.1.3, mdast-util-to-markdown 2.1.2, mdast-util-gfm 3.1.0.
# Input: a table of one column and two rows, with a comment between the rows, as generators of documentation write it.
# One would guess: the comment is left out, or stands before or after the table.
# It is in the table: a reader who does not know HTML takes it for a part of the second row.
#
# Seen:
#   without: | x | / | - | / | 1 | / | 2 |
#   with: | x | / | ------------------------ | / | 1 | / | <!-- the second row -->2 |
#
# Exits 0 while this holds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund hast-util-from-html@2.0.3 hast-util-to-mdast@10.1.3 mdast-util-to-markdown@2.1.2 mdast-util-gfm@3.1.0
cat > run.mjs <<'JS'
import { fromHtml } from "hast-util-from-html"
import { toMdast } from "hast-util-to-mdast"
import { gfmToMarkdown } from "mdast-util-gfm"
import { toMarkdown } from "mdast-util-to-markdown"

const written = (html) =>
  toMarkdown(toMdast(fromHtml(html, { fragment: true })), { extensions: [gfmToMarkdown()] })
    .trim()
    .split("\n")
    .map((line) => line.replace(/ +/g, " "))
    .join(" / ")

const table = (between) => `<table><tr><th>x</th></tr><tr><td>1</td></tr>${between}<tr><td>2</td></tr></table>`
console.log(`without: ${written(table(""))}`)
console.log(`with: ${written(table("<!-- the second row -->"))}`)
JS
node run.mjs | tee seen.txt
diff seen.txt - <<'SEEN'
without: | x | / | - | / | 1 | / | 2 |
with: | x | / | ------------------------ | / | 1 | / | <!-- the second row -->2 |
SEEN
