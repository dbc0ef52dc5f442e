/**
 * The wire's answers as schemas, for the OpenAPI document and for the test that holds every real answer against it.
 * Each must describe exactly the type that the code gives: `satisfies` breaks the build when they part.
 */
import * as z from "zod";
import type { Contract } from "./events.ts";
import type { PriceView } from "./prices.ts";
import { type Period, type PoolRefill, type RefillRule, weekdays } from "./refill.ts";
import { refusalCodes } from "./refusals.ts";
import type * as results from "./results.ts";
import { jurisdictions, type KeyView, type NewKey, type Revocation, type Tenant } from "./tenants.ts";
import { type DeliveryView, type NewWebhook, noticeTypes, type WebhookView } from "./webhooks.ts";

const whole = z.int().min(0);
const signed = z.int();
const time = z.int().min(0).describe("milliseconds since 1970, by the server's clock");
const unit = z.enum(["tokens", "microusd"]);
const confidence = z.number().min(0).max(1);
const onExpiry = z.enum(["release", "charge"]);
const metadata = z.record(z.string(), z.string());
const replayed = z
  .literal(true)
  .exactOptional()
  .describe("the id was used before with the same content: nothing ran again");

/** Breaks the build where a schema gives something else than `T`. */
type Describes<T> = z.ZodType<T>;

const transfer = z
  .strictObject({
    from: z.string().nullable().describe("an agent, or null: the pool's unallocated budget"),
    amount: whole,
  })
  .meta({ id: "Transfer" });
const transfers = z.array(transfer).readonly();

const ledger = {
  priority: whole,
  allocated: whole,
  consumed: whole,
  held: whole,
  remaining: signed.describe("allocated − consumed"),
  available: signed.describe("remaining − held; below zero after an overage"),
  min_reserve: whole,
  overage: whole,
  gate: z.enum(["open", "closed"]),
  confidence: confidence.nullable(),
};

export const agentView = z.strictObject(ledger).meta({ id: "LedgerEntry" }) satisfies Describes<results.AgentView>;

const namedAgent = z.strictObject({ name: z.string(), ...ledger }).meta({ id: "Agent" });

const day = { every: z.literal("day"), time_zone: z.string() };
const week = { every: z.literal("week"), starts_on: z.enum(weekdays), time_zone: z.string() };
const month = { every: z.literal("month"), time_zone: z.string() };
const hours = { every: z.literal("hours"), hours: whole, from: time };
const refillRule = z
  .union([z.strictObject(day), z.strictObject(week), z.strictObject(month), z.strictObject(hours)])
  .meta({ id: "RefillRule" }) satisfies Describes<RefillRule>;
const plain = { rollover: z.enum(["none", "unspent"]) };
const capped = { rollover: z.literal("capped"), rollover_cap: whole };
const poolRefill = z
  .union([
    z.strictObject({ ...day, ...plain }),
    z.strictObject({ ...week, ...plain }),
    z.strictObject({ ...month, ...plain }),
    z.strictObject({ ...hours, ...plain }),
    z.strictObject({ ...day, ...capped }),
    z.strictObject({ ...week, ...capped }),
    z.strictObject({ ...month, ...capped }),
    z.strictObject({ ...hours, ...capped }),
  ])
  .meta({ id: "PoolRefill" }) satisfies Describes<PoolRefill>;
const period = z
  .strictObject({
    number: whole,
    starts_at: time,
    ends_at: time.nullable().describe("when the next begins; null if only a command ends it"),
  })
  .meta({ id: "Period" }) satisfies Describes<Period>;

const contract = z
  .strictObject({
    priority: whole,
    max: whole,
    min_reserve: whole,
    confidence_threshold: confidence.nullable(),
    ceiling: whole.nullable(),
    parent: z.string().nullable(),
    confidence_path: z.string().nullable(),
    final_reserve: whole,
    max_reserves_per_minute: whole.nullable(),
    refill: refillRule.nullable(),
  })
  .meta({ id: "Contract" }) satisfies Describes<Contract>;

