/**
 * The wire, in one place: what validates a request also types it and documents it. Every object is strict: a field
 * that we do not know is a mistake of the caller's that would otherwise go unnoticed. Parsing gives the engine's
 * command, with the amount's unit told apart from its number.
 */
import * as z from "zod";
import { type Command, commandTraits, type Unit } from "./commands.ts";
import { limits } from "./limits.ts";
import { messageFor } from "./messages.ts";
import { metadataBytes } from "./metadata.ts";
import { weekdays } from "./refill.ts";
import { jurisdictions } from "./tenants.ts";
import { noticeTypes } from "./webhooks.ts";

z.config({ customError: messageFor });

/** Names and ids: letters, digits and `._:-`, so that they need no escaping in URLs, logs or headers. */
export const name = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,128}$/, `must be 1 to ${limits.idLength} letters, digits, or . _ : -`)
  .refine((text) => text !== "." && text !== "..", "must not be . or .., which no URL can carry");

/** Models' names are their providers': `gpt-6-sol`, `ft:gpt-4o-2024-08-06:org::id`, `meta-llama/Llama-4`. */
export const modelName = z
  .string()
  .regex(/^[A-Za-z0-9._:@/-]{1,256}$/, `must be 1 to ${limits.modelLength} letters, digits, or . _ : @ / -`);

const amount = z.int().min(0).max(limits.amount);
const positive = z.int().min(1).max(limits.amount);
const ttl = z.int().min(limits.ttlMsMin).max(limits.ttlMs);
const confidence = z.number().min(0).max(1);
/** A JSON pointer into the answer, or the name of a header of the response. */
const confidencePath = z
  .string()
  .max(limits.confidencePathLength)
  .regex(/^(\/.*|[A-Za-z0-9-]+)$/, "must be a JSON pointer such as /confidence, or the name of a header");
/** Milliseconds since 1970. */
const moment = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const onExpiry = z.enum(["release", "charge"]);
const metadata = z
  .record(
    z.string().regex(/^[A-Za-z0-9._:-]{1,64}$/, `must be 1 to ${limits.metadataKeyLength} letters, digits, or . _ : -`),
    z.string().max(limits.metadataValueLength),
  )
  .refine(
    (labels) => Object.keys(labels).length <= limits.metadataKeys,
    `must have at most ${limits.metadataKeys} keys`,
  )
  .refine(
    (labels) => metadataBytes(labels) <= limits.metadataBytes,
    `must take at most ${limits.metadataBytes} bytes as JSON`,
  );

/** A name of the IANA database. What it names must be known here: a period's end is computed from it for years. */
const timeZone = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9._+/-]{0,63}$/, "must be an IANA time zone, such as Europe/Berlin")
  .refine(isTimeZone, "is not a time zone of the IANA database");

function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone }).format();
    return true;
  } catch {
    return false;
  }
}

const rollover = z.enum(["none", "unspent", "capped"]);

/** The kinds of rules, each with what `more` says. */
const rule = <More extends z.ZodRawShape>(more: More) =>
  z.discriminatedUnion("every", [
    z.strictObject({ every: z.literal("day"), time_zone: timeZone.optional(), ...more }),
    z.strictObject({
      every: z.literal("week"),
      starts_on: z.enum(weekdays).optional(),
      time_zone: timeZone.optional(),
      ...more,
    }),
    z.strictObject({ every: z.literal("month"), time_zone: timeZone.optional(), ...more }),
    z.strictObject({
      every: z.literal("hours"),
      hours: z.int().min(1).max(limits.refillHours),
      from: moment.optional(),
      ...more,
    }),
  ]);

const refillRule = rule({});
const poolRefill = rule({
  rollover: rollover.optional(),
  rollover_cap: z.int().min(0).max(limits.total).optional(),
}).refine(({ rollover, rollover_cap }) => (rollover === "capped") === (rollover_cap !== undefined), {
  path: ["rollover_cap"],
  error: "goes with rollover: capped, and only with that",
});

const warnAt = z
  .array(z.int().min(1).max(100))
  .max(limits.warnings)
  .refine((percentages) => percentages.every((percent, at) => percent > (percentages[at - 1] ?? 0)), "must rise");

type Amounts = { readonly tokens?: number | undefined; readonly microusd?: number | undefined };

