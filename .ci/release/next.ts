/** Two later releases: one of a patch, a break and a minor, one of a break of core. What moves, what dependents are published with, what updates leave. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { type Bump, json, packagesOf } from "../publish/packages.ts"
import { breaking, next } from "../publish/plan.ts"
import { emptyProject } from "./managers.ts"
import { type Expect, released } from "./publishing.ts"
import type { Registry } from "./registry.ts"
import { type Environment, run, served } from "./run.ts"
import { loadable } from "./tree.ts"
import { commit } from "./workspace.ts"

type Versions = Readonly<Record<string, string>>

const short = (name: string) => name.replace("@redrive/", "")

const versionsOf = (folder: string): Versions =>
  Object.fromEntries(packagesOf(folder).map(({ name, version }) => [short(name), version]))

/** What a release is to make of the versions before it: the packages named move, the others stay. */
const moved = (before: Versions, bumps: Readonly<Record<string, Bump>>): Versions =>
  Object.fromEntries(
    Object.entries(before).map(([name, version]) => [
      name,
      bumps[name] === undefined ? version : next(version, bumps[name])
    ])
  )

const differences = (expected: Versions, found: Versions): ReadonlyArray<string> =>
  Object.entries(expected).flatMap(([name, version]) =>
    found[name] === version ? [] : [`${name} is ${found[name]} and should be ${version}`]
  )

const change = (here: Environment, name: string, bump: Bump, text: string) =>
  writeFileSync(join(here.folder, `.changeset/next-${name}.md`), `---\n"@redrive/${name}": ${bump}\n---\n\n${text}\n`)

/** Versions do not change what is built, and the first release has built it. */
const skipBuilds = (here: Environment): void => {
  for (const { directory } of packagesOf(here.folder)) {
    const file = join(directory, "package.json")
    const manifest = json(file)
    writeFileSync(file, JSON.stringify({ ...manifest, scripts: { ...manifest.scripts, build: "true" } }))
  }
}

/** Versions and publishes what changesets ask for. */
const release = async (here: Environment, registry: Registry): Promise<ReadonlyArray<string>> => {
  await served(here, "pnpm", "run", "version-packages")
  commit(here, "version packages")
  return released(here, registry)
}

const newest = (registry: Registry, name: string) => {
  const packument = registry.packuments.get(`@redrive/${name}`)
  return packument?.versions[packument["dist-tags"]["latest"] ?? ""]
}