export const agentDetail = z
  .strictObject({
    name: z.string(),
    ...ledger,
    contract,
    period: period.nullable(),
    closing: z.boolean(),
    paused: z.boolean(),
    open_reservations: whole,
    sub_agents: whole,
  })
  .meta({ id: "AgentDetail" }) satisfies Describes<results.AgentDetail>;

const rate = z.int().min(0).describe("microusd per million tokens");
const rates = {
  input: rate,
  output: rate,
  cache_read: rate.optional(),
  cache_write: rate.optional(),
  cache_write_1h: rate.optional(),
};

const settings = {
  unit,
  budget: whole.nullable(),
  equal_priority_donates: z.boolean(),
  default_ttl_ms: whole,
  journal_refusals: z.boolean(),
  fallback_price: z.strictObject(rates).nullable(),
  refill: poolRefill.nullable(),
  warn_at: z.array(whole).readonly(),
  journal_days: whole.nullable(),
};

export const poolResult = z
  .strictObject({
    ...settings,
    paused: z.boolean(),
    period,
    seq: whole,
    total: whole,
    unallocated: whole,
  })
  .meta({ id: "Pool" }) satisfies Describes<results.PoolResult>;

export const agentResult = z.strictObject({ seq: whole, agent: agentDetail }) satisfies Describes<results.AgentResult>;

export const closeResult = z.strictObject({
  seq: whole,
  state: z.enum(["closing", "closed"]),
  agent: agentDetail.nullable(),
}) satisfies Describes<results.CloseResult>;

export const pauseResult = z.strictObject({
  seq: whole,
  paused: z.boolean(),
  agent: agentDetail.nullable(),
}) satisfies Describes<results.PauseResult>;

export const fundResult = z.strictObject({
  id: z.string(),
  amount: signed,
  seq: whole,
  total: whole,
  unallocated: whole,
  replayed,
}) satisfies Describes<results.FundResult>;

export const reservationResult = z
  .strictObject({
    id: z.string(),
    state: z.literal("held"),
    granted: whole,
    expires_at: time,
    on_expiry: onExpiry,
    transfers,
    seq: whole,
    agent: namedAgent.nullable(),
    replayed,
  })
  .meta({ id: "Reservation" }) satisfies Describes<results.ReservationResult>;

export const settlementResult = z
  .strictObject({
    id: z.string(),
    state: z.enum(["committed", "released", "expired"]),
    granted: whole,
    consumed: whole,
    overage: whole,
    transfers,
    late: z.boolean(),
    seq: whole,
    agent: namedAgent.nullable(),
    replayed,
  })
  .meta({ id: "Settlement" }) satisfies Describes<results.SettlementResult>;

export const usageResult = z
  .strictObject({
    id: z.string(),
    consumed: whole,
    overage: whole,
    transfers,
    seq: whole,
    agent: namedAgent.nullable(),
    replayed,
  })
  .meta({ id: "Usage" }) satisfies Describes<results.UsageResult>;

const donor = z
  .strictObject({
    agent: z.string(),
    priority: whole,
    gate: z.enum(["open", "closed"]),
    available: signed,
    min_reserve: whole,
    could_give: whole,
    gives: whole,
  })
  .meta({ id: "Donor" });

export const reallocationResult = z
  .strictObject({
    id: z.string(),
    asked: whole,
    moved: whole,
    shortfall: whole,
    transfers,
    donors: z.array(donor).readonly(),
    dry_run: z.boolean(),
    seq: whole,
    agent: namedAgent.nullable(),
    replayed,
  })
  .meta({ id: "Reallocation" }) satisfies Describes<results.ReallocationResult>;

export const agentChangeResult = z.strictObject({
  id: z.string(),
  seq: whole,
  agent: namedAgent.nullable(),
  replayed,
}) satisfies Describes<results.AgentChangeResult>;

export const periodResult = z.strictObject({
  id: z.string(),
  seq: whole,
  period,
  replayed,
}) satisfies Describes<results.PeriodResult>;

