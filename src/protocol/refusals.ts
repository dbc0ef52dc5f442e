/**
 * The refusals: a closed union, in order of precedence. When several apply, the first of this list is the answer;
 * `docs/protocol.md` lists them in this order and the engine's tests hold it. Every one carries the facts it rests on.
 */
import type { Unit } from "./commands.ts";

export type Refusal =
  | { readonly code: "key_revoked" }
  /** The key expired while its caller waited. */
  | { readonly code: "key_expired" }
  | { readonly code: "tenant_not_found"; readonly tenant: string }
  | { readonly code: "key_not_found"; readonly key_id: string }
  | { readonly code: "webhook_not_found"; readonly webhook: string }
  | { readonly code: "price_not_found"; readonly model: string }
  | { readonly code: "pool_not_found" }
  /** What is stored of the pool is not what was written; `where` is the table and row, `reason` what is wrong there. */
  | { readonly code: "damaged"; readonly where: string; readonly reason: string }
  /** Events up to this one are no longer here; the archive may have them. */
  | { readonly code: "journal_trimmed"; readonly trimmed: number }
  /** This deployment has no archive, or it has nothing of the pool that could be used; `reason` says which. */
  | { readonly code: "archive_not_found"; readonly reason: string }
  /** The gateway has no price for the model, and the pool, which counts microusd, names no fallback. */
  | { readonly code: "model_not_priced"; readonly model: string }
  | { readonly code: "unit_mismatch"; readonly pool_unit: Unit; readonly given_unit: Unit }
  /** The id was used before, with another content; `field` is the first that differs. */
  | { readonly code: "id_reused"; readonly id: string; readonly field: string }
  /** The id's time lies before what is remembered: it may have run already, so it never runs again. */
  | { readonly code: "id_too_old"; readonly id: string }
  | { readonly code: "agent_not_found"; readonly agent: string }
  | { readonly code: "reservation_not_found"; readonly id: string }
  | {
      readonly code: "reservation_settled";
      readonly id: string;
      readonly state: "committed" | "released" | "expired";
      readonly consumed: number;
    }
  | { readonly code: "agent_closing"; readonly agent: string }
  /** `agent` is what was paused: the agent itself or one above it, or null: the pool. */
  | { readonly code: "paused"; readonly agent: string | null }
  | {
      readonly code: "confidence_reached";
      readonly agent: string;
      readonly confidence: number;
      readonly confidence_threshold: number;
    }
  /** The command contradicts what the pool or the agent is; `field` names what, the numbers say by how much. */
  | {
      readonly code: "contract_conflict";
      readonly field: string;
      readonly reason: string;
      readonly needed?: number;
      readonly obtainable?: number;
    }
  /** The agent's contract bounds its reserves a minute; the next minute begins in `retry_after_ms`. */
  | {
      readonly code: "too_many_reserves";
      readonly agent: string;
      readonly max_reserves_per_minute: number;
      readonly retry_after_ms: number;
    }
  /** A limit of `limits.ts`, by its name there. */
  | { readonly code: "limit_reached"; readonly limit: string; readonly maximum: number }
  | {
      readonly code: "budget_exceeded";
      readonly agent: string;
      readonly asked: number;
      readonly at_least: number;
      /** What the agent itself could reserve, before any transfer. */
      readonly available: number;
      /** What unallocated budget and donors could give it now. */
      readonly transferable: number;
      /** What the pool as a whole may still admit. */
      readonly headroom: number;
      /** What the agent could get if every open reservation came back. */
      readonly potential: number;
      /** When the next lease ends, if waiting for it can help. */
      readonly retry_after_ms?: number;
      /** When the budget is filled again, if that will help. */
      readonly resets_at?: number;
      /** What of its budget the agent keeps for a reserve with `final: true`, which this one was not. */
      readonly final_reserve?: number;
    };

export type RefusalCode = Refusal["code"];

export const noArchive: Refusal = {
  code: "archive_not_found",
  reason: "this deployment has none (docs/operations.md)",
};

/** In order of precedence. */
export const refusalCodes = [
  "key_revoked",
  "key_expired",
  "tenant_not_found",
  "key_not_found",
  "webhook_not_found",
  "price_not_found",
  "pool_not_found",
  "damaged",
  "journal_trimmed",
  "archive_not_found",
  "model_not_priced",
  "unit_mismatch",
  "id_reused",
  "id_too_old",
  "agent_not_found",
  "reservation_not_found",
  "reservation_settled",
  "agent_closing",
  "paused",
  "confidence_reached",
  "contract_conflict",
  "too_many_reserves",
  "limit_reached",
  "budget_exceeded",
] as const satisfies readonly RefusalCode[];

/** Limits under which room comes free by itself; any other stays reached until something is deleted or changed. */
const transientLimits: readonly string[] = [
  "openReservations",
  "openReservationsPerAgent",
  "openReservationsBytes",
  "openReservationsBytesPerAgent",
  "waiters",
  "waitersPerAgent",
  "waitersPerReservation",
  "sessions",
  "sessionsPerKey",
  "queuedPerKey",
  "answersLength",
];

/** Whether the same command may succeed later without a change of contract or settings: waiting may help. */
export function isTransient(refusal: Refusal): boolean {
  switch (refusal.code) {
    case "budget_exceeded":
      return refusal.at_least <= refusal.potential;
    case "limit_reached":
      return transientLimits.includes(refusal.limit);
    default:
      return refusal.code === "too_many_reserves";
  }
}