/** Published ranges that do not include the newest version of what they name. */
const ranges = (registry: Registry, versions: Versions, names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.flatMap((name) =>
    Object.entries(newest(registry, name)?.dependencies ?? {}).flatMap(([used, range]) =>
      range === `^${versions[short(used)]}` ? [] : [`${name} is published with ${used} ${range}`]
    )
  )

/** The changelog in a package's newest tarball. */
const changelog = (parent: string, registry: Registry, name: string): string => {
  const file = join(parent, "changelog.tgz")
  writeFileSync(file, registry.tarball(`@redrive/${name}`, newest(registry, name)?.version ?? ""))
  run({ folder: parent, env: process.env }, "tar", "-xzf", file, "package/CHANGELOG.md")
  return readFileSync(join(parent, "package/CHANGELOG.md"), "utf8")
}

/** Versions of the packages in a project, each copy by itself. */
const copies = (project: Environment): ReadonlyArray<string> =>
  loadable(project.folder)
    .filter(({ name }) => name.startsWith("@redrive/"))
    .map(({ name, version }) => `${short(name)} ${version}`)
    .toSorted()

const listed = (versions: Versions): ReadonlyArray<string> =>
  Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .toSorted()

const same = (expected: Versions, project: Environment): ReadonlyArray<string> => {
  const [found, wanted] = [copies(project).join(", "), listed(expected).join(", ")]
  return found === wanted ? [] : [`there is\n${found}\nand should be\n${wanted}`]
}

/** A project with every package, made before the later releases. */
const user = async (parent: string, registry: Registry, manager: "npm" | "pnpm", names: ReadonlyArray<string>) => {
  const folder = join(parent, `user-${manager}`)
  mkdirSync(folder)
  const project = emptyProject(folder, parent, registry.url)
  const all = [...names.map((name) => `@redrive/${name}`), "effect"]
  await served(project, manager, ...(manager === "npm" ? ["install", "--no-audit", "--no-fund"] : ["add"]), ...all)
  return { manager, project }
}

type User = Awaited<ReturnType<typeof user>>

/** pnpm takes what the registry told it a moment ago for news, unless packages are named. */
const update = ({ manager, project }: User) =>
  served(project, manager, "update", ...(manager === "pnpm" ? ["@redrive/*"] : []))

const toNewest = ({ manager, project }: User, versions: Versions) =>
  manager === "pnpm"
    ? served(project, "pnpm", "update", "--latest")
    : served(project, "npm", "install", ...Object.keys(versions).map((name) => `@redrive/${name}@latest`))

const second = async (here: Environment, registry: Registry, before: Versions, expect: Expect): Promise<Versions> => {
  const of = (name: string) => breaking(before[name] ?? "")
  change(here, "core", "patch", "A fault is mended.")
  change(here, "alert", of("alert"), "Alerts are told otherwise.")
  change(here, "retry", of("retry"), "Retries do more.")
  const wrong = await release(here, registry)
  const changed = ["alert", "crawl", "durable", "email", "retry"]
  const bumps = Object.fromEntries(changed.map((name) => [name, of(name)] as const))
  const after = moved(before, { ...bumps, core: "patch" })
  expect("a release of a patch and of breaks is published and tagged", wrong)
  expect("breaks move their dependents as much, and a patch moves none", differences(after, versionsOf(here.folder)))
  expect("what moved is published with the newest of each other", ranges(registry, after, changed))
  return after
}

const logs = (parent: string, registry: Registry, versions: Versions): ReadonlyArray<string> => {
  const texts = {
    alert: "Alerts are told otherwise.",
    core: "A fault is mended.",
    email: `\`@redrive/alert\` ${versions["alert"]}`,
    retry: "Retries do more."
  }
  return Object.entries(texts).flatMap(([name, text]) => {
    const written = changelog(parent, registry, name)
    return written.includes(`## ${versions[name]}\n`) && written.includes(text)
      ? []
      : [`${name} says\n${written.slice(0, 500)}`]
  })
}

export const later = async (here: Environment, registry: Registry, parent: string, expect: Expect): Promise<void> => {
  const first = versionsOf(here.folder)
  const users = [
    await user(parent, registry, "npm", Object.keys(first)),
    await user(parent, registry, "pnpm", Object.keys(first))
  ]
  skipBuilds(here)
  const after = await second(here, registry, first, expect)
  expect("changelogs are in the packages, and tell dependents what broke", logs(parent, registry, after))
  const patched = { ...first, core: after["core"] ?? "" }
  for (const one of users) {
    await update(one)
    expect(
      `${one.manager} update takes the patch of core, no break, and leaves one copy of each`,
      same(patched, one.project)
    )
    await toNewest(one, after)
    expect(`${one.manager} has one copy of each with the newest of all`, same(after, one.project))
  }

  change(here, "core", breaking(after["core"] ?? ""), "Core is another.")
  expect("a break of core is published and tagged", await release(here, registry))
  const all = Object.entries(after).filter(([name]) => name !== "sqlite")
  const last = moved(after, Object.fromEntries(all.map(([name, version]) => [name, breaking(version)])))
  expect("it moves every package that is built on core as much", differences(last, versionsOf(here.folder)))
  for (const one of users) {
    await update(one)
    expect(`${one.manager} update then leaves everything, one copy of each`, same(after, one.project))
  }
}
