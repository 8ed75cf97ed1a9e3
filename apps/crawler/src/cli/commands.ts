/**
 * The commands and their flags. The code of a command is loaded when it runs, so that help is quick.
 */
import * as Check from "@redrive/core/Check"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { local } from "../service/LocalAccount.ts"
import * as Options from "./Options.ts"
import * as Settings from "./Settings.ts"

const pattern = (name: string, description: string) =>
  Options.text(name, "RE2").pipe(Flag.withDescription(description), Flag.withDefault(""))

const crawlOptions = {
  url: Argument.String("url").pipe(
    Argument.withDescription("Where to start: an absolute http or https URL"),
    Argument.filter(
      (url) => Check.isHttpUrl(url) && url.length <= Options.longest,
      (url) =>
        url.length > Options.longest
          ? `Expected: at most ${Options.longest} characters`
          : "Expected: an absolute http or https URL, such as https://example.com/"
    )
  ),
  itemsLimit: Options.int("items-limit", 1, 100_000).pipe(
    Flag.withDescription("Pages to crawl at most (100)"),
    Flag.withDefault(100)
  ),
  maxDepth: Options.int("max-depth", 0, 1000).pipe(
    Flag.withDescription("Links to follow from the start at most (no limit)"),
    Flag.optional
  ),
  whitelistRegexp: pattern("whitelist-regexp", "Follow only URLs that match this RE2 expression (all)"),
  blacklistRegexp: pattern("blacklist-regexp", "Follow no URL that matches this RE2 expression (none)"),
  allowSubdomains: Flag.Boolean("allow-subdomains").pipe(
    Flag.withDescription("Follow links to subdomains of the start's host"),
    Flag.withDefault(false)
  ),
  respectRobotsTxt: Flag.Boolean("respect-robots-txt").pipe(
    Flag.withDescription("Leave out what the site's robots.txt forbids"),
    Flag.withDefault(false)
  ),
  sitemap: Flag.Boolean("sitemap").pipe(
    Flag.withDescription("Crawl the pages that the site names in its sitemaps, too"),
    Flag.withDefault(false)
  ),
  rounds: Options.int("rounds", 0, 10).pipe(
    Flag.withDescription("Further rounds for pages that failed and may still succeed (1)"),
    Flag.withDefault(1)
  ),
  api: Options.text("api", "URL").pipe(
    Flag.withDescription("URL of the crawl API to use (a service of its own)"),
    Flag.filter(
      Options.isApiUrl,
      () => "Expected: an absolute http or https URL without credentials and query, such as http://127.0.0.1:8080"
    ),
    Flag.optional
  ),
  apiKey: Flag.Redacted("api-key").pipe(
    Flag.withMetavar("KEY"),
    Flag.withDescription("The account's key, also read from REDRIVE_API_KEY (local)"),
    Flag.withFallbackConfig(Config.Redacted("REDRIVE_API_KEY")),
    Flag.filter(
      (key) => Redacted.value(key) !== "",
      () => "Expected: a key that is not empty"
    ),
    Flag.withDefault(local.apiKey)
  ),
  json: Options.text("json", "FILE").pipe(
    Flag.withDescription("Write everything about the crawl, with the pages' texts, to a JSON file"),
    Flag.optional
  ),
  output: Options.text("output", "DIR").pipe(
    Flag.withDescription("Write each page as a Markdown file, and an index, to a new folder"),
    Flag.optional
  ),
  report: Options.text("report", "FILE").pipe(
    Flag.withDescription(
      "Write what became of the pages, and why, to one HTML file of 3 MB at most that needs no service"
    ),
    Flag.optional
  ),
  resume: Flag.Boolean("resume").pipe(
    Flag.withDescription("Go on with the interrupted crawl of the same --output or --json"),
    Flag.withDefault(false)
  ),
  strict: Flag.Boolean("strict").pipe(
    Flag.withDescription("Exit with 2 where pages remain failed"),
    Flag.withDefault(false)
  ),
  allowPrivate: Flag.Boolean("allow-private").pipe(
    Flag.withDescription("Crawl private and loopback addresses too"),
    Flag.withDefault(false)
  )
}

export type CrawlFlags = Command.Command.Config.Infer<typeof crawlOptions>