const endedBooks = z.strictObject({ allocated: whole, consumed: whole, held: whole });
export const periodList = z.strictObject({
  periods: z
    .array(
      z
        .strictObject({
          agent: z.string().nullable().describe("null: the pool"),
          number: whole,
          starts_at: time,
          ended_at: time,
          budget: whole,
          consumed: whole,
          held: whole.describe("what was open, and is paid in the next"),
          agents: z.record(z.string(), endedBooks),
        })
        .meta({ id: "PeriodReport" }),
    )
    .readonly(),
}) satisfies Describes<results.PeriodList>;

export const reservationView = z
  .strictObject({
    id: z.string(),
    agent: z.string(),
    state: z.enum(["held", "committed", "released", "expired"]),
    asked: whole,
    granted: whole,
    consumed: whole,
    overage: whole,
    late: z.boolean(),
    created_at: time,
    expires_at: time,
    on_expiry: onExpiry,
    transfers,
    metadata,
  })
  .meta({ id: "ReservationView" }) satisfies Describes<results.ReservationView>;

export const report = z
  .strictObject({
    pool: z.string(),
    unit,
    seq: whole,
    total: whole,
    unallocated: whole,
    consumed: whole,
    held: whole,
    period,
    agents: z.record(z.string(), agentView),
  })
  .meta({ id: "Report" }) satisfies Describes<results.Report>;

export const audit = z
  .strictObject({ ok: z.boolean(), seq: whole, rows: whole, findings: z.array(z.string()).readonly() })
  .meta({ id: "Audit" }) satisfies Describes<results.Audit>;

/** Events are open: a later version may add a type, or a field to one. */
const event = z
  .looseObject({ seq: whole, at: time, type: z.string() })
  .meta({ id: "Event", description: "See src/protocol/events.ts for the fields of each type." });

export const journalPage = z
  .strictObject({ events: z.array(event).readonly(), next: whole })
  .meta({ id: "JournalPage" });

/** What the engine goes on from (`src/engine/image.ts`); its shape may change with any version. */
export const snapshot = z.looseObject({
  seq: whole.describe("the state is as of this event; the journal leads on from it"),
  next: z.string().nullable().describe("the next page's `page`; null at the end"),
});

export const exposition = z
  .string()
  .meta({ id: "Metrics", description: "Prometheus text; docs/operations.md lists the metrics." });

export const segment = z
  .string()
  .meta({ id: "Segment", description: "Newline-delimited JSON; docs/storage.md describes each line." });

export const archiveResult = z.strictObject({
  archive: z.boolean().describe("whether this deployment has an archive"),
  seq: whole,
  shipped: whole.describe("the last event that is in the archive"),
  trimmed: whole.describe("the last event that is no longer here"),
}) satisfies Describes<results.ArchiveResult>;
export const restoreResult = z.strictObject({ seq: whole }) satisfies Describes<results.RestoreResult>;

export const deleted = z.strictObject({ deleted: z.literal(true) });

export const poolList = z.strictObject({
  pools: z.array(z.strictObject({ name: z.string(), created_at: time })).readonly(),
}) satisfies Describes<results.PoolList>;

const doorCodes = [
  "invalid_request",
  "unauthorized",
  "forbidden",
  "route_not_found",
  "method_not_allowed",
  "body_too_large",
  "unsupported_media_type",
  "unsupported_feature",
  "upstream_failed",
  "rate_limited",
  "misconfigured",
  "unavailable",
  "overloaded",
  "internal_error",
] as const;

/** A problem document (RFC 9457). The facts beside `code` are listed with the codes in docs/protocol.md. */
export const problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    code: z.enum([...refusalCodes, ...doorCodes]),
  })
  .meta({ id: "Problem", description: "RFC 9457. Beside these members stand the facts of the code." });

