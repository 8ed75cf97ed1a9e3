import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { catalogue } from "@redrive/core/CrawlCatalogue"
import * as CrawlApi from "@redrive/crawl/CrawlApi"

const decode = Schema.decodeUnknownResult(CrawlApi.CrawlRequestBody)
const encode = Schema.encodeSync(CrawlApi.CrawlRequestBody)

describe("a crawl request", () => {
  it("needs no more than a URL", () => {
    const request = Result.getOrThrow(decode({ url: "https://example.com/" }))
    assert.deepStrictEqual(
      { ...request },
      {
        url: "https://example.com/",
        itemsLimit: 10,
        scrapeType: "markdown",
        outputFormats: [],
        whitelistRegexp: "",
        blacklistRegexp: "",
        allowSubdomains: false,
        respectRobotsTxt: false
      }
    )
  })

  it("is sent under the API's names", () => {
    const request = CrawlApi.CrawlRequest.make({
      url: "https://example.com/",
      itemsLimit: 5,
      maxDepth: 2,
      respectRobotsTxt: true
    })
    assert.deepStrictEqual(encode(request), {
      url: "https://example.com/",
      items_limit: 5,
      max_depth: 2,
      scrape_type: "markdown",
      output_formats: [],
      whitelist_regexp: "",
      blacklist_regexp: "",
      allow_subdomains: false,
      respect_robots_txt: true
    })
  })

  const refused: ReadonlyArray<readonly [why: string, body: unknown]> = [
    ["no URL", {}],
    ["a URL that is none", { url: "example.com" }],
    ["a scheme other than http and https", { url: "ftp://example.com/" }],
    ["credentials in the URL", { url: "https://user:password@example.com/" }],
    ["no items", { url: "https://example.com/", items_limit: 0 }],
    ["half an item", { url: "https://example.com/", items_limit: 1.5 }],
    ["a negative depth", { url: "https://example.com/", max_depth: -1 }],
    ["a format that there is not", { url: "https://example.com/", scrape_type: "pdf" }],
    ["a pattern that is no text", { url: "https://example.com/", whitelist_regexp: 1 }],
    ["no object", "https://example.com/"]
  ]
  for (const [why, body] of refused) it(`is refused with ${why}`, () => assert.isTrue(Result.isFailure(decode(body))))

  const { url: _, ...others } = CrawlApi.CrawlRequest.fields
  it.prop("survives the wire", { rest: Schema.toType(Schema.Struct(others)) }, ({ rest }) => {
    const request = CrawlApi.CrawlRequest.make({ ...rest, url: "https://example.com/a?b=c" })
    assert.deepStrictEqual(Result.getOrThrow(decode(JSON.parse(JSON.stringify(encode(request))))), request)
  })
})

describe("the contract", () => {
  it.effect("is described by OpenAPI with the page's paths and statuses", () =>
    Effect.sync(() => {
      const { paths } = OpenApi.fromApi(CrawlApi.CrawlApi)
      const statuses = (path: string, method: "get" | "post" | "put") =>
        Object.keys(paths[path]?.[method]?.responses ?? {})
      assert.includeMembers(statuses("/v1/crawl", "post"), ["200", "400", "401", "402", "500"])
      assert.includeMembers(statuses("/v1/job/{id}", "get"), ["200", "401", "404", "500"])
      assert.includeMembers(statuses("/v1/job/{id}/cancel", "put"), ["200", "401", "404", "500"])
    })
  )

  it("names the scheme of its keys in lower case, as programs that read OpenAPI expect", () => {
    const { securitySchemes } = OpenApi.fromApi(CrawlApi.CrawlApi).components
    assert.deepStrictEqual(securitySchemes, { bearer: { type: "http", scheme: "bearer" } })
  })

  it("says of each error in OpenAPI what the catalogue says", () => {
    const spec = OpenApi.fromApi(CrawlApi.CrawlApi)
    const { insufficient_balance } = catalogue.job
    const responses = spec.paths["/v1/crawl"]?.post?.responses
    assert.strictEqual(responses?.["402"]?.description, insufficient_balance.meaning)
    assert.strictEqual(responses?.["401"]?.description, "The API key is missing or wrong.")
    const all = JSON.stringify(spec.components.schemas)
    for (const level of ["job", "item"] as const) {
      for (const [code, { meaning }] of Object.entries(catalogue[level])) assert.include(all, `${code}: ${meaning}`)
    }
    assert.include(all, JSON.stringify(Object.keys(catalogue.job)))
  })

  it("says in OpenAPI what each operation, parameter and field is", () => {
    const spec = OpenApi.fromApi(CrawlApi.CrawlApi)
    const silent: Array<string> = []
    const see = (place: string, described: unknown) => {
      const text = Predicate.hasProperty(described, "description") ? described.description : undefined
      if (typeof text !== "string" || text === "" || text.startsWith("@")) silent.push(place)
    }
    const walk = (place: string, schema: unknown): void => {
      if (!Predicate.isObject(schema)) return
      const { properties } = schema as { readonly properties?: Record<string, unknown> }
      for (const [name, field] of Object.entries(properties ?? {})) see(`${place}.${name}`, field)
      for (const [name, part] of Object.entries(schema)) walk(`${place}.${name}`, part)
    }
    walk("schemas", spec.components.schemas)
    for (const [path, methods] of Object.entries(spec.paths)) {
      for (const method of ["get", "post", "put", "delete"] as const) {
        const operation = methods[method]
        if (operation === undefined) continue
        const place = `${method} ${path}`
        see(place, operation)
        assert.isString(operation.summary, place)
        for (const parameter of operation.parameters)
          if (!Predicate.hasProperty(parameter, "description")) see(`${place} ${parameter.name}`, parameter.schema)
        for (const [status, response] of Object.entries(operation.responses)) see(`${place} ${status}`, response)
        walk(place, operation.responses)
        walk(place, operation.requestBody)
      }
    }
    assert.deepStrictEqual(silent, [])
  })
})