/** The fields of an amount: exactly one of them must be there, and its name says the unit. */
const amounts = (schema: z.ZodNumber) => ({ tokens: schema.optional(), microusd: schema.optional() });

const oneAmount = (fields: Amounts): boolean => (fields.tokens === undefined) !== (fields.microusd === undefined);
const oneAmountMessage = { path: ["tokens"], error: "give the amount once: as tokens, or as microusd" };

function withUnit<T extends Amounts>({ tokens, microusd, ...rest }: T) {
  const unit: Unit = tokens === undefined ? "microusd" : "tokens";
  return { ...rest, amount: tokens ?? microusd ?? 0, unit };
}

const label = z.string().min(1).max(limits.labelLength);

export const tenantBody = z.strictObject({ id: name, jurisdiction: z.enum(jurisdictions).optional() });
export const operatorKeyBody = z.strictObject({ label: label.optional(), expires_at: moment.optional() });
export const keyBody = z
  .strictObject({
    scope: z.enum(["admin", "spend", "gateway", "read"]),
    pool: name.optional(),
    agent: name.optional(),
    label: label.optional(),
    expires_at: moment.optional(),
  })
  .refine((fields) => fields.scope !== "admin" || fields.agent === undefined, {
    path: ["agent"],
    error: "can't be given with scope admin: an admin key manages contracts and is bound to no agent",
  });

export const webhookBody = z.strictObject({
  url: z.string().min(1).max(limits.webhookUrlLength),
  types: z.array(z.enum(noticeTypes)).max(noticeTypes.length).optional(),
  pool: name.optional(),
  description: z.string().min(1).max(limits.labelLength).optional(),
});
export const redeliverBody = z
  .strictObject({ message: name.optional(), since: moment.optional() })
  .refine((fields) => (fields.message === undefined) !== (fields.since === undefined), {
    path: ["message"],
    error: "name one message, or since when all that did not arrive are sent again",
  });

/** Dollars per token, times 10^12. Dearer than $1,000 a million tokens is a slip, and products would pass 2^53. */
const rate = z.int().min(0).max(limits.rate);
const ratesFields = {
  input: rate,
  output: rate,
  cache_read: rate.optional(),
  cache_write: rate.optional(),
  cache_write_1h: rate.optional(),
};

export const priceBody = z.strictObject({
  ...ratesFields,
  tiers: z
    .array(z.strictObject({ above: z.int().min(1).max(limits.amount), ...ratesFields }))
    .max(limits.priceTiers)
    .refine((tiers) => tiers.every(({ above }, at) => above > (tiers[at - 1]?.above ?? 0)), "must rise by above")
    .optional(),
});

const bookedUsage = z.strictObject({
  provider: z.string().min(1).max(limits.labelLength).optional(),
  model: z.string().min(1).max(limits.modelLength).optional(),
  input: amount,
  output: amount,
  cache_read: amount.optional(),
  cache_write: amount.optional(),
  cache_write_1h: amount.optional(),
  reasoning: amount.optional(),
  estimated: z.literal(true).optional(),
  price: z.strictObject({ ...ratesFields, version: z.string().min(1).max(limits.labelLength) }).optional(),
});

export const configureBody = z.strictObject({
  unit: z.enum(["tokens", "microusd"]).optional(),
  budget: z.int().min(0).max(limits.total).nullable().optional(),
  equal_priority_donates: z.boolean().optional(),
  default_ttl_ms: ttl.optional(),
  journal_refusals: z.boolean().optional(),
  fallback_price: z.strictObject(ratesFields).nullable().optional(),
  refill: poolRefill.nullable().optional(),
  warn_at: warnAt.optional(),
  journal_days: z.int().min(1).max(limits.journalDays).nullable().optional(),
  location_hint: z.enum(["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"]).optional(),
});

const fundFields = amounts(z.int().min(-limits.total).max(limits.total));
export const fundBody = z
  .strictObject({ ...fundFields, id: name.optional() })
  .refine(oneAmount, oneAmountMessage)
  .transform(withUnit);

const contractFields = {
  priority: z.int().min(0).max(limits.priority),
  max_tokens: amount.optional(),
  max_microusd: amount.optional(),
  min_reserve: amount.optional(),
  confidence_threshold: confidence.nullable().optional(),
  confidence_path: confidencePath.nullable().optional(),
  ceiling: amount.nullable().optional(),
  parent: name.nullable().optional(),
  final_reserve: amount.optional(),
  max_reserves_per_minute: z.int().min(1).max(limits.reservesPerMinute).nullable().optional(),
  refill: refillRule.nullable().optional(),
};