const crawl = Command.make("crawl", crawlOptions, (flags) =>
  Effect.flatMap(
    Effect.promise(() => import("./crawl.ts")),
    ({ crawl }) => Effect.scoped(crawl(flags))
  )
).pipe(
  Command.withDescription("Crawl a site and say what became of every page"),
  Command.withExamples([
    { command: "crawl https://example.com/ --items-limit 20", description: "Crawl at most 20 pages" },
    { command: "crawl https://example.com/ --output example", description: "Keep the pages as Markdown files" },
    {
      command: "crawl https://example.com/ --report report.html",
      description: "Write a report to read, mail or print"
    },
    { command: "crawl https://example.com/ --output example --resume", description: "Go on after Ctrl-C" },
    {
      command: "crawl http://127.0.0.1:8000/ --allow-private --json crawl.json",
      description: "Crawl a site of your own"
    }
  ])
)

/** A connection string may have a password, which no list of processes should show. */
const databaseOf = (description: string) =>
  Options.text("database", "DATABASE").pipe(
    Flag.withDescription(`${description}; also read from REDRIVE_DATABASE`),
    Flag.withFallbackConfig(Config.String("REDRIVE_DATABASE"))
  )

const serve = Command.make("serve", Settings.flags, (inForce) =>
  Effect.flatMap(
    Effect.promise(() => import("./serve.ts")),
    ({ serve }) => serve(Settings.values(inForce))
  )
).pipe(
  Command.withDescription("Serve the crawl API, on 127.0.0.1 unless --host says otherwise"),
  Command.withExamples([
    { command: "serve", description: "Try the API; everything is gone when it stops" },
    { command: "serve --port 9000 --database crawl.db", description: "Keep accounts and jobs in a file" },
    { command: "serve --database postgres://crawler@127.0.0.1/crawl", description: "Share them with other processes" },
    { command: "serve --host 0.0.0.0 --no-local-account --database crawl.db", description: "Serve other machines" }
  ])
)

const configOptions = {
  ...Settings.flags,
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print JSON, for programs"), Flag.withDefault(false))
}

export type ConfigFlags = Command.Command.Config.Infer<typeof configOptions>

const config = Command.make("config").pipe(
  Command.withDescription("Look at the settings of serve"),
  Command.withSubcommands([
    Command.make("print", configOptions, (flags) =>
      Effect.flatMap(
        Effect.promise(() => import("./config.ts")),
        ({ print }) => print(flags)
      )
    ).pipe(
      Command.withDescription("Every setting of serve: its variable, its value in force, and where that came from"),
      Command.withExamples([
        { command: "config print", description: "With the environment of this shell" },
        { command: "config print --port 9000 --json", description: "With a flag of serve, for a program" }
      ])
    )
  ])
)

const demo = Command.make("demo", {}, () =>
  Effect.flatMap(
    Effect.promise(() => import("./demo.ts")),
    ({ demo }) => Effect.scoped(demo)
  )
).pipe(
  Command.withDescription("Crawl a site with every kind of fault, and see how each is handled"),
  Command.withExamples([{ command: "demo", description: "Takes half a minute and contacts nobody" }])
)

const jobOption = Options.text("job", "NAME").pipe(
  Flag.withDescription("The job's name in Prometheus (crawler)"),
  Flag.withDefault("crawler")
)

const rulesOptions = {
  job: jobOption,
  runbooks: Options.text("runbooks", "URL").pipe(
    Flag.withDescription("The page with the documentation of the codes, which the alerts link to (no links)"),
    Flag.filter(Check.isHttpUrl, () => "Expected: an absolute http or https URL, such as https://example.com/errors"),
    Flag.optional
  )
}

export type RulesFlags = Command.Command.Config.Infer<typeof rulesOptions>

const rules = Command.make("rules", rulesOptions, (flags) =>
  Effect.flatMap(
    Effect.promise(() => import("./rules.ts")),
    ({ rules }) => rules(flags)
  )
).pipe(
  Command.withDescription("Print alerting rules for Prometheus"),
  Command.withExamples([{ command: "rules > redrive-rules.yml", description: "Write a rule file" }])
)

const dashboardOptions = { job: jobOption }

export type DashboardFlags = Command.Command.Config.Infer<typeof dashboardOptions>

