/**
 * Why a command or a read is refused. A refusal is a value: a stable code, and the facts that the decision rests on.
 * `Facts` says what those are, `refusals` everything else that there is to say of a code; a new refusal is a line in each.
 */
import { brief } from "./amounts.ts";
import type { Unit } from "./unit.ts";

/** The facts of each refusal, by its code. */
type Facts = {
  readonly key_revoked: unknown;
  /** The key expired while its caller waited. */
  readonly key_expired: unknown;
  readonly tenant_not_found: { readonly tenant: string };
  readonly key_not_found: { readonly key_id: string };
  readonly webhook_not_found: { readonly webhook: string };
  readonly price_not_found: { readonly model: string };
  readonly pool_not_found: unknown;
  /** What is stored of the pool is not what was written; `where` is the table and row, `reason` what is wrong there. */
  readonly damaged: { readonly where: string; readonly reason: string };
  /** Events up to this one are no longer here; the archive may have them. */
  readonly journal_trimmed: { readonly trimmed: number };
  /** This deployment has no archive, or it has nothing of the pool that could be used; `reason` says which. */
  readonly archive_not_found: { readonly reason: string };
  /** The gateway has no price for the model, and the pool, which counts microusd, names no fallback. */
  readonly model_not_priced: { readonly model: string };
  readonly unit_mismatch: { readonly pool_unit: Unit; readonly given_unit: Unit };
  /** The id was used before, with another content; `field` is the first that differs. */
  readonly id_reused: { readonly id: string; readonly field: string };
  /** The id's time lies before what is remembered: it may have run already, so it never runs again. */
  readonly id_too_old: { readonly id: string };
  readonly agent_not_found: { readonly agent: string };
  readonly reservation_not_found: { readonly id: string };
  readonly reservation_settled: {
    readonly id: string;
    readonly state: "committed" | "released" | "expired";
    readonly consumed: number;
  };
  readonly agent_closing: { readonly agent: string };
  /** `agent` is what was paused: the agent itself or one above it, or null: the pool. */
  readonly paused: { readonly agent: string | null };
  readonly confidence_reached: {
    readonly agent: string;
    readonly confidence: number;
    readonly confidence_threshold: number;
  };
  /** The command contradicts what the pool or the agent is; `field` names what, the numbers say by how much. */
  readonly contract_conflict: {
    readonly field: string;
    readonly reason: string;
    readonly needed?: number;
    readonly obtainable?: number;
  };
  /** The agent's contract bounds its reserves a minute; the next minute begins in `retry_after_ms`. */
  readonly too_many_reserves: {
    readonly agent: string;
    readonly max_reserves_per_minute: number;
    readonly retry_after_ms: number;
  };
  /** A limit of `limits.ts`, by its name there. */
  readonly limit_reached: { readonly limit: string; readonly maximum: number };
  readonly budget_exceeded: {
    readonly agent: string;
    /** Of the amounts. */
    readonly unit: Unit;
    readonly asked: number;
    readonly at_least: number;
    /** What the agent itself could reserve, before any transfer. */
    readonly available: number;
    /** What the unallocated budget and donors could give it now. */
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
};

export type RefusalCode = keyof Facts;
export type RefusalOf<Code extends RefusalCode> = { readonly code: Code } & Facts[Code];
export type Refusal = { [Code in RefusalCode]: RefusalOf<Code> }[RefusalCode];

/** What comes of a command or a read. */
export type Result<T> = { readonly ok: true; readonly result: T } | { readonly ok: false; readonly refusal: Refusal };

type Entry<Code extends RefusalCode> = {
  /** SDKs repeat 408, 409, 429 and 5xx by themselves: a refusal to spend is 402, so that they do not. */
  readonly status: 400 | 401 | 402 | 404 | 409 | 410 | 422 | 429 | 500;
  /** Whether the same command may succeed later though nothing is changed: waiting helps. Left out: it never does. */
  readonly isTransient?: (refusal: RefusalOf<Code>) => boolean;
  /** Says it to a person, with what to do next. Programs read the code and the facts. */
  readonly sentence: (refusal: RefusalOf<Code>) => string;
};

/** In order of precedence: when several apply, the first is the answer. `docs/reference/errors.md` lists them so. */
const refusals: { readonly [Code in RefusalCode]: Entry<Code> } = {
  key_revoked: {
    status: 401,
    sentence: () => "This key was revoked. Ask the person who gave it to you for a new one.",
  },
  key_expired: { status: 401, sentence: () => "This key has expired. Ask for a new one." },
  tenant_not_found: {
    status: 404,
    sentence: ({ tenant }) => `There is no tenant ${tenant}. Create it with POST /v1/tenants.`,
  },
  key_not_found: {
    status: 404,
    sentence: ({ key_id }) => `There is no key ${key_id}. GET /v1/keys lists them by their ids.`,
  },
  webhook_not_found: {
    status: 404,
    sentence: ({ webhook }) => `There is no webhook ${webhook}. GET /v1/webhooks lists them by their ids.`,
  },
  price_not_found: {
    status: 404,
    sentence: ({ model }) =>
      `No price is configured for ${model}. GET /v1/prices lists the prices; PUT /v1/prices/{model} sets one.`,
  },
  pool_not_found: { status: 404, sentence: () => "There is no such pool. Create it with PUT /v1/pools/{pool}." },
  damaged: {
    status: 500,
    sentence: ({ where, reason }) =>
      `This pool can't be used: what is stored of it is damaged (${where}: ${reason}). Nothing is spent from it. GET …/audit says what is wrong; POST …/restore brings it back from the archive; DELETE with force=true removes it.`,
  },
  journal_trimmed: {
    status: 410,
    sentence: ({ trimmed }) =>
      `The journal up to event ${trimmed} is no longer here. Ask for what comes after it; the archive may have the rest.`,
  },
  archive_not_found: { status: 404, sentence: ({ reason }) => `The archive can't be used: ${reason}.` },
  model_not_priced: {
    status: 400,
    sentence: ({ model }) =>
      `No price is configured for ${model}, so a pool that counts dollars can't pay for it. An admin can set its price, or a fallback price for the pool.`,
  },
  unit_mismatch: {
    status: 422,
    sentence: ({ pool_unit, given_unit }) =>
      `This pool counts ${pool_unit}, not ${given_unit}; a pool's unit can't be changed.`,
  },
  id_reused: {
    status: 422,
    sentence: ({ id, field }) => `The id ${id} was used before with another ${field}. Use a new id for a new request.`,
  },
  id_too_old: {
    status: 410,
    sentence: ({ id }) => `The id ${id} is older than what is remembered, so it may have run already. Make a new id.`,
  },
  agent_not_found: {
    status: 404,
    sentence: ({ agent }) =>
      `There is no agent ${agent} in this pool. Register it with PUT /v1/pools/{pool}/agents/{agent}.`,
  },
  reservation_not_found: {
    status: 404,
    sentence: ({ id }) =>
      `There is no reservation ${id} in this pool. Usage without one is recorded with POST …/usage.`,
  },
  reservation_settled: {
    status: 409,
    sentence: ({ id, state, consumed }) =>
      `The reservation ${id} is ${state} with ${consumed} booked. Further usage is recorded with POST …/usage.`,
  },
  agent_closing: {
    status: 402,
    sentence: ({ agent }) => `The agent ${agent} is closing and takes no more work.`,
  },
  paused: {
    status: 402,
    sentence: ({ agent }) =>
      `${agent === null ? "The pool" : `The agent ${agent}`} is paused: nothing new is reserved until it is resumed.`,
  },
  confidence_reached: {
    status: 402,
    sentence: ({ agent, confidence, confidence_threshold }) =>
      `The agent ${agent} reported a confidence of ${confidence}, its threshold is ${confidence_threshold}: the job is done. For a new task, reopen its gate.`,
  },
  contract_conflict: { status: 409, sentence: ({ field, reason }) => `Conflict on ${field}: ${reason}.` },
  too_many_reserves: {
    status: 402,
    isTransient: () => true,
    sentence: ({ agent, max_reserves_per_minute, retry_after_ms }) =>
      `The agent ${agent} may reserve ${max_reserves_per_minute} times a minute and has done so: look for a loop. It may again in ${Math.ceil(retry_after_ms / 1_000)} s.`,
  },
  limit_reached: {
    status: 429,
    isTransient: ({ limit }) => transientLimits.includes(limit),
    sentence: ({ limit, maximum }) => `The limit ${limit} of ${maximum} is reached.${adviceFor(limit)}`,
  },
  budget_exceeded: {
    status: 402,
    isTransient: ({ at_least, potential }) => at_least <= potential,
    sentence: ({ agent, unit, at_least, available, transferable, headroom, potential, final_reserve, resets_at }) => {
      // The unit is said once.
      const amount = (one: number): string => brief(Math.max(0, one), unit).replace(" tokens", "");
      const kept =
        final_reserve === undefined ? "" : ` It keeps ${amount(final_reserve)} for its last call (final: true).`;
      const held =
        at_least <= potential ? " Calls that are running hold the rest, which comes back when they end." : "";
      const filled =
        resets_at === undefined
          ? ""
          : ` The budget is filled again at ${new Date(resets_at).toISOString().replace(/\.\d+/, "")}.`;
      const raise = held + filled === "" ? " An admin can raise the agent's maximum or the pool's budget." : "";
      return `The agent ${agent} needs ${brief(at_least, unit, "up")}: it has ${amount(available)} available, others can give ${amount(transferable)}, the pool can admit ${amount(headroom)}.${kept}${held}${filled}${raise}`;
    },
  },
};

/** In order of precedence. */
export const refusalCodes = Object.keys(refusals) as readonly RefusalCode[] as readonly [RefusalCode, ...RefusalCode[]];

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

/** What to do about a limit whose name does not say it. */
function adviceFor(limit: string): string {
  switch (limit) {
    case "answersLength":
      return " Send fewer commands at once.";
    case "queuedPerKey":
      return " Wait for answers before you send more, or use a key for each agent.";
    case "revokedKeysPerPool":
    case "revokedKeysPerTenant":
      return " Revoked keys are kept until they expire: give keys an expiry.";
    default:
      return "";
  }
}

/** What the table says of a refusal's own code. */
function entryOf<Code extends RefusalCode>({ code }: RefusalOf<Code>): Entry<Code> {
  return refusals[code];
}

/** Whether the same command may succeed later without a change of contract or settings: waiting may help. */
export function isTransient<Code extends RefusalCode>(refusal: RefusalOf<Code>): boolean {
  return entryOf(refusal).isTransient?.(refusal) ?? false;
}

/** The refusal in a sentence that tells a person what to do next. */
export function sentenceOf<Code extends RefusalCode>(refusal: RefusalOf<Code>): string {
  return entryOf(refusal).sentence(refusal);
}

/** The HTTP status of a refusal with this code; a limit that waiting does not lift is 409. */
export function refusalStatus(code: RefusalCode): Entry<RefusalCode>["status"] {
  return refusals[code].status;
}

export const noArchive: Refusal = {
  code: "archive_not_found",
  reason: "this deployment has none (docs/guides/backups.md)",
};
