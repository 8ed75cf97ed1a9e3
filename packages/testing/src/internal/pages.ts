import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as String from "effect/String"

/** A link of a page; `href` is written as it is. */
export interface Link {
  readonly href: string
  readonly text: string
}

const words = String.split(
  "amber anchor barley basin beacon birch bramble bridge candle canyon cedar chalk cinder clover cobalt copper coral cradle " +
    "dapple delta ember fallow feather fennel flint garnet glacier granite harbor hazel heron hollow iron ivory juniper kestrel " +
    "lantern larch linen marble meadow mercury moss nettle oak ochre orchard otter pebble pepper pine quarry quill raven reed " +
    "ripple saddle saffron shale silver sparrow spruce thistle timber tundra umber valley velvet walnut willow winter yarrow",
  " "
)

/** The HTML page of a path: title, headings and paragraphs are drawn from the seed and the path, its links are given. */
export const render = (seed: number, path: string, links: ReadonlyArray<Link>): Effect.Effect<string> =>
  Effect.gen(function* () {
    const title = yield* heading
    const sections = yield* some(2, 3, section)
    return document(title, [...sections, ...list(links)])
  }).pipe(Random.withSeed(`${seed} ${path}`))

const document = (title: string, body: ReadonlyArray<string>) =>
  [
    "<!doctype html>",
    `<html lang="en"><head><meta charset="utf-8"><title>${title}</title></head>`,
    `<body><h1>${title}</h1>`,
    ...body,
    "</body></html>\n"
  ].join("\n")

const list = (links: ReadonlyArray<Link>): ReadonlyArray<string> =>
  links.length === 0
    ? []
    : ["<ul>", ...links.map(({ href, text }) => `<li><a href="${href}">${text}</a></li>`), "</ul>"]

const some = <A>(least: number, most: number, one: Effect.Effect<A>): Effect.Effect<ReadonlyArray<A>> =>
  Effect.flatMap(Random.nextIntBetween(least, most), (count) => Effect.replicateEffect(one, count))

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

const phrase = (least: number, most: number) =>
  Effect.map(some(least, most, Random.choice(words)), (chosen) => capital(chosen.join(" ")))

const heading = phrase(2, 4)

const paragraph = Effect.map(some(2, 5, phrase(6, 14)), (sentences) => `<p>${sentences.join(". ")}.</p>`)

const section = Effect.gen(function* () {
  const title = yield* heading
  return [`<h2>${title}</h2>`, ...(yield* some(1, 2, paragraph))].join("\n")
})