const dashboard = Command.make("dashboard", dashboardOptions, (flags) =>
  Effect.flatMap(
    Effect.promise(() => import("./dashboard.ts")),
    ({ dashboard }) => dashboard(flags)
  )
).pipe(
  Command.withDescription("Print a dashboard for Grafana"),
  Command.withExamples([{ command: "dashboard > redrive-dashboard.json", description: "Write a file to import" }])
)

const routesFile = Options.text("routes", "FILE").pipe(
  Flag.withDescription("The routes: a JSON file such as apps/crawler/alert-routes.json")
)

const describeOptions = { routes: routesFile }

export type DescribeFlags = Command.Command.Config.Infer<typeof describeOptions>

const planOptions = {
  routes: routesFile,
  code: Options.text("code", "CODE").pipe(
    Flag.withDescription("Failures of this code, such as host_returned_error (all)"),
    Flag.optional
  ),
  detail: Options.text("detail", "DETAIL").pipe(
    Flag.withDescription("With this detail, such as response_timeout (none)"),
    Flag.optional
  ),
  host: Options.text("host", "HOST").pipe(
    Flag.withDescription("At this host, such as example.com (none)"),
    Flag.optional
  ),
  severity: Flag.Literals("severity", ["Fatal", "Error", "Warn", "Info", "Debug", "Trace"]).pipe(
    Flag.withDescription("With this severity (that of the catalogue)"),
    Flag.optional
  ),
  at: Options.text("at", "TIME").pipe(
    Flag.withDescription("At this time, such as 2026-11-24T22:00:00Z (now)"),
    Flag.filterMap(DateTime.make, () => "Expected: a time such as 2026-11-24T22:00:00Z"),
    Flag.optional
  )
}

export type PlanFlags = Command.Command.Config.Infer<typeof planOptions>

const plan = Command.make("plan", planOptions, (flags) =>
  Effect.flatMap(
    Effect.promise(() => import("./alerts.ts")),
    ({ plan }) => plan(flags)
  )
).pipe(
  Command.withDescription("Say who would be told of which failure, and when"),
  Command.withExamples([
    { command: "alerts plan --routes apps/crawler/alert-routes.json", description: "Of every kind of failure" },
    {
      command: "alerts plan --routes apps/crawler/alert-routes.json --code internal_error --at 2026-11-24T22:00:00Z",
      description: "Of one code, at night"
    }
  ])
)

const describe = Command.make("describe", describeOptions, (flags) =>
  Effect.flatMap(
    Effect.promise(() => import("./alerts.ts")),
    ({ describe }) => describe(flags)
  )
).pipe(
  Command.withDescription("Say what each route does"),
  Command.withExamples([
    { command: "alerts describe --routes apps/crawler/alert-routes.json", description: "Of the routes of the example" }
  ])
)

const alerts = Command.make("alerts").pipe(
  Command.withDescription("Try the routes of alerts without telling anybody"),
  Command.withSubcommands([plan, describe])
)

const isOutage = Duration.between({ minimum: Duration.seconds(1), maximum: Duration.hours(1) })

const explainOptions = {
  policy: Argument.String("policy").pipe(
    Argument.withDescription("A JSON file with a retry policy; - reads it from standard input (the service's own)"),
    Argument.optional
  ),
  clients: Options.int("clients", 1, 10_000).pipe(
    Flag.withDescription("Clients of the outage, each with a budget and a breaker of its own (10)"),
    Flag.withDefault(10)
  ),
  rate: Options.int("rate", 1, 100_000).pipe(
    Flag.withDescription("Calls of all clients in a second (10)"),
    Flag.withDefault(10)
  ),
  outage: Options.text("outage", "TIME").pipe(
    Flag.withDescription("How long the dependency is down, such as `5 minutes` (1 minute)"),
    Flag.filterMap(
      (text) => Option.filter(Schema.decodeOption(Schema.DurationFromString)(text), isOutage),
      () => "Expected: a duration from 1 second to 1 hour, such as 5 minutes"
    ),
    Flag.withDefault(Duration.minutes(1))
  ),
  html: Options.text("html", "FILE").pipe(
    Flag.withDescription("Write a page with pictures and tables to a file too"),
    Flag.optional
  ),
  svg: Options.text("svg", "FILE").pipe(Flag.withDescription("Write the pictures to a file too"), Flag.optional),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print the explanation as JSON instead, times in milliseconds"),
    Flag.withDefault(false)
  )
}

