/**
 * The settings of `serve`. Each is a flag and an environment variable, whose names are made from its own.
 *
 * The flags and their help, `config print` and the table of docs/operations.md are made from this one list.
 */
import { isIP } from "node:net"
import * as Check from "@redrive/core/Check"
import * as CliError from "effect/cli/CliError"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Text from "effect/String"
import * as DatabaseName from "../service/DatabaseName.ts"
import * as Options from "./Options.ts"

/** A setting. */
interface Setting<A> {
  /** What it is for, without its default. */
  readonly about: string
  /** What help calls its value, such as `N`. A switch has none: its flag takes no value. */
  readonly metavar: string | undefined
  /** What a value must be, in words. */
  readonly expected: string
  /** Whether a value may hold a password: then a wrong one is not shown. */
  readonly isSecret: boolean
  readonly read: (text: string) => Option.Option<A>
  readonly initial: A
  /** The default in words. */
  readonly initially: string
  /** A value for people, without secrets. */
  readonly show: (value: A) => string | number | boolean
}

const wholeNumber = (about: string, minimum: number, maximum: number, initial: number): Setting<number> => ({
  about,
  metavar: "N",
  expected: `a whole number from ${minimum} to ${maximum}`,
  isSecret: false,
  read: Options.intFrom(minimum, maximum),
  initial,
  initially: String(initial),
  show: (value) => value
})

const words: { readonly [word: string]: boolean } = { true: true, yes: true, false: false, no: false }

const onOff = (about: string, initial: boolean, initially: string): Setting<boolean> => ({
  about,
  metavar: undefined,
  expected: "true or false",
  isSecret: false,
  read: (text) => Option.fromUndefinedOr(Object.hasOwn(words, text) ? words[text] : undefined),
  initial,
  initially,
  show: (value) => value
})

type Secret = Redacted.Redacted | undefined

const secret = (
  one: Pick<Setting<Secret>, "about" | "expected" | "initially"> & {
    readonly metavar: string
    readonly isValid: (text: string) => boolean
  }
): Setting<Secret> => ({
  ...one,
  isSecret: true,
  read: (text) => (one.isValid(text) ? Option.some(Redacted.make(text)) : Option.none()),
  initial: undefined,
  show: (value) => (value === undefined ? "(none)" : "(set)")
})

/** All of them, in the order of help. */
const all = {
  host: {
    about: "Address to listen on; 0.0.0.0 is every one of the machine",
    metavar: "ADDRESS",
    expected: "an IP address, such as 127.0.0.1 or 0.0.0.0",
    isSecret: false,
    read: (text: string) => (isIP(text) === 0 ? Option.none() : Option.some(text)),
    initial: "127.0.0.1",
    initially: "127.0.0.1",
    show: (value: string) => value
  },
  port: wholeNumber("Port to listen on; 0 takes any that is free", 0, 65_535, 8080),
  database: {
    about:
      "What keeps accounts and jobs: a SQLite file, which is made if it does not exist, or postgres://USER@HOST/DATABASE, which any number of processes share",
    metavar: "DATABASE",
    expected: "the name of a SQLite file, or postgres://USER@HOST/DATABASE",
    isSecret: true,
    read: (text: string) =>
      text === "" || text.length > Options.longest || DatabaseName.isUnknown(text) ? Option.none() : Option.some(text),
    initial: ":memory:",
    initially: "in memory",
    show: DatabaseName.nameOf
  },
  localAccount: onOff(
    "Whether there is the account `local` with 1,000 US dollars, whose API key everybody knows; --no-local-account for a service that others reach",
    true,
    "true"
  ),
  alertWebhook: secret({
    about: "Where alerts are posted",
    metavar: "URL",
    expected: "an absolute http or https URL, such as https://alerts.example.com/hook",
    initially: "nowhere",
    isValid: Check.isHttpUrl
  }),
  alertmanager: {
    about: "The Alertmanager that gets alerts; of a cluster, every member, with commas between",
    metavar: "URL",
    expected: "absolute http or https URLs without credentials and query, such as http://127.0.0.1:9093",
    isSecret: true,
    read: (text: string) => {
      const urls = text.split(",").map((url) => url.trim())
      return urls.every(Options.isApiUrl) ? Option.some(urls) : Option.none()
    },
    initial: [] as ReadonlyArray<string>,
    initially: "none",
    show: (urls: ReadonlyArray<string>) => (urls.length === 0 ? "(none)" : urls.join(","))
  },
  webhookSecret: secret({
    about: "What jobs' webhooks are signed with",
    metavar: "SECRET",
    expected: "whsec_ and the Base64 of 24 to 64 bytes",
    initially: "no signature",
    isValid: (text) => /^whsec_[A-Za-z\d+/]{32,88}={0,2}$/.test(text)
  }),
  operatorKey: secret({
    about: "The key with which people sign in on the page, to look and to act",
    metavar: "KEY",
    expected: "16 to 200 characters",
    initially: "a new one at each start, which is printed",
    isValid: (text) => text.length >= 16 && text.length <= 200
  }),
  demo: onOff(
    "Begin with jobs of a site that misbehaves on purpose, and let everybody on this machine look at the page",
    false,
    "false"
  ),
  requestsPerMinute: wholeNumber(
    "The most requests of one account in a minute; more are answered with 429",
    1,
    1_000_000,
    6000
  ),
  allowPrivate: onOff("Crawl private and loopback addresses too", false, "false")
}

