import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as FailureMetrics from "@redrive/alert/FailureMetrics"
import * as PrometheusRules from "@redrive/alert/PrometheusRules"
import * as Catalogue from "@redrive/core/Catalogue"
import { catalogue } from "@redrive/core/CrawlCatalogue"
import * as ItemError from "@redrive/core/ItemError"
import * as Verdict from "@redrive/core/Verdict"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Program from "@redrive/testing/Program"

const everything: PrometheusRules.Options = {
  catalogue,
  selector: { job: "crawler" },
  labels: { team: "data" },
  runbooks: "https://docs.example.com/errors"
}

const rulesOf = (options: PrometheusRules.Options) => PrometheusRules.make(options).groups.flatMap(({ rules }) => rules)

describe("rules", () => {
  it("say of each code what it means, who acts, whether a retry helps, and where to read more", () => {
    const rule = rulesOf(everything).find(({ labels }) => labels.code === "insufficient_balance")
    assert.deepStrictEqual(rule, {
      alert: "RedriveFailures",
      expr: 'sum by (job) ((redrive_failures_total{job="crawler", level="job", code="insufficient_balance"} unless redrive_failures_total{job="crawler", level="job", code="insufficient_balance"} offset 10m) or increase(redrive_failures_total{job="crawler", level="job", code="insufficient_balance"}[10m])) > 0',
      for: "0s",
      labels: { team: "data", level: "job", code: "insufficient_balance", severity: "critical" },
      annotations: {
        summary: '{{ $value | printf "%.0f" }} failures of jobs: insufficient_balance',
        description: PrometheusRules.runbook(catalogue.job.insufficient_balance),
        runbook_url: "https://docs.example.com/errors#job-insufficient_balance"
      }
    })
    assert.include(rule?.annotations.description, "the caller acts; parked until")
  })

  it("are one for each code of the catalogue", () => {
    const codes = (["job", "item"] as const).flatMap((level) =>
      Object.keys(catalogue[level]).map((code) => `${level} ${code}`)
    )
    const made = rulesOf(everything).filter(({ alert }) => alert === "RedriveFailures")
    assert.deepStrictEqual(
      made.map(({ labels }) => `${labels.level} ${labels.code}`),
      codes
    )
  })

  it("are changed and left out by name", () => {
    const rules = rulesOf({
      window: "90 seconds",
      without: ["RedriveGateShut"],
      rules: { RedriveBreakerOpened: { above: 3, for: "1 hour", severity: "page" } }
    })
    assert.notInclude(
      rules.map(({ alert }) => alert),
      "RedriveGateShut"
    )
    const rule = rules.find(({ alert }) => alert === "RedriveBreakerOpened")
    assert.deepInclude(rule, { for: "1h", labels: { severity: "page" } })
    assert.match(rule?.expr ?? "", /offset 90s.*\[90s\]\)\) > 3$/)
  })

  for (const [options, said] of [
    [{ runbooks: "docs" }, 'runbooks is "docs"; allowed: an http or https URL'],
    [{ selector: { "a-b": "c" } }, "selector is"],
    [{ labels: { team: 1 } }, "labels is"],
    [{ window: 0 }, "window is 0; allowed: a duration of at least a second"],
    [{ rules: { RedriveGateShut: { above: -1 } } }, "rules.RedriveGateShut.above is -1; allowed: a number from 0"],
    [{ rules: { Other: {} } }, "rules.Other is unknown; allowed: RedriveTargetDown"],
    [{ without: ["Other"] }, "without is"],
    [{ catalogue: {} }, "catalogue is"]
  ] as const)
    it(`are refused where ${said}`, () => {
      // As an untyped program would call it.
      assert.throws(() => PrometheusRules.make(options as never), said)
    })
})

const denied = new ItemError.ItemError({
  url: "https://example.com/a",
  reason: new ItemError.WebsiteAccessDenied({ detail: "forbidden", status: 403 })
})