export type ExplainFlags = Command.Command.Config.Infer<typeof explainOptions>

const explain = Command.make("explain", explainOptions, (flags) =>
  Effect.flatMap(
    Effect.promise(() => import("./explain.ts")),
    ({ explain }) => Effect.scoped(explain(flags))
  )
).pipe(
  Command.withDescription("Say what a retry policy does: its delays, its worst case, and what an outage makes of it"),
  Command.withExamples([
    { command: "explain", description: "Of how the service fetches a page" },
    { command: "explain policy.json --html policy.html", description: "With a page for those who are to review it" },
    { command: "explain policy.json --clients 200 --rate 500 --outage '5 minutes'", description: "In a larger fleet" },
    { command: `echo '{"retries": 5}' | redrive explain -`, description: "Of a policy from another program" }
  ])
)

const databaseOptions = {
  database: databaseOf("What keeps the tasks: a SQLite file, or postgres://USER@HOST/DATABASE")
}

const tasksOptions = {
  ...databaseOptions,
  queue: Options.text("queue", "NAME").pipe(Flag.withDescription("The name of the queue; that of serve is webhooks"))
}

export type TasksFlags = Command.Command.Config.Infer<typeof tasksOptions>

const gateOptions = {
  ...databaseOptions,
  gate: Argument.String("gate").pipe(
    Argument.withDescription("The gate as `durable gates` shows it: a key or a group, such as a host")
  )
}

export type GateFlags = Command.Command.Config.Infer<typeof gateOptions>

const failedOptions = {
  ...tasksOptions,
  code: Options.text("code", "CODE").pipe(
    Flag.withDescription("Tasks that failed with this code (all)"),
    Flag.optional
  ),
  key: Options.text("key", "KEY").pipe(Flag.withDescription("Tasks of this key, such as a host (all)"), Flag.optional)
}

export type FailedFlags = Command.Command.Config.Infer<typeof failedOptions>

const redriveOptions = {
  ...failedOptions,
  id: Options.text("id", "ID").pipe(
    Flag.withDescription("The id of this redrive: the same one is carried out once for a queue")
  ),
  pace: Options.text("pace", "TIME").pipe(
    Flag.withDescription("The time between two tasks, such as `2 seconds` (none)"),
    Flag.filterMap(
      Schema.decodeUnknownOption(Schema.DurationFromString),
      () => "Expected: a duration such as 2 seconds"
    ),
    Flag.optional
  ),
  dryRun: Flag.Boolean("dry-run").pipe(Flag.withDescription("Only say what would be done"), Flag.withDefault(false))
}

export type RedriveFlags = Command.Command.Config.Infer<typeof redriveOptions>

const tasks = Effect.promise(() => import("./durable.ts"))

const durable = Command.make("durable").pipe(
  Command.withDescription("Look at durable tasks and workflows, open gates, and redrive what failed"),
  Command.withSubcommands([
    Command.make("status", tasksOptions, (flags) => Effect.flatMap(tasks, ({ status }) => status(flags))).pipe(
      Command.withDescription("How many tasks wait, run, are done or failed, and since when one is due"),
      Command.withExamples([
        { command: "durable status --database tasks.db --queue pages", description: "Of one queue" }
      ])
    ),
    Command.make("gates", databaseOptions, (flags) => Effect.flatMap(tasks, ({ gates }) => gates(flags))).pipe(
      Command.withDescription("Which gates are shut, until when, why, and by whom"),
      Command.withExamples([{ command: "durable gates --database tasks.db", description: "Of all queues" }])
    ),
    Command.make("open", gateOptions, (flags) => Effect.flatMap(tasks, ({ open }) => open(flags))).pipe(
      Command.withDescription("Open a gate: its tasks go on"),
      Command.withExamples([
        { command: "durable open --database tasks.db example.com", description: "Let the tasks of a host go on" },
        {
          command: 'durable open --database crawl.db "crawl example.com"',
          description: "Let serve crawl a host that asked to wait"
        }
      ])
    ),
    Command.make("failed", failedOptions, (flags) => Effect.flatMap(tasks, ({ failed }) => failed(flags))).pipe(
      Command.withDescription("What tasks failed of, and who must act"),
      Command.withExamples([
        {
          command: "durable failed --database tasks.db --queue pages --key example.com",
          description: "Of the tasks of one host"
        }
      ])
    ),
    Command.make("stuck", databaseOptions, (flags) => Effect.flatMap(tasks, ({ stuck }) => stuck(flags))).pipe(
      Command.withDescription("Which workflows do not fit this version of the program, and why"),
      Command.withExamples([{ command: "durable stuck --database tasks.db", description: "Of all workflows" }])
    ),
    Command.make("redrive", redriveOptions, (flags) => Effect.flatMap(tasks, ({ redrive }) => redrive(flags))).pipe(
      Command.withDescription("Let failed tasks go again"),
      Command.withExamples([
        {
          command: "durable redrive --database tasks.db --queue pages --code host_returned_error --id mon-1 --dry-run",
          description: "See what would go again"
        }
      ])
    )
  ])
)

