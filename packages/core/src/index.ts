/**
 * Typed job and item errors, verdicts, the catalogue, wire codecs, classification and reports.
 *
 * @since 0.1.0
 */
export * as Catalogue from "./Catalogue.ts"
export * as Check from "./Check.ts"
export * as Classify from "./Classify.ts"
export * as CrawlCatalogue from "./CrawlCatalogue.ts"
export * as Durations from "./Durations.ts"
export * as Failure from "./Failure.ts"
export * as ItemError from "./ItemError.ts"
export * as Job from "./Job.ts"
export * as JobError from "./JobError.ts"
export * as Judge from "./Judge.ts"
export * as Observer from "./Observer.ts"
export * as Plain from "./Plain.ts"
export * as Report from "./Report.ts"
export * as Verdict from "./Verdict.ts"
export * as Wire from "./Wire.ts"
