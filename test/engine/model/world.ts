/**
 * What the naive model remembers: settings, who is there, every line that was ever booked, every reservation and every
 * other outcome. No sum is stored; `books.ts` adds the lines up again each time it is asked.
 */
import type { Contract } from "../../../src/protocol/agent.ts";
import type { Command } from "../../../src/protocol/commands.ts";
import type { Period } from "../../../src/protocol/period.ts";
import type { PoolSettings } from "../../../src/protocol/pool.ts";
import type { OnExpiry, Transfer } from "../../../src/protocol/reservation.ts";

/** One registration of a name. A name registered anew after it left is another agent. */
export type Agent = {
  readonly name: string;
  readonly parent: Agent | null;
  contract: Contract;
  closing: boolean;
  paused: boolean;
  activeAt: number;
  period: Period | null;
  said: Said;
  /** Confidences reported since the gate last opened. */
  reported: number[];
};

/** What has been warned of in this period. */
export type Said = { percent: number; overage: boolean; gate: boolean; burn: boolean };

export type Account = Agent | "unallocated" | "closed";

/** A booking: what an account's allocation and consumption changed by. */
export type Line = { readonly account: Account; readonly allocated: number; readonly consumed: number };

export type CommandOf<Op extends Command["op"]> = Extract<Command, { readonly op: Op }>;

export type Reservation = {
  readonly command: CommandOf<"reserve">;
  readonly agent: Agent;
  readonly at: number;
  readonly granted: number;
  /** The contract bounded the agent's reserves a minute. */
  counted: boolean;
  readonly transfers: readonly Transfer[];
  /** As first granted, for repeats. */
  readonly says: Says;
  expiresAt: number;
  onExpiry: OnExpiry;
  state: "held" | "committed" | "released" | "expired";
  /** What expiry booked. */
  charge: number;
  /** A reset has wiped the charge since. */
  wiped: boolean;
  consumed: number;
  overage: number;
  late: boolean;
  commitTransfers: readonly Transfer[];
  confidence: number | undefined;
};

/** A write that is not a reservation, and its answer. */
export type Outcome = {
  readonly command: CommandOf<"fund" | "record" | "reallocate" | "reopen" | "reset" | "reset_period">;
  readonly says: Says;
};

export type World = {
  settings: PoolSettings | null;
  paused: boolean;
  period: Period | null;
  said: Said;
  /** Warnings since the command began, in order. */
  warnings: string[];
  /** When something last happened. */
  time: number;
  agents: Agent[];
  lines: Line[];
  reservations: Reservation[];
  outcomes: Outcome[];
};

/** Parts of an answer, in the protocol's words; what the protocol leaves open is left out. */
export type Says = { readonly [field: string]: unknown };

/** `happened`: whether it changed anything, and so must be in the journal. */
export type Accepted = { readonly ok: true; readonly happened: boolean; readonly says: Says };
export type Refused = { readonly ok: false; readonly says: Says & { readonly code: string } };
export type Answer = Accepted | Refused;

export function emptyWorld(): World {
  return {
    settings: null,
    paused: false,
    period: null,
    said: { percent: 0, overage: false, gate: false, burn: false },
    warnings: [],
    time: 0,
    agents: [],
    lines: [],
    reservations: [],
    outcomes: [],
  };
}

export function settingsOf(world: World): PoolSettings {
  if (world.settings === null) throw new Error("there is no pool");
  return world.settings;
}

export function findAgent(world: World, name: string): Agent | undefined {
  return world.agents.find((agent) => agent.name === name);
}

/** What is said of a reservation, and where the contract of its agent, while it is there, finds a confidence. */
export function withPath(world: World, agent: string, says: Says): Says {
  const confidence_path = findAgent(world, agent)?.contract.confidence_path ?? undefined;
  return confidence_path === undefined ? says : { ...says, confidence_path };
}

export function book(world: World, account: Account, allocated: number, consumed: number): void {
  if (allocated !== 0 || consumed !== 0) world.lines.push({ account, allocated, consumed });
}

export function happened(says: Says): Accepted {
  return { ok: true, happened: true, says };
}

export function again(says: Says): Accepted {
  return { ok: true, happened: false, says };
}

export function refuse(code: string, facts: Says = {}): Refused {
  return { ok: false, says: { code, ...facts } };
}
