/** Counts what a run has met: a test that never reaches a case proves nothing about it. */
import type { Command } from "../../../src/protocol/commands.ts";
import type { PoolEvent } from "../../../src/protocol/events.ts";
import { ownerOf } from "./books.ts";
import type { Step } from "./naive.ts";
import { findReservation } from "./reservations.ts";
import type { Agent, World } from "./world.ts";

const limitsMet = ["limit total", "limit spend", "limit agentDepth"] as const;

export const cases = [
  ...limitsMet,
  "transfer from unallocated",
  "transfer from a donor",
  "transfer from two donors",
  "partial grant",
  "overage",
  "commit below the grant",
  "commit above the grant",
  "late commit",
  "late commit, corrects a charge",
  "late commit, agent there",
  "late commit, booked to a parent",
  "late commit, booked to the closed books",
  "late commit, charge wiped by a reset",
  "charged on expiry",
  "released on expiry",
  "left to the parent",
  "left to the unallocated budget",
  "retired",
  "replayed",
  "dry run",
  "clock ran backwards",
  "clock corrected",
  "no change",
  "period of the pool",
  "period of an agent",
  "warned threshold",
  "warned gate_closed",
  "warned overage",
  "warned burn_rate",
  "a refill will help",
  "kept for the final reserve",
] as const;
export type Case = (typeof cases)[number];

export class Tally {
  commands = 0;
  readonly accepted = new Map<string, number>();
  readonly refused = new Map<string, number>();
  readonly met = new Map<Case, number>();

  /** `there`: the agents before the command. */
  count(command: Command, { answer }: Step, there: readonly Agent[], world: World, events: readonly PoolEvent[]): void {
    this.commands++;
    if (!answer.ok) {
      increment(this.refused, answer.says.code);
      const limit = limitsMet.find((name) => name === `limit ${String(answer.says["limit"])}`);
      if (limit !== undefined) this.#meet(limit);
      if (answer.says["resets_at"] !== undefined) this.#meet("a refill will help");
      if (answer.says["final_reserve"] !== undefined) this.#meet("kept for the final reserve");
    } else {
      increment(this.accepted, command.op);
      if (answer.says.replayed === true) this.#meet("replayed");
      else if (command.op === "reallocate" && command.dry_run === true) this.#meet("dry run");
      else if (!answer.happened && (command.op === "register" || command.op === "configure")) this.#meet("no change");
    }
    for (const event of events) this.#countEvent(event, world);
    const left = there.filter((agent) => !world.agents.includes(agent));
    if (left.some(({ parent }) => parent !== null)) this.#meet("left to the parent");
  }

  countBackwards(): void {
    this.#meet("clock ran backwards");
  }

  /** Every count, a line for each kind. */
  toString(): string {
    const line = (title: string, counts: ReadonlyMap<string, number>): string =>
      `${title}: ${[...counts]
        .sort((a, b) => b[1] - a[1])
        .map(([name, count]) => `${name} ${count}`)
        .join(", ")}`;
    return [line("accepted", this.accepted), line("refused", this.refused), line("met", this.met)].join("\n");
  }

  #countEvent(event: PoolEvent, world: World): void {
    if ("transfers" in event) {
      if (event.transfers.some(({ from }) => from === null)) this.#meet("transfer from unallocated");
      const donors = event.transfers.filter(({ from }) => from !== null).length;
      if (donors > 0) this.#meet("transfer from a donor");
      if (donors > 1) this.#meet("transfer from two donors");
    }
    if (event.type === "reserved" && event.granted < event.asked) this.#meet("partial grant");
    if ("overage" in event && event.overage > 0) this.#meet("overage");
    if (event.type === "committed") this.#countCommit(event.id, world);
    if (event.type === "expired") this.#meet(event.charged > 0 ? "charged on expiry" : "released on expiry");
    if (event.type === "closed") this.#countLeaving(event);
    if (event.type === "period_started") this.#meet("period of the pool");
    if (event.type === "agent_period_started") this.#meet("period of an agent");
    if (event.type === "clock_corrected") this.#meet("clock corrected");
    if (event.type === "warned") this.#meet(`warned ${event.warning}`);
  }

  #countCommit(id: string, world: World): void {
    const reservation = findReservation(world, id);
    if (reservation === undefined) return;
    const { consumed, granted, late, charge, wiped, agent } = reservation;
    if (!late) {
      if (consumed < granted) this.#meet("commit below the grant");
      if (consumed > granted) this.#meet("commit above the grant");
      return;
    }
    this.#meet("late commit");
    if (consumed < charge) this.#meet("late commit, corrects a charge");
    if (wiped && charge > 0) this.#meet("late commit, charge wiped by a reset");
    const owner = ownerOf(world, agent);
    if (owner === agent) this.#meet("late commit, agent there");
    else if (owner === "closed") this.#meet("late commit, booked to the closed books");
    else this.#meet("late commit, booked to a parent");
  }

  #countLeaving({ unspent, retired }: Extract<PoolEvent, { readonly type: "closed" }>): void {
    if (retired > 0) this.#meet("retired");
    if (unspent > retired) this.#meet("left to the unallocated budget");
  }

  #meet(name: Case): void {
    increment(this.met, name);
  }
}

function increment<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
