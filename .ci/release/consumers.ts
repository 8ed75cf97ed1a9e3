/**
 * Projects that install one package each. A project has one package manager, one Node.js and one TypeScript; together they have every one of each, and
 * every pair of package manager and Node.js but one, since all combinations would take an hour.
 */
import { globSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { emptyProject, type Manager } from "./managers.ts"
import { type Ended, ended, type Environment, served } from "./run.ts"
import type { Tools } from "./tools.ts"
import { installedIn, reached } from "./tree.ts"

/** What each package brings along, of this project and of others. A change here is a change of what users install. */
const brings: Readonly<Record<string, { readonly own: ReadonlyArray<string>; readonly peers: ReadonlyArray<string> }>> =
  {
    alert: { own: ["core"], peers: ["effect"] },
    core: { own: [], peers: ["effect"] },
    crawl: { own: ["core", "retry"], peers: ["effect"] },
    durable: { own: ["core", "retry"], peers: ["effect"] },
    email: { own: ["alert", "core"], peers: ["effect", "nodemailer"] },
    log: { own: ["core"], peers: ["effect"] },
    pino: { own: ["core", "log"], peers: ["effect", "pino"] },
    retry: { own: ["core"], peers: ["effect"] },
    sentry: { own: ["core"], peers: ["effect"] },
    sqlite: { own: [], peers: ["effect"] },
    testing: { own: ["core"], peers: ["effect"] }
  }

export interface Consumer {
  readonly package: string
  readonly manager: Manager
  readonly node: string
  readonly typescript: string
  readonly resolution: string
}

/** Each TypeScript with each way to resolve modules; no two neighbours are the same in either. */
export const checks = [
  { typescript: "5.9", resolution: "nodenext" },
  { typescript: "6", resolution: "bundler" },
  { typescript: "7", resolution: "nodenext" },
  { typescript: "5.9", resolution: "bundler" },
  { typescript: "6", resolution: "nodenext" },
  { typescript: "7", resolution: "bundler" }
]

const at = <A>(list: ReadonlyArray<A>, index: number): A => {
  const found = list[index % list.length]
  if (found === undefined) throw new Error("an empty list")
  return found
}

/** Four managers go round, three Node.js, and six checks, which are put off by one after each round so that they do not go round with the others. */
export const consumersOf = (managers: ReadonlyArray<Manager>, { nodes }: Tools): ReadonlyArray<Consumer> =>
  Object.keys(brings).map((name, index) => {
    const check = at(checks, index + Math.floor(index / checks.length))
    return { package: name, manager: at(managers, index), node: at([...nodes.keys()], index), ...check }
  })

/** The options of the strictest users; effect's declarations name types of the DOM. */
const compilerOptions = (resolution: string) => ({
  module: resolution === "bundler" ? "esnext" : "nodenext",
  moduleResolution: resolution,
  target: "es2022",
  lib: ["es2023", "dom"],
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  noEmit: true,
  types: []
})

export const typeCheck = (
  project: Environment,
  tools: Tools,
  file: string,
  one: { readonly typescript: string; readonly resolution: string }
): Promise<Ended> => {
  const config = `tsconfig.${one.typescript}.${one.resolution}.json`
  const content = { compilerOptions: compilerOptions(one.resolution), files: [file] }
  writeFileSync(join(project.folder, config), JSON.stringify(content))
  return ended(project, [process.execPath, tools.typescript(one.typescript), "-p", config])
}

/** A program that imports every entry point of a package, with its types. */
const importing = (root: string, name: string): string => {
  const modules = globSync("*.ts", { cwd: join(root, "packages", name, "src"), exclude: ["index.ts"] }).toSorted()
  const paths = [`@redrive/${name}`, ...modules.map((file) => `@redrive/${name}/${file.replace(/\.ts$/, "")}`)]
  const imports = paths.map((path, index) => `import * as m${index} from ${JSON.stringify(path)}`)
  const all: ReadonlyArray<string> = paths.map((_, index) => `m${index}`)
  return [
    ...imports,
    `const all: ReadonlyArray<object> = [${all.join()}]`,
    `console.log(all.length === ${all.length})`
  ].join("\n")
}

/** Installs one package alone, and gives the project with what is wrong in it. */
export const consume = async (
  consumer: Consumer,
  { registry, root, shared, tools }: { registry: string; root: string; shared: string; tools: Tools }
): Promise<{ readonly project: Environment; readonly wrong: ReadonlyArray<string> }> => {
  const folder = join(shared, `consumer-${consumer.package}`)
  mkdirSync(folder)
  const project = emptyProject(folder, shared, registry)
  const { own, peers } = brings[consumer.package] ?? { own: [], peers: [] }
  const name = `@redrive/${consumer.package}`
  await consumer.manager.add(project, [name, ...(consumer.manager.bringsPeers ? [] : peers)])

  const all = installedIn(folder)
  const expected = new Set([name, ...own.map((one) => `@redrive/${one}`), ...reached(all, peers)])
  const names = all.map((one) => one.name)
  const wrong = [
    ...names.filter((one) => !expected.has(one)).map((one) => `${one} is installed and not asked for`),
    ...[...expected].filter((one) => !names.includes(one)).map((one) => `${one} is not installed`),
    ...names.filter((one, index) => names.indexOf(one) !== index).map((one) => `${one} is installed twice`)
  ]
  writeFileSync(join(folder, "main.ts"), importing(root, consumer.package))
  const node = tools.nodes.get(consumer.node) ?? process.execPath
  const printed = await served(project, node, "--disable-warning=ExperimentalWarning", "main.ts")
  if (printed !== "true") wrong.push(`its entry points do not import: ${printed}`)
  const types = await typeCheck(project, tools, "main.ts", consumer)
  if (types.end !== 0) wrong.push(`its types are wrong: ${types.output}`)
  return { project, wrong }
}

/** Whether a package manager's test has left a package out. */
export const forgotten = (root: string): ReadonlyArray<string> =>
  readdirSync(join(root, "packages")).filter((name) => !(name in brings))
