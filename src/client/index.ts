/** The client's public surface. */
export { estimateTokens } from "../providers/estimate.ts";
export { usageOf } from "../providers/sdk-results.ts";
export { totalOf, type Usage } from "../providers/shape.ts";
export type { Agent } from "./agent.ts";
export { Bursar } from "./bursar.ts";
export { BudgetExceededError, BursarError, type ProblemDocument, UnreachableError } from "./errors.ts";
export type { GovernOptions } from "./govern.ts";
export { type CommitOptions, Hold } from "./hold.ts";
export type { KeySpec, Keys } from "./keys.ts";
export type { ContractOptions, PoolOptions, ReserveOptions } from "./options.ts";
export { type Entry, Pool } from "./pool.ts";
export type { Tenants } from "./tenants.ts";
export type { CallOptions, TransportOptions } from "./transport.ts";
export type { WatchOptions } from "./watch.ts";
export type { WebhookSpec, Webhooks } from "./webhooks.ts";