type ContractFields = {
  readonly max_tokens?: number | undefined;
  readonly max_microusd?: number | undefined;
  readonly min_reserve?: number | undefined;
  readonly ceiling?: number | null | undefined;
  readonly final_reserve?: number | undefined;
};

const maxOf = (fields: ContractFields): number => fields.max_tokens ?? fields.max_microusd ?? 0;

/** Checks that hold between the fields of a contract. */
function contract<T extends z.ZodType<ContractFields>>(schema: T) {
  return schema
    .refine((fields) => (fields.max_tokens === undefined) !== (fields.max_microusd === undefined), {
      path: ["max_tokens"],
      error: "give the allocation once: as max_tokens, or as max_microusd",
    })
    .refine((fields) => (fields.min_reserve ?? 0) <= maxOf(fields), {
      path: ["min_reserve"],
      error: "must not be more than the allocation",
    })
    .refine((fields) => (fields.final_reserve ?? 0) <= maxOf(fields), {
      path: ["final_reserve"],
      error: "must not be more than the allocation",
    })
    .refine((fields) => (fields.ceiling ?? limits.amount) >= maxOf(fields), {
      path: ["ceiling"],
      error: "must not be less than the allocation",
    });
}

function withMax<T extends ContractFields>({ max_tokens, max_microusd, ...rest }: T) {
  const unit: Unit = max_tokens === undefined ? "microusd" : "tokens";
  return { ...rest, max: max_tokens ?? max_microusd ?? 0, unit };
}

export const registerBody = contract(z.strictObject(contractFields)).transform(withMax);

/** Body of a route whose command takes nothing but an optional id. */
export const idBody = z.strictObject({ id: name.optional() });
export const emptyBody = z.strictObject({});

const reserveFields = {
  agent: name,
  ...amounts(positive),
  at_least: positive.optional(),
  ttl_ms: ttl.optional(),
  on_expiry: onExpiry.optional(),
  metadata: metadata.optional(),
  final: z.literal(true).optional(),
};

type ReserveFields = Amounts & { readonly at_least?: number | undefined };

function reservation<T extends z.ZodType<ReserveFields>>(schema: T) {
  return schema
    .refine(oneAmount, oneAmountMessage)
    .refine((fields) => (fields.at_least ?? 0) <= (fields.tokens ?? fields.microusd ?? 0), {
      path: ["at_least"],
      error: "must not be more than the amount",
    });
}

export const reserveBody = reservation(
  z.strictObject({ ...reserveFields, id: name.optional(), wait_ms: z.int().min(0).max(limits.waitMs).optional() }),
).transform(withUnit);

const commitFields = { ...amounts(amount), confidence: confidence.optional(), usage: bookedUsage.optional() };
export const commitBody = z.strictObject(commitFields).refine(oneAmount, oneAmountMessage).transform(withUnit);

const extendFields = { ttl_ms: ttl, on_expiry: onExpiry.optional() };
export const extendBody = z.strictObject(extendFields);

const recordFields = {
  agent: name,
  ...amounts(amount),
  confidence: confidence.optional(),
  metadata: metadata.optional(),
  usage: bookedUsage.optional(),
};
export const recordBody = z
  .strictObject({ ...recordFields, id: name.optional() })
  .refine(oneAmount, oneAmountMessage)
  .transform(withUnit);

const reallocateFields = { agent: name, ...amounts(positive), dry_run: z.boolean().optional() };
export const reallocateBody = z
  .strictObject({ ...reallocateFields, id: name.optional() })
  .refine(oneAmount, oneAmountMessage)
  .transform(withUnit);

