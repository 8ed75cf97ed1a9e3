/**
 * The crawl API as one Effect HttpApi, and a client with the right retry policy for each operation.
 *
 * @since 0.1.0
 */
export * as CrawlApi from "./CrawlApi.ts"
export * as CrawlClient from "./CrawlClient.ts"
