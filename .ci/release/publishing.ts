/** What the release command does with a registry and a repository: it refuses, shows, is cut off, hears nothing, and ends with everything published and tagged. */
import process from "node:process"
import { packagesOf } from "../publish/packages.ts"
import { addressOf } from "../publish/repository.ts"
import type { Registry } from "./registry.ts"
import { ended, type Environment, run, served } from "./run.ts"

export type Expect = (what: string, wrong: ReadonlyArray<string>) => void

/** The versions in the manifests, as tags name them. */
const versionsIn = (folder: string): ReadonlyArray<string> =>
  packagesOf(folder).map(({ name, version }) => `${name}@${version}`)

const publishedIn = ({ packuments }: Registry): ReadonlyArray<string> =>
  [...packuments].flatMap(([name, { versions }]) => Object.keys(versions).map((version) => `${name}@${version}`))

const without = (all: ReadonlyArray<string>, some: ReadonlyArray<string>, what: string): ReadonlyArray<string> =>
  all.filter((one) => !some.includes(one)).map((one) => `${one} ${what}`)

/** Whether the registry has every version and `origin` a tag for each, at the commit that made it. */
const complete = (here: Environment, registry: Registry): ReadonlyArray<string> => {
  const head = run(here, "git", "rev-parse", "HEAD")
  const lines = run(here, "git", "ls-remote", "--tags", "origin").split("\n")
  const tags = lines.map((line) => line.split("\trefs/tags/"))
  const all = versionsIn(here.folder)
  const fresh = registry.fresh()
  return [
    ...without(all, publishedIn(registry), "is not published"),
    ...without(
      all,
      tags.map(([, tag = ""]) => tag),
      "has no tag"
    ),
    ...tags
      .filter(([commit, tag = ""]) => fresh.has(tag) && commit !== head)
      .map(([, tag]) => `${tag} is a tag of another commit`)
  ]
}

const refuses = async (here: Environment, registry: Registry): Promise<ReadonlyArray<string>> => {
  run(here, "git", "remote", "set-url", "origin", "https://forge.example/other/project.git")
  const { end, output } = await ended(here, ["pnpm", "run", "release"])
  run(here, "git", "remote", "set-url", "origin", addressOf(here.folder))
  const isRefused = end !== 0 && /the git remote "origin" is https:\/\/forge\.example\/other\/project;/.test(output)
  return [...(isRefused ? [] : [output]), ...publishedIn(registry).map((one) => `${one} was published`)]
}

const shows = async (here: Environment, registry: Registry): Promise<ReadonlyArray<string>> => {
  const output = await served(here, "pnpm", "run", "release", "--dry-run")
  const tags = run(here, "git", "tag", "--list")
  const rows = versionsIn(here.folder).filter((tag) => !new RegExp(`${tag} +\\d+ kB +not published`).test(output))
  return [
    ...rows.map((tag) => `no row for ${tag} in\n${output}`),
    ...publishedIn(registry).map((one) => `${one} was published`),
    ...(tags === "" ? [] : [`tagged ${tags}`])
  ]
}

/** Ends the command and all that it started with the fourth publication. */
const cutOff = async (here: Environment, registry: Registry): Promise<ReadonlyArray<string>> => {
  let group: number | undefined
  registry.kept = () => {
    if (registry.fresh().size === 4 && group !== undefined) process.kill(-group, "SIGKILL")
    return "answer"
  }
  const { end, output } = await ended(here, ["pnpm", "run", "release"], (pid) => (group = pid))
  return end === "SIGKILL" && registry.packuments.size < versionsIn(here.folder).length ? [] : [output]
}

/** Publishes what is left, of which the registry takes two without a word. */
const losesAnswers = async (here: Environment, registry: Registry): Promise<ReadonlyArray<string>> => {
  let lost = 0
  registry.kept = () => (lost++ < 2 ? "hang up" : "answer")
  const output = await served(here, "pnpm", "run", "release")
  registry.kept = () => "answer"
  const wrong = complete(here, registry)
  return [...wrong, ...(lost > 1 ? [] : ["no answer was lost"]), ...(wrong.length > 0 ? [output] : [])]
}

export const publishing = async (here: Environment, registry: Registry, expect: Expect): Promise<void> => {
  expect("a clone of another repository publishes nothing", await refuses(here, registry))
  expect("a dry run shows every package and publishes nothing", await shows(here, registry))
  expect("a release is cut off", await cutOff(here, registry))
  expect("the next run publishes and tags everything, though answers are lost", await losesAnswers(here, registry))
}

/** A release without accidents, of the versions in the manifests. */
export const released = async (here: Environment, registry: Registry): Promise<ReadonlyArray<string>> => {
  registry.forget()
  await served(here, "pnpm", "run", "release")
  return complete(here, registry)
}
