// Compares the files of apps/crawler/deploy with each other, and with the settings that the service has.
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parse } from "yaml"
import type { Stage } from "./dockerfile.ts"

/** A check: what must hold, and whether it does. */
export type Check = (what: string, holds: boolean) => void

interface Service {
  readonly image?: string
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly environment?: Readonly<Record<string, string>>
  readonly depends_on?: Readonly<Record<string, { readonly condition?: string }>>
  readonly healthcheck?: object
  readonly deploy?: { readonly replicas?: number }
  readonly stop_grace_period?: string
  readonly read_only?: boolean
  readonly volumes?: ReadonlyArray<string>
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, null>>
}

interface Prometheus {
  readonly rule_files: ReadonlyArray<string>
  readonly alerting: { readonly alertmanagers: ReadonlyArray<{ readonly static_configs: ReadonlyArray<Targets> }> }
  readonly scrape_configs: ReadonlyArray<{
    readonly job_name: string
    readonly dns_sd_configs: ReadonlyArray<{ readonly names: ReadonlyArray<string>; readonly port: number }>
  }>
}

interface Targets {
  readonly targets: ReadonlyArray<string>
}

const namesIn = (text: string, pattern: RegExp): ReadonlyArray<string> => [
  ...new Set([...text.matchAll(pattern)].map(([, name = ""]) => name))
]

/** A version that says which one is meant. */
export const isPinned = (image: string): boolean => /:v?\d+\.\d+[\w.-]*$/.test(image)

/** The longest time that `serve` takes to end, in seconds, with some to spare. */
const longestEnd = 25

const volume = (folder: string, { volumes: named }: Compose, name: string, mount: string, check: Check): void => {
  const [source = ""] = mount.split(":")
  if (source.startsWith(".")) check(`${name} mounts ${source}, which there is`, existsSync(join(folder, source)))
  else check(`${name} mounts the volume ${source}, which there is`, Object.hasOwn(named, source))
}

const services = (folder: string, compose: Compose, image: Stage, variables: ReadonlySet<string>, check: Check) => {
  for (const [name, one] of Object.entries(compose.services)) {
    const isOurs = one.build !== undefined
    check(`${name} has an image of one version`, isOurs || isPinned(one.image ?? ""))
    check(`${name} has a health check`, (isOurs ? image.health : Object.keys(one.healthcheck ?? {})).length > 0)
    for (const [other, { condition }] of Object.entries(one.depends_on ?? {}))
      check(
        `${name} waits until ${other} is healthy`,
        condition === "service_healthy" && Object.hasOwn(compose.services, other)
      )
    for (const mount of one.volumes ?? []) volume(folder, compose, name, mount, check)
    if (!isOurs) continue
    check(`${name} runs twice`, one.deploy?.replicas === 2)
    check(`${name} has ${longestEnd} seconds to end`, Number.parseInt(one.stop_grace_period ?? "0", 10) >= longestEnd)
    check(`${name} has a root file system that is read only`, one.read_only === true)
    check(`${name} is built from the Dockerfile`, existsSync(join(folder, one.build.context, one.build.dockerfile)))
    for (const variable of Object.keys(one.environment ?? {}))
      check(`${name} sets ${variable}, which serve knows`, variables.has(variable))
  }
}

/** What Prometheus and the service are told of each other's addresses. */
const addresses = (prometheus: Prometheus, compose: Compose, image: Stage, job: string, check: Check): void => {
  const [config] = prometheus.scrape_configs
  check("Prometheus calls the job as the rules do", config?.job_name === job)
  for (const { names, port } of config?.dns_sd_configs ?? []) {
    check(`Prometheus reads port ${port}, which the image exposes`, String(port) === image.exposed)
    for (const name of names) check(`Prometheus reads ${name}, which there is`, Object.hasOwn(compose.services, name))
  }
  const told = prometheus.alerting.alertmanagers.flatMap((one) => one.static_configs).flatMap((one) => one.targets)
  check(
    "Prometheus and the service tell the same Alertmanager",
    told.map((target) => `http://${target}`).join(",") ===
      compose.services["crawler"]?.environment?.["REDRIVE_ALERTMANAGER"]
  )
}

/** Checks the files beside the Dockerfile, whose image and settings are given. `job` is the name that the rules have for the service. */
export const composed = (
  folder: string,
  image: Stage,
  variables: ReadonlySet<string>,
  job: string,
  check: Check
): void => {
  const read = (name: string) => readFileSync(join(folder, name), "utf8")
  const text = read("compose.yaml")
  const compose = parse(text) as Compose
  services(folder, compose, image, variables, check)
  addresses(parse(read("prometheus.yml")) as Prometheus, compose, image, job, check)
  const asked = namesIn(text, /\$\{(\w+)/g)
  const offered = namesIn(read("env.example"), /^(\w+)=/gm)
  check(
    `env.example has the variables of compose.yaml, ${asked.join(", ")}`,
    asked.toSorted().join() === offered.toSorted().join()
  )
  check("env.example has no secret", !/^\w+=./m.test(read("env.example")))
  for (const variable of Object.keys(image.env).filter((name) => name.startsWith("REDRIVE_")))
    check(`the Dockerfile sets ${variable}, which serve knows`, variables.has(variable))
  const unit = read("redrive-crawler.service")
  for (const variable of namesIn(unit, /^Environment=(REDRIVE_\w+)/gm))
    check(`the unit sets ${variable}, which serve knows`, variables.has(variable))
  const [, seconds = "0"] = /^TimeoutStopSec=(\d+)$/m.exec(unit) ?? []
  check(`the unit gives ${longestEnd} seconds to end`, Number(seconds) >= longestEnd)
}
