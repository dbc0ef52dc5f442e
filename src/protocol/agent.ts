/** An agent of a pool: its contract, the commands that change it, and its ledger entry. */
import type { AllocationSource, GivenRule, Period, RefillRule } from "./period.ts";
import type { Unit } from "./unit.ts";

/** An agent's contract, as it is stored and shown. Amounts are in the pool's unit; null: the contract has no such rule. */
export type Contract = {
  readonly priority: number;
  /** What it is allocated. */
  readonly max: number;
  /** What it keeps available when others borrow from it. */
  readonly min_reserve: number;
  /** The confidence, 0 to 1, at which its gate closes. */
  readonly confidence_threshold: number | null;
  /** How far transfers may raise its allocation. */
  readonly ceiling: number | null;
  readonly parent: string | null;
  /** Where the gateway finds the confidence of an answer (`providers/confidence.ts`). */
  readonly confidence_path: string | null;
  /** The last of its budget, which only a reserve with `final: true` may take; 0: none. */
  readonly final_reserve: number;
  readonly max_reserves_per_minute: number | null;
  /** Its own periods, inside the pool's. */
  readonly refill: RefillRule | null;
};

/** An agent's contract: registers it, or changes what it may spend. Never touches what it has spent. */
export type RegisterCommand = {
  readonly op: "register";
  readonly agent: string;
  /** 0 to 1,000; higher is more important. */
  readonly priority: number;
  /** What it is allocated (wire: `max_tokens` or `max_microusd`). */
  readonly max: number;
  readonly unit: Unit;
  /** What it keeps available when others borrow from it. Default a tenth of its allocation. */
  readonly min_reserve?: number | undefined;
  /** At or above this confidence, 0 to 1, its gate closes. */
  readonly confidence_threshold?: number | null | undefined;
  /** Where the gateway finds an answer's confidence: a JSON pointer into it, or the name of a header. */
  readonly confidence_path?: string | null | undefined;
  /** What transfers may not raise its allocation above. */
  readonly ceiling?: number | null | undefined;
  /** The agent whose budget it draws from. */
  readonly parent?: string | null | undefined;
  /** The last of its budget, which only a reserve with `final: true` may take: an agent can always end with an answer. */
  readonly final_reserve?: number | undefined;
  /** How many reserves it is granted in a minute of the clock: a guard against loops. */
  readonly max_reserves_per_minute?: number | null | undefined;
  /** When its allocation is filled again, out of the pool's budget. `null`: with the pool's periods only. */
  readonly refill?: GivenRule | null | undefined;
};

/** Takes no more reservations; the agent leaves when its open ones are settled and its sub-agents are gone. */
export type CloseCommand = {
  readonly op: "close";
  readonly agent: string;
  /** With an id, a repeat is answered though the agent has left by then. */
  readonly id?: string | undefined;
};

/** Opens a closed confidence gate: a new task. */
export type ReopenCommand = { readonly op: "reopen"; readonly agent: string; readonly id: string };

/** No new reserve of the agent and those below it, or of all agents (`agent: null`), until it is resumed; open ones settle. */
export type PauseCommand = { readonly op: "pause"; readonly agent: string | null };

/** Ends a pause of the same agent, or of the pool. */
export type ResumeCommand = { readonly op: "resume"; readonly agent: string | null };

/** Starts an agent again: nothing consumed, its contract's allocation again. */
export type ResetCommand = { readonly op: "reset"; readonly agent: string; readonly id: string };

/** An agent's entry in the ledger. Amounts are in the pool's unit. */
export type AgentView = {
  readonly priority: number;
  readonly allocated: number;
  readonly consumed: number;
  readonly held: number;
  /** allocated − consumed */
  readonly remaining: number;
  /** remaining − held; below zero after an overage */
  readonly available: number;
  readonly min_reserve: number;
  readonly overage: number;
  readonly gate: "open" | "closed";
  readonly confidence: number | null;
};

/** An agent as results carry it. */
export type NamedAgentView = { readonly name: string } & AgentView;

export type AgentDetail = NamedAgentView & {
  readonly contract: Contract;
  /** Its own, where its contract has one. */
  readonly period: Period | null;
  readonly closing: boolean;
  readonly paused: boolean;
  readonly open_reservations: number;
  readonly sub_agents: number;
};

export type AgentResult = { readonly seq: number; readonly agent: AgentDetail };

/** `agent` is null once it has left. */
export type CloseResult = {
  readonly seq: number;
  readonly state: "closing" | "closed";
  readonly agent: AgentDetail | null;
};

/** What `reopen` and `reset` answer. */
export type AgentChangeResult = {
  readonly id: string;
  readonly seq: number;
  readonly agent: NamedAgentView | null;
  readonly replayed?: true;
};

/** What `pause` and `resume` answer; `agent` is null where the pool itself was meant. */
export type PauseResult = { readonly seq: number; readonly paused: boolean; readonly agent: AgentDetail | null };

/** The events of agents, without their time. */
export type AgentEvents =
  /** `allocated` is what its allocation grew by (or shrank, below zero); it came from `source`. */
  | {
      readonly type: "registered";
      readonly agent: string;
      readonly contract: Contract;
      readonly allocated: number;
      readonly source: AllocationSource;
      /** The agent's own period, where its contract begins or changes one; null where it ends it. */
      readonly period?: Period | null;
    }
  /** `id`: of the command that closed it, which may be repeated once the agent has left. */
  | { readonly type: "closing"; readonly agent: string; readonly id?: string }
  /** A sub-agent's ledger merges into its parent's. Otherwise `unspent` goes to the unallocated budget, less what had been issued. */
  | { readonly type: "closed"; readonly agent: string; readonly unspent: number; readonly retired: number }
  | { readonly type: "reopened"; readonly agent: string; readonly id: string }
  /** `agent: null` is the whole pool. */
  | { readonly type: "paused"; readonly agent: string | null }
  | { readonly type: "resumed"; readonly agent: string | null }
  | {
      readonly type: "reset";
      readonly agent: string;
      readonly id: string;
      readonly allocated: number;
      readonly source: AllocationSource;
    };
