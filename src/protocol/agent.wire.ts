/** An agent on the wire. */
import * as z from "zod";
import type {
  AgentChangeResult,
  AgentDetail,
  AgentResult,
  AgentView,
  CloseResult,
  Contract,
  PauseResult,
} from "./agent.ts";
import { amount, confidence, type Describes, gate, integer, nameSchema, replayed, signed } from "./common.wire.ts";
import { limits } from "./limits.ts";
import { periodSchema, refillRule, refillRuleSchema } from "./period.wire.ts";
import type { Unit } from "./unit.ts";

/** A JSON pointer into the answer, or the name of a header of the response. */
const confidencePath = z
  .string()
  .max(limits.confidencePathLength)
  .regex(/^(\/.*|[A-Za-z0-9-]+)$/, "must be a JSON pointer such as /confidence, or the name of a header");

export const contractFields = {
  priority: z.int().min(0).max(limits.priority),
  max_tokens: amount.optional(),
  max_microusd: amount.optional(),
  min_reserve: amount.optional(),
  confidence_threshold: confidence.nullable().optional(),
  confidence_path: confidencePath.nullable().optional(),
  ceiling: amount.nullable().optional(),
  parent: nameSchema.nullable().optional(),
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
export function checkedContract<T extends z.ZodType<ContractFields>>(schema: T) {
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

export function withMax<T extends ContractFields>({ max_tokens, max_microusd, ...rest }: T) {
  const unit: Unit = max_tokens === undefined ? "microusd" : "tokens";
  return { ...rest, max: max_tokens ?? max_microusd ?? 0, unit };
}

export const registerBody = checkedContract(z.strictObject(contractFields)).transform(withMax);

const ledger = {
  priority: integer,
  allocated: integer,
  consumed: integer,
  held: integer,
  remaining: signed.describe("allocated − consumed"),
  available: signed.describe("remaining − held; below zero after an overage"),
  min_reserve: integer,
  overage: integer,
  gate,
  confidence: confidence.nullable(),
};

export const agentViewSchema = z.strictObject(ledger).meta({ id: "LedgerEntry" }) satisfies Describes<AgentView>;

export const namedAgent = z.strictObject({ name: z.string(), ...ledger }).meta({ id: "Agent" });

export const contractSchema = z
  .strictObject({
    priority: integer,
    max: integer,
    min_reserve: integer,
    confidence_threshold: confidence.nullable(),
    ceiling: integer.nullable(),
    parent: z.string().nullable(),
    confidence_path: z.string().nullable(),
    final_reserve: integer,
    max_reserves_per_minute: integer.nullable(),
    refill: refillRuleSchema.nullable(),
  })
  .meta({ id: "Contract" }) satisfies Describes<Contract>;

export const agentDetailSchema = z
  .strictObject({
    name: z.string(),
    ...ledger,
    contract: contractSchema,
    period: periodSchema.nullable(),
    closing: z.boolean(),
    paused: z.boolean(),
    open_reservations: integer,
    sub_agents: integer,
  })
  .meta({ id: "AgentDetail" }) satisfies Describes<AgentDetail>;

export const agentResultSchema = z
  .strictObject({ seq: integer, agent: agentDetailSchema })
  .meta({ id: "AgentResult" }) satisfies Describes<AgentResult>;

export const closeResultSchema = z
  .strictObject({
    seq: integer,
    state: z.enum(["closing", "closed"]).meta({ id: "CloseState" }),
    agent: agentDetailSchema.nullable(),
  })
  .meta({ id: "CloseResult" }) satisfies Describes<CloseResult>;

export const pauseResultSchema = z
  .strictObject({ seq: integer, paused: z.boolean(), agent: agentDetailSchema.nullable() })
  .meta({ id: "PauseResult" }) satisfies Describes<PauseResult>;

export const agentChangeResultSchema = z
  .strictObject({ id: z.string(), seq: integer, agent: namedAgent.nullable(), replayed })
  .meta({ id: "AgentChangeResult" }) satisfies Describes<AgentChangeResult>;