describe("failure metrics", () => {
  it.effect("count by level and code, and what the catalogue does not have as other", () =>
    Effect.gen(function* () {
      for (const failure of [denied, new Error("host_returned_error"), new TypeError("a")])
        yield* ErrorReporter.report(Cause.fail(failure)).pipe(Effect.provide(FailureMetrics.layer(catalogue)))
      const lines = (yield* PrometheusMetrics.format()).split("\n").filter((line) => line.startsWith("redrive_"))
      assert.sameMembers(lines, [
        'redrive_failures_total{level="item",code="website_access_denied"} 1',
        'redrive_failures_total{level="program",code="other"} 2'
      ])
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})

/** A folder with a rule file and one of tests, which promtool reads by their names. */
const checked = Effect.fnUntraced(function* (document: PrometheusRules.Document, tests: unknown) {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "rules-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const [rules, test] = [join(folder, "rules.yml"), join(folder, "test.yml")]
  writeFileSync(rules, PrometheusRules.format(document))
  writeFileSync(test, JSON.stringify({ rule_files: [rules], evaluation_interval: "1m", tests }))
  yield* Program.output("promtool", ["check", "rules", "--lint=all", "--lint-fatal", rules])
  return yield* Program.output("promtool", ["test", "rules", test])
})

/** The values of a series in each minute, and whether its rule fires in some of them. */
interface Story {
  readonly rule: PrometheusRules.Name
  readonly about: string
  readonly series: string
  readonly values: string
  readonly fires: { readonly [minute: number]: boolean }
  readonly labels?: Readonly<Record<string, string>>
}

const of = (metric: string, labels = "") => `${metric}{job="crawler", instance="a:1"${labels}}`

const stories: ReadonlyArray<Story> = [
  { rule: "RedriveTargetDown", about: "up", series: of("up"), values: "1x20", fires: { 10: false } },
  {
    rule: "RedriveTargetDown",
    about: "down for more than five minutes",
    series: of("up"),
    values: "1 1 0x20",
    fires: { 5: false, 8: true }
  },
  { rule: "RedriveTargetMissing", about: "known", series: of("up"), values: "0x20", fires: { 10: false } },
  { rule: "RedriveTargetMissing", about: "another job", series: 'up{job="b"}', values: "1x20", fires: { 10: true } },
  {
    rule: "RedriveCallsGivenUp",
    about: "a few",
    series: of("redrive_calls_given_up_total", ', call="page", because="retries"'),
    values: "_x5 1 5 9x20",
    fires: { 8: false, 12: false }
  },
  {
    rule: "RedriveCallsGivenUp",
    about: "many at once, by a counter that begins so",
    series: of("redrive_calls_given_up_total", ', call="page", because="retries"'),
    values: "_x5 40x30",
    fires: { 4: false, 6: true, 14: true, 20: false }
  },
  {
    rule: "RedriveBudgetSpent",
    about: "another reason",
    series: of("redrive_calls_given_up_total", ', call="page", because="retries"'),
    values: "_x5 40x30",
    fires: { 6: false }
  },
  {
    rule: "RedriveBudgetSpent",
    about: "the budget",
    series: of("redrive_calls_given_up_total", ', call="page", because="budget"'),
    values: "_x5 1x30",
    fires: { 6: true, 20: false }
  },
  {
    rule: "RedriveBreakerOpened",
    about: "opened long ago, then a restart, then once more",
    series: of("redrive_breakers_opened_total", ', call="page"'),
    values: "7x20 _x15 1x30",
    fires: { 18: false, 30: false, 38: true, 60: false }
  },
  {
    rule: "RedriveGateShut",
    about: "the first one",
    series: of("redrive_gates_shut_total", ', call="create"'),
    values: "_x5 1x30",
    fires: { 3: false, 6: true, 20: false }
  },
  {
    rule: "RedriveSinkDown",
    about: "down for seven minutes",
    series: of("redrive_alert_sink_down", ', sink="chat"'),
    values: "0x4 1x7 0x20",
    fires: { 3: false, 7: false, 11: true, 14: false }
  },
  {
    rule: "RedriveAlertsLate",
    about: "in time, then late",
    series: of("redrive_alert_outbox_age_seconds", ', sink="chat"'),
    values: "0+60x10",
    fires: { 4: false, 6: true }
  },
  {
    rule: "RedriveAlertsRefused",
    about: "one",
    series: of("redrive_alerts_refused_total", ', sink="chat"'),
    values: "_x5 1x30",
    fires: { 4: false, 6: true, 20: false }
  },
  {
    rule: "RedriveAlertAttemptsFailed",
    about: "one a minute is fewer than ten in ten minutes, three are not",
    series: of("redrive_alert_attempts_failed_total", ', sink="chat"'),
    values: "0+0.5x20 13+3x30",
    fires: { 15: false, 40: true }
  },
  {
    rule: "RedriveAlertsUnsure",
    about: "one",
    series: of("redrive_alerts_unsure_total", ', sink="chat"'),
    values: "_x5 1x30",
    fires: { 4: false, 6: true }
  },
  {
    rule: "RedriveFailuresSuppressed",
    about: "usual, then a flood",
    series: of("redrive_alerts_suppressed_total", ', reason="silence"'),
    values: "0+10x20 210+500x20",
    fires: { 15: false, 30: true }
  },
  {
    rule: "RedriveFailures",
    about: "one that nobody can work with",
    series: of("redrive_failures_total", ', level="job", code="insufficient_balance"'),
    values: "_x5 1x30",
    fires: { 4: false, 6: true, 20: false },
    labels: { level: "job", code: "insufficient_balance" }
  },
  {
    rule: "RedriveFailures",
    about: "pages of a site that denies them: a few, then many",
    series: of("redrive_failures_total", ', level="item", code="website_access_denied"'),
    values: "0+0.5x20 12+3x30",
    fires: { 15: false, 40: true },
    labels: { level: "item", code: "website_access_denied" }
  }
]

describe.skipIf(Program.isMissing("promtool", "prometheus"))("promtool", () => {
  it.effect("accepts the rules, with and without every option", () =>
    Effect.gen(function* () {
      const text = Catalogue.make({
        job: {
          odd: {
            status: 500,
            message: "odd",
            meaning: 'A {{ template }}, "quotes", a \\ and a\nline.',
            verdict: Verdict.permanent,
            severity: "Error",
            actor: "operator",
            details: {}
          }
        }
      })
      for (const options of [everything, {}, { catalogue: text, selector: { job: 'a"b\\c' }, labels: { de_p: "{{" } }])
        yield* checked(PrometheusRules.make(options), [])
    })
  )

  // Each rule alone, so that a test names the one that it is about; what an alert says is in its own test.
  const plain = (rule: PrometheusRules.Rule): PrometheusRules.Rule => ({ ...rule, annotations: {} })

  for (const { about, fires, labels = {}, rule: name, series, values } of stories) {
    it.effect(`${name}: ${about}`, () =>
      Effect.gen(function* () {
        const found = rulesOf({ ...everything, labels: {} }).filter(
          (rule) => rule.alert === name && Object.entries(labels).every(([key, value]) => rule.labels[key] === value)
        )
        assert.isNotEmpty(found)
        const rules = found.map((rule) => ({ ...plain(rule), labels: { fires: "yes" } }))
        const shown = `count without () (ALERTS{alertstate="firing", alertname="${name}"})`
        const tests = Object.entries(fires).map(([minute, isFiring]) => ({
          interval: "1m",
          input_series: [{ series, values }],
          promql_expr_test: [
            {
              expr: `count(${shown})`,
              eval_time: `${minute}m`,
              exp_samples: isFiring ? [{ labels: "{}", value: 1 }] : []
            }
          ]
        }))
        yield* checked({ groups: [{ name: "one", rules }] }, tests)
      })
    )
  }

  it.effect("reads what an alert says", () =>
    checked(PrometheusRules.make(everything), [
      {
        interval: "1m",
        input_series: [
          { series: of("up"), values: "1x20" },
          { series: of("redrive_failures_total", ', level="job", code="insufficient_balance"'), values: "_x5 1x30" }
        ],
        alert_rule_test: [
          {
            eval_time: "6m",
            alertname: "RedriveFailures",
            exp_alerts: [
              {
                exp_labels: {
                  job: "crawler",
                  level: "job",
                  code: "insufficient_balance",
                  team: "data",
                  severity: "critical"
                },
                exp_annotations: {
                  summary: "1 failures of jobs: insufficient_balance",
                  description: PrometheusRules.runbook(catalogue.job.insufficient_balance),
                  runbook_url: "https://docs.example.com/errors#job-insufficient_balance"
                }
              }
            ]
          }
        ]
      }
    ])
  )
})
