/** The events of a journal on the wire: a union by type, as `GET …/journal` and sessions give them. */
import * as z from "zod";
import { contractSchema } from "./agent.wire.ts";
import { confidence, type Describes, givenMetadata, integer, onExpiry, signed, time } from "./common.wire.ts";
import type { EventOf, EventType } from "./events.ts";
import { endedLedger, periodSchema } from "./period.wire.ts";
import { settings } from "./pool.wire.ts";
import { bookedUsage } from "./price.wire.ts";
import { refusalCodes } from "./refusals.ts";
import { transfers } from "./reservation.wire.ts";
import { donor } from "./usage.wire.ts";

const agent = z.string();
const orPool = z.string().nullable().describe("null: the pool itself");
const id = z.string();
const source = z.enum(["unallocated", "parent", "issued"]).meta({ id: "BudgetSource" });
const closedLedger = z
  .strictObject({ agents: integer, allocated: integer, consumed: integer })
  .meta({ id: "ClosedLedger" });
const common = { seq: integer, at: time };
const number = { number: integer, starts_at: time };

/** An event with its place in the journal. */
type Journaled<Type extends EventType> = Describes<{ readonly seq: number } & EventOf<Type>>;

const configured = z.strictObject({
  ...common,
  type: z.literal("configured"),
  settings: z.strictObject(settings).meta({ id: "PoolSettings" }),
  unallocated: signed,
  period: periodSchema.exactOptional(),
}) satisfies Journaled<"configured">;
const funded = z.strictObject({
  ...common,
  type: z.literal("funded"),
  id,
  amount: signed,
}) satisfies Journaled<"funded">;
const registered = z.strictObject({
  ...common,
  type: z.literal("registered"),
  agent,
  contract: contractSchema,
  allocated: signed,
  source,
  period: periodSchema.nullable().exactOptional(),
}) satisfies Journaled<"registered">;
const closing = z.strictObject({
  ...common,
  type: z.literal("closing"),
  agent,
  id: id.exactOptional(),
}) satisfies Journaled<"closing">;
const closed = z.strictObject({
  ...common,
  type: z.literal("closed"),
  agent,
  unspent: integer,
  retired: integer,
}) satisfies Journaled<"closed">;
const reopened = z.strictObject({ ...common, type: z.literal("reopened"), agent, id }) satisfies Journaled<"reopened">;
const paused = z.strictObject({ ...common, type: z.literal("paused"), agent: orPool }) satisfies Journaled<"paused">;
const resumed = z.strictObject({ ...common, type: z.literal("resumed"), agent: orPool }) satisfies Journaled<"resumed">;
const reset = z.strictObject({
  ...common,
  type: z.literal("reset"),
  agent,
  id,
  allocated: signed,
  source,
}) satisfies Journaled<"reset">;
const periodStarted = z.strictObject({
  ...common,
  type: z.literal("period_started"),
  id: id.exactOptional(),
  ...number,
  ends_at: time.nullable(),
  total: integer,
  unallocated: integer,
  agents: z
    .array(z.strictObject({ agent, allocated: integer, ended: endedLedger }).meta({ id: "AgentStart" }))
    .readonly(),
  ended: z
    .strictObject({ ...number, ended_at: time, total: integer, consumed: integer, held: integer, closed: closedLedger })
    .meta({ id: "EndedPeriod" }),
}) satisfies Journaled<"period_started">;
const agentPeriodStarted = z.strictObject({
  ...common,
  type: z.literal("agent_period_started"),
  agent,
  ...number,
  ends_at: time.nullable(),
  allocated: signed,
  source,
  ended: z
    .strictObject({ ...number, ended_at: time, allocated: integer, consumed: integer, held: integer })
    .meta({ id: "EndedAgentPeriod" }),
}) satisfies Journaled<"agent_period_started">;
const clockCorrected = z.strictObject({
  ...common,
  type: z.literal("clock_corrected"),
  by: integer,
}) satisfies Journaled<"clock_corrected">;
const warned = { ...common, type: z.literal("warned") };
const warnings = [
  z
    .strictObject({
      ...warned,
      warning: z.literal("threshold"),
      agent: orPool,
      percent: integer,
      consumed: integer,
      budget: integer,
    })
    .meta({ id: "WarningThreshold" }),
  z.strictObject({ ...warned, warning: z.literal("gate_closed"), agent, confidence }).meta({ id: "WarningGateClosed" }),
  z.strictObject({ ...warned, warning: z.literal("overage"), agent, overage: integer }).meta({ id: "WarningOverage" }),
  z
    .strictObject({
      ...warned,
      warning: z.literal("burn_rate"),
      agent: orPool,
      consumed: integer,
      budget: integer,
      exhausts_at: time,
      ends_at: time,
    })
    .meta({ id: "WarningBurnRate" }),
] as const;
const reserved = z.strictObject({
  ...common,
  type: z.literal("reserved"),
  id,
  agent,
  asked: integer,
  granted: integer,
  expires_at: time,
  on_expiry: onExpiry,
  transfers,
  at_least: integer.exactOptional(),
  ttl_ms: integer.exactOptional(),
  metadata: givenMetadata.exactOptional(),
  final: z.literal(true).exactOptional(),
}) satisfies Journaled<"reserved">;
const committed = z.strictObject({
  ...common,
  type: z.literal("committed"),
  id,
  amount: integer,
  transfers,
  overage: integer,
  confidence: confidence.exactOptional(),
  usage: bookedUsage.exactOptional(),
  late: z.literal(true).exactOptional(),
}) satisfies Journaled<"committed">;
const released = z.strictObject({ ...common, type: z.literal("released"), id }) satisfies Journaled<"released">;
const extended = z.strictObject({
  ...common,
  type: z.literal("extended"),
  id,
  expires_at: time,
  on_expiry: onExpiry,
}) satisfies Journaled<"extended">;
const expired = z.strictObject({
  ...common,
  type: z.literal("expired"),
  id,
  charged: integer,
}) satisfies Journaled<"expired">;
const recorded = z.strictObject({
  ...common,
  type: z.literal("recorded"),
  id,
  agent,
  amount: integer,
  transfers,
  overage: integer,
  confidence: confidence.exactOptional(),
  usage: bookedUsage.exactOptional(),
  metadata: givenMetadata.exactOptional(),
}) satisfies Journaled<"recorded">;
const reallocated = z.strictObject({
  ...common,
  type: z.literal("reallocated"),
  id,
  agent,
  asked: integer,
  transfers,
  donors: z.array(donor).readonly(),
}) satisfies Journaled<"reallocated">;
const refused = z.strictObject({
  ...common,
  type: z.literal("refused"),
  op: z.string(),
  agent: z.string().nullable(),
  code: z.enum(refusalCodes).meta({ id: "RefusalCode" }),
}) satisfies Journaled<"refused">;

/** A schema for each type: a type without one does not compile. */
const byType = {
  configured,
  funded,
  registered,
  closing,
  closed,
  reopened,
  paused,
  resumed,
  reset,
  period_started: periodStarted,
  agent_period_started: agentPeriodStarted,
  clock_corrected: clockCorrected,
  warned: z.discriminatedUnion("warning", warnings) satisfies Journaled<"warned">,
  reserved,
  committed,
  released,
  extended,
  expired,
  recorded,
  reallocated,
  refused,
} satisfies { readonly [Type in EventType]: Journaled<Type> };

const named = Object.entries(byType).map(([type, schema]) =>
  schema.meta({ id: `Event${type.replaceAll(/(^|_)(\w)/g, (_all, _mark, letter: string) => letter.toUpperCase())}` }),
);

/** Any event. */
export const eventSchema = z
  .discriminatedUnion("type", named as [(typeof named)[number], ...typeof named])
  .meta({ id: "Event", description: "One of the events, by its `type`. A later version may add types." });
