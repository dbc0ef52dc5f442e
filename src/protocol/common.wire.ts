/**
 * Schemas that several nouns share. Every object is strict: a field that we do not know is a mistake of the caller's that
 * would otherwise go unnoticed. What validates a request also types it and documents it.
 */
import * as z from "zod";
import { limits } from "./limits.ts";
import { messageFor } from "./messages.ts";
import type { Unit } from "./unit.ts";

z.config({ customError: messageFor });

/** Breaks the build where a schema gives something else than `T`. */
export type Describes<T> = z.ZodType<T>;

/** Names and ids: letters, digits and `._:-`, so that they need no escaping in URLs, logs or headers. */
export const nameSchema = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,128}$/, `must be 1 to ${limits.idLength} letters, digits, or . _ : -`)
  .refine((text) => text !== "." && text !== "..", "must not be . or .., which no URL can carry");

/** Models' names are their providers': `gpt-6-sol`, `ft:gpt-4o-2024-08-06:org::id`, `meta-llama/Llama-4`. */
export const modelNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9._:@/-]{1,256}$/, `must be 1 to ${limits.modelLength} letters, digits, or . _ : @ / -`);

export const amount = z.int().min(0).max(limits.amount);

export const positive = z.int().min(1).max(limits.amount);

export const ttl = z.int().min(limits.ttlMsMin).max(limits.ttlMs);

export const confidence = z.number().min(0).max(1);

/** Milliseconds since 1970. */
export const moment = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

export const label = z.string().min(1).max(limits.labelLength);

export type Amounts = { readonly tokens?: number | undefined; readonly microusd?: number | undefined };

/** The fields of an amount: exactly one of them must be there, and its name says the unit. */
export const amounts = (schema: z.ZodNumber) => ({ tokens: schema.optional(), microusd: schema.optional() });

export const oneAmount = (fields: Amounts): boolean =>
  (fields.tokens === undefined) !== (fields.microusd === undefined);

export const oneAmountMessage = { path: ["tokens"], error: "give the amount once: as tokens, or as microusd" };

export function withUnit<T extends Amounts>({ tokens, microusd, ...rest }: T) {
  const unit: Unit = tokens === undefined ? "microusd" : "tokens";
  return { ...rest, amount: tokens ?? microusd ?? 0, unit };
}

/** Body of a route whose command takes nothing but an optional id. */
export const idBody = z.strictObject({ id: nameSchema.optional() });

export const emptyBody = z.strictObject({});

/** Numbers in a query string come as text; to a client they are numbers, and the document says so. */
export const queryInteger = (max: number) =>
  z
    .string()
    .refine((text) => /^\d{1,16}$/.test(text), "must be a whole number")
    .meta({ override: { type: "integer", minimum: 0, maximum: max } })
    .transform(Number)
    .refine((value) => value <= max, `must be at most ${max}`);

/** A flag in a query string. */
export const queryFlag = z
  .enum(["true", "false"])
  .meta({
    override: ({ jsonSchema }) => {
      delete jsonSchema.enum;
      jsonSchema.type = "boolean";
    },
  })
  .transform((text) => text === "true");

export const listQuery = z.strictObject({ after: nameSchema.optional(), limit: queryInteger(1_000).optional() });

export const emptyQuery = z.strictObject({});

export const integer = z.int().min(0);

export const signed = z.int();

export const time = z.int().min(0).describe("milliseconds since 1970, by the server's clock");

export const unit = z.enum(["tokens", "microusd"]).meta({ id: "Unit" });

export const gate = z.enum(["open", "closed"]).meta({ id: "Gate" });

/** Labels as answers and events give them; what a request may give is bounded (`reservation.wire.ts`). */
export const givenMetadata = z.record(z.string(), z.string()).meta({ id: "Metadata" });

export const replayed = z
  .literal(true)
  .exactOptional()
  .describe("the id was used before with the same content: nothing ran again");

export const onExpiry = z.enum(["release", "charge"]).meta({ id: "OnExpiry" });

export const deletedSchema = z.strictObject({ deleted: z.literal(true) }).meta({ id: "Deleted" });