export const health = z
  .strictObject({
    status: z.enum(["ok", "degraded"]),
    errors: z
      .array(z.strictObject({ field: z.string(), message: z.string() }))
      .optional()
      .describe("settings that can't be used"),
  })
  .meta({ id: "Health" });

export const batchResult = z.strictObject({
  results: z.array(
    z.union([
      z.strictObject({ status: z.union([z.literal(200), z.literal(201)]), result: z.looseObject({}) }),
      z.strictObject({ status: z.int(), problem }),
    ]),
  ),
});

export const price = z
  .strictObject({
    model: z.string(),
    ...rates,
    tiers: z
      .array(z.strictObject({ above: whole, ...rates }))
      .readonly()
      .optional(),
    version: z.string().describe("names the price in what is booked at it"),
    source: z.string(),
    as_of: z.string(),
  })
  .meta({ id: "Price", description: "Rates are whole microusd per million tokens." }) satisfies Describes<PriceView>;
export const priceList = z.strictObject({ prices: z.array(price).readonly() });

const webhookFields = {
  id: z.string(),
  url: z.string(),
  types: z.array(z.enum(noticeTypes)).readonly().describe("all, if none is named"),
  pool: z.string().nullable(),
  description: z.string().nullable(),
  created_at: time,
  state: z.enum(["enabled", "disabled"]),
  disabled_reason: z.enum(["gone", "failing"]).nullable(),
  previous_secret_until: time.nullable(),
  failures: whole.describe("failed attempts since the last success"),
  last_success_at: time.nullable(),
  last_failure_at: time.nullable(),
  last_error: z.string().nullable(),
  pending: whole,
};
export const webhook = z.strictObject(webhookFields).meta({ id: "Webhook" }) satisfies Describes<WebhookView>;
export const newWebhook = z
  .strictObject({ ...webhookFields, secret: z.string().describe("shown here and never again") })
  .meta({ id: "NewWebhook" }) satisfies Describes<NewWebhook>;
export const webhookList = z.strictObject({ webhooks: z.array(webhook) });
export const pinged = z.strictObject({ message: z.string() });
export const redelivered = z.strictObject({ redelivering: whole });
const delivery = z
  .strictObject({
    message: z.string().describe("the id that it is sent under, in the header webhook-id"),
    type: z.enum([...noticeTypes, "ping"]),
    pool: z.string().nullable(),
    seq: whole.nullable(),
    at: time,
    state: z.enum(["pending", "delivered", "failed"]),
    attempts: whole,
    next_at: time.nullable(),
    last_at: time.nullable(),
    last_error: z.string().nullable(),
  })
  .meta({ id: "Delivery" }) satisfies Describes<DeliveryView>;
export const deliveryList = z.strictObject({ deliveries: z.array(delivery) });

const tenantFields = { id: z.string(), jurisdiction: z.enum(jurisdictions).nullable(), created_at: time };
const tenant = z.strictObject(tenantFields).meta({ id: "Tenant" }) satisfies Describes<Tenant>;
export const tenantList = z.strictObject({ tenants: z.array(tenant) });

const keyFields = {
  key_id: z.string(),
  scope: z.enum(["admin", "spend", "gateway", "read"]),
  pool: z.string().nullable(),
  agent: z.string().nullable(),
  label: z.string().nullable(),
  created_at: time,
  expires_at: time.nullable(),
  revoked_at: time.nullable(),
};
const keyView = z.strictObject(keyFields).meta({ id: "Key" }) satisfies Describes<KeyView>;
export const keyList = z.strictObject({ keys: z.array(keyView) });
export const newKey = z
  .strictObject({ ...keyFields, key: z.string().describe("shown here and never again") })
  .meta({ id: "NewKey" }) satisfies Describes<NewKey>;
export const newTenant = z.strictObject({ ...tenantFields, key: newKey });
export const revocation = z
  .strictObject({
    key_id: z.string(),
    revoked_at: time,
    pools: z.strictObject({ notified: whole, pending: whole }),
  })
  .meta({ id: "Revocation" }) satisfies Describes<Revocation>;