/** A command as batches and sessions carry it: its verb, and everything that a route would have in its path. */
export const batchCommand = z.discriminatedUnion("op", [
  reservation(z.strictObject({ op: z.literal("reserve"), id: name.optional(), ...reserveFields })).transform(withUnit),
  z
    .strictObject({ op: z.literal("commit"), id: name, ...commitFields })
    .refine(oneAmount, oneAmountMessage)
    .transform(withUnit),
  z.strictObject({ op: z.literal("release"), id: name }),
  z.strictObject({ op: z.literal("extend"), id: name, ...extendFields }),
  z
    .strictObject({ op: z.literal("record"), id: name.optional(), ...recordFields })
    .refine(oneAmount, oneAmountMessage)
    .transform(withUnit),
  z
    .strictObject({ op: z.literal("reallocate"), id: name.optional(), ...reallocateFields })
    .refine(oneAmount, oneAmountMessage)
    .transform(withUnit),
  z
    .strictObject({ op: z.literal("fund"), id: name.optional(), ...fundFields })
    .refine(oneAmount, oneAmountMessage)
    .transform(withUnit),
  contract(z.strictObject({ op: z.literal("register"), agent: name, ...contractFields })).transform(withMax),
  z.strictObject({ op: z.literal("close"), agent: name, id: name.optional() }),
  z.strictObject({ op: z.literal("reopen"), agent: name, id: name.optional() }),
  z.strictObject({ op: z.literal("reset"), agent: name, id: name.optional() }),
  z.strictObject({ op: z.literal("reset_period"), id: name.optional() }),
  z.strictObject({ op: z.literal("pause"), agent: name.nullable() }),
  z.strictObject({ op: z.literal("resume"), agent: name.nullable() }),
]);

/** A command that may come without an id, as its route may. */
type BatchCommand = z.output<typeof batchCommand>;

/** The commands, each with an id: its own, or what `idFor` gives for its place. */
export function withIds(commands: readonly BatchCommand[], idFor: (index: number) => string): Command[] {
  return commands.map((command, index) => {
    const isWhole = ("id" in command && command.id !== undefined) || !commandTraits[command.op].hasId;
    return (isWhole ? command : { ...command, id: idFor(index) }) as Command;
  });
}

export const batchBody = z.strictObject({ commands: z.array(batchCommand).min(1).max(limits.batch) });

const frameId = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

/** A session's frame: commands, in order. `wait_ms` lets a lone reserve wait in line; its reply comes when it comes. */
export const commandsFrame = z
  .strictObject({
    id: frameId,
    commands: z.array(batchCommand).min(1).max(limits.batch),
    wait_ms: z.int().min(1).max(limits.waitMs).optional(),
  })
  .refine(
    ({ commands, wait_ms }) => wait_ms === undefined || (commands.length === 1 && commands[0]?.op === "reserve"),
    {
      path: ["wait_ms"],
      error: "goes with one reserve and nothing else",
    },
  );
/** A session's frame: show me what happens after this event. */
export const subscribeFrame = z.strictObject({ id: frameId, subscribe: z.strictObject({ after: frameId }) });
/** A session's frame: I have seen up to this event. It is not answered. */
export const ackFrame = z.strictObject({ ack: frameId });

/** Numbers in a query string come as text. */
const whole = (max: number) =>
  z
    .string()
    .regex(/^\d{1,16}$/, "must be a whole number")
    .transform(Number)
    .refine((value) => value <= max, `must be at most ${max}`);

export const journalQuery = z.strictObject({
  after: whole(Number.MAX_SAFE_INTEGER).optional(),
  limit: whole(limits.journalPage).optional(),
});
export const periodsQuery = z.strictObject({
  agent: name.optional(),
  before: whole(Number.MAX_SAFE_INTEGER).optional(),
  limit: whole(limits.periodPage).optional(),
});
export const snapshotQuery = z.strictObject({
  page: z
    .string()
    .regex(/^\d{1,16}\.\d{1,6}$/, "must be what `next` of the page before says")
    .optional(),
});
export const exportQuery = z.strictObject({
  after: whole(Number.MAX_SAFE_INTEGER).optional(),
  until: whole(Number.MAX_SAFE_INTEGER).optional(),
});
export const removeQuery = z.strictObject({ force: z.enum(["true", "false"]).optional() });
export const deliveriesQuery = z.strictObject({ before: name.optional(), limit: whole(1_000).optional() });
export const listQuery = z.strictObject({ after: name.optional(), limit: whole(1_000).optional() });
export const metricsQuery = z.strictObject({ after: name.optional(), limit: whole(limits.metricsPage).optional() });
export const modelsQuery = z.strictObject({ after: modelName.optional(), limit: whole(1_000).optional() });
export const emptyQuery = z.strictObject({});