const accountsOptions = {
  database: databaseOf("The database of a service, which may run meanwhile")
}

export type AccountsFlags = Command.Command.Config.Infer<typeof accountsOptions>

const accountOptions = {
  ...accountsOptions,
  account: Argument.String("account").pipe(
    Argument.withDescription("The name of the account: letters, digits, dots, dashes and underscores"),
    Argument.filter(
      (name) => /^[\w.-]{1,64}$/.test(name),
      () => "Expected: a name of letters, digits, dots, dashes and underscores"
    )
  )
}

export type AccountFlags = Command.Command.Config.Infer<typeof accountOptions>

const dollarsOf = (name: string, least: number) =>
  Flag.Finite(name).pipe(
    Flag.withMetavar("DOLLARS"),
    Flag.filter(
      (amount) => amount >= least && amount <= 1_000_000,
      () => `Expected: an amount from ${least} to 1,000,000 dollars`
    )
  )

const openOptions = {
  ...accountOptions,
  balance: dollarsOf("balance", 0).pipe(Flag.withDescription("What it begins with (0)"), Flag.withDefault(0))
}

export type OpenFlags = Command.Command.Config.Infer<typeof openOptions>

const topUpOptions = {
  ...accountOptions,
  amount: dollarsOf("amount", 0.01).pipe(Flag.withDescription("What is paid in")),
  id: Options.text("id", "ID").pipe(Flag.withDescription("The id of the payment: the same one is paid in once"))
}

export type TopUpFlags = Command.Command.Config.Infer<typeof topUpOptions>

const money = Effect.promise(() => import("./accounts.ts"))

const accounts = Command.make("accounts").pipe(
  Command.withDescription("Open accounts of a service, and pay money in"),
  Command.withSubcommands([
    Command.make("list", accountsOptions, (flags) => Effect.flatMap(money, ({ list }) => list(flags))).pipe(
      Command.withDescription("All accounts, and what they have"),
      Command.withExamples([{ command: "accounts list --database crawl.db", description: "Of one service" }])
    ),
    Command.make("open", openOptions, (flags) => Effect.flatMap(money, ({ open }) => open(flags))).pipe(
      Command.withDescription("Open an account, and show its API key"),
      Command.withExamples([
        { command: "accounts open shop --database crawl.db --balance 20", description: "With 20 dollars" }
      ])
    ),
    Command.make("top-up", topUpOptions, (flags) => Effect.flatMap(money, ({ topUp }) => topUp(flags))).pipe(
      Command.withDescription("Pay money into an account"),
      Command.withExamples([
        {
          command: "accounts top-up shop --database crawl.db --amount 20 --id invoice-7",
          description: "Pay 20 dollars in, once"
        }
      ])
    ),
    Command.make("entries", accountOptions, (flags) => Effect.flatMap(money, ({ entries }) => entries(flags))).pipe(
      Command.withDescription("The last moves of an account's money"),
      Command.withExamples([{ command: "accounts entries shop --database crawl.db", description: "Of one account" }])
    )
  ])
)

export const command = Command.make("redrive").pipe(
  Command.withDescription("Crawl sites through a service that says what failed, and why"),
  Command.withSubcommands([crawl, serve, config, accounts, demo, rules, dashboard, alerts, durable, explain])
)
