/** A reservation on the wire. */
import * as z from "zod";
import { namedAgent } from "./agent.wire.ts";
import {
  type Amounts,
  amount,
  amounts,
  confidence,
  type Describes,
  givenMetadata,
  integer,
  nameSchema,
  onExpiry,
  oneAmount,
  oneAmountMessage,
  positive,
  replayed,
  time,
  ttl,
  withUnit,
} from "./common.wire.ts";
import { limits } from "./limits.ts";
import { metadataBytes } from "./metadata.ts";
import { bookedUsage } from "./price.wire.ts";
import type { ReservationResult, ReservationView, SettlementResult } from "./reservation.ts";

export const metadata = z
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
  )
  .meta({ id: "NewMetadata" });

export const reserveFields = {
  agent: nameSchema,
  ...amounts(positive),
  at_least: positive.optional(),
  ttl_ms: ttl.optional(),
  on_expiry: onExpiry.optional(),
  metadata: metadata.optional(),
  final: z.literal(true).optional(),
};

type ReserveFields = Amounts & { readonly at_least?: number | undefined };

export function checkedReservation<T extends z.ZodType<ReserveFields>>(schema: T) {
  return schema
    .refine(oneAmount, oneAmountMessage)
    .refine((fields) => (fields.at_least ?? 0) <= (fields.tokens ?? fields.microusd ?? 0), {
      path: ["at_least"],
      error: "must not be more than the amount",
    });
}

export const reserveBody = checkedReservation(
  z.strictObject({
    ...reserveFields,
    id: nameSchema.optional(),
    wait_ms: z.int().min(0).max(limits.waitMs).optional(),
  }),
).transform(withUnit);

export const commitFields = { ...amounts(amount), confidence: confidence.optional(), usage: bookedUsage.optional() };

export const commitBody = z.strictObject(commitFields).refine(oneAmount, oneAmountMessage).transform(withUnit);

export const extendFields = { ttl_ms: ttl, on_expiry: onExpiry.optional() };

export const extendBody = z.strictObject(extendFields);

const transfer = z
  .strictObject({
    from: z.string().nullable().describe("an agent, or null: the pool's unallocated budget"),
    amount: integer,
  })
  .meta({ id: "Transfer" });

export const transfers = z.array(transfer).readonly();

export const reservationResultSchema = z
  .strictObject({
    id: z.string(),
    state: z.literal("held"),
    granted: integer,
    expires_at: time,
    on_expiry: onExpiry,
    transfers,
    confidence_path: z
      .string()
      .describe("where the agent's contract says that the answer states its confidence; absent for nowhere")
      .exactOptional(),
    seq: integer,
    agent: namedAgent.nullable(),
    replayed,
  })
  .meta({ id: "Reservation" }) satisfies Describes<ReservationResult>;

export const settlementResultSchema = z
  .strictObject({
    id: z.string(),
    state: z.enum(["committed", "released", "expired"]).meta({ id: "SettlementState" }),
    granted: integer,
    consumed: integer,
    overage: integer,
    transfers,
    late: z.boolean(),
    seq: integer,
    agent: namedAgent.nullable(),
    replayed,
  })
  .meta({ id: "Settlement" }) satisfies Describes<SettlementResult>;

export const reservationViewSchema = z
  .strictObject({
    id: z.string(),
    agent: z.string(),
    state: z.enum(["held", "committed", "released", "expired"]).meta({ id: "ReservationState" }),
    asked: integer,
    granted: integer,
    consumed: integer,
    overage: integer,
    late: z.boolean(),
    created_at: time,
    expires_at: time,
    on_expiry: onExpiry,
    transfers,
    metadata: givenMetadata,
  })
  .meta({ id: "ReservationView" }) satisfies Describes<ReservationView>;