type All = typeof all
type ValueOf<S> = S extends Setting<infer A> ? A : never

/** Where a value came from. */
type Origin = "flag" | "environment" | "default"

/** What a setting is worth, and where that came from. */
export interface InForce<A> {
  readonly value: A
  readonly from: Origin
}

/** What each setting is worth, and where that came from. */
export type AllInForce = { readonly [K in keyof All]: InForce<ValueOf<All[K]>> }

/** What each setting is worth. */
export type Values = { readonly [K in keyof All]: ValueOf<All[K]> }

const flagName = (key: string): string => Text.camelToSnake(key).replaceAll("_", "-")
const variableOf = (key: string): string => `REDRIVE_${Text.camelToSnake(key).toUpperCase()}`

/** Reads a value, or fails with a line that names where it stands. */
const valueOf = <A>(setting: Setting<A>, text: string, from: Origin, place: string) =>
  Option.match(setting.read(text), {
    onSome: (value) => Effect.succeed<InForce<A>>({ value, from }),
    onNone: () => {
      const shown = setting.isSecret ? "" : `: "${text}"`
      return Effect.fail(
        new CliError.ValidationError({ message: `Invalid value for ${place}${shown}. Expected: ${setting.expected}` })
      )
    }
  })

const flagOf = <A>(key: string, setting: Setting<A>): Flag.Flag<InForce<A>> => {
  const name = flagName(key)
  const variable = variableOf(key)
  const text =
    setting.metavar === undefined
      ? Flag.map(Flag.Boolean(name), String)
      : Flag.withMetavar(Flag.String(name), setting.metavar)
  // An empty variable counts as one that is not set, as Compose and systemd pass on what is not.
  const fromEnvironment = Effect.flatMap(
    Effect.orDie(Config.option(Config.String(variable))),
    Option.match({
      onNone: () => Effect.succeed<InForce<A>>({ value: setting.initial, from: "default" }),
      onSome: (found) => valueOf(setting, found, "environment", `variable ${variable}`)
    })
  )
  return text.pipe(
    Flag.withDescription(`${setting.about}; also read from ${variable} (${setting.initially})`),
    Flag.optional,
    Flag.mapEffect(
      Option.match({
        onNone: () => fromEnvironment,
        onSome: (given) => valueOf(setting, given, "flag", `flag --${name}`)
      })
    )
  )
}

const keys = Object.keys(all) as ReadonlyArray<keyof All>

/** The flags of `serve` and `config print`. */
export const flags = Object.fromEntries(
  keys.map((key) => [key, flagOf(key, all[key] as Setting<unknown>)])
) as unknown as { readonly [K in keyof All]: Flag.Flag<InForce<ValueOf<All[K]>>> }

/** The values alone. */
export const values = (inForce: AllInForce): Values =>
  Object.fromEntries(keys.map((key) => [key, inForce[key].value])) as unknown as Values

const describe = (key: keyof All) => {
  const { about, expected, initially } = all[key]
  return { flag: `--${flagName(key)}`, variable: variableOf(key), about, expected, default: initially }
}

/** What is known of each setting, as plain data. */
export const described = keys.map(describe)

/** The same with the value in force, without secrets, and where it came from. */
export const shown = (inForce: AllInForce) =>
  keys.map((key) => {
    const { show } = all[key] as Setting<unknown>
    return { ...describe(key), value: show(inForce[key].value), from: inForce[key].from }
  })
