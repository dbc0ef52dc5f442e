/** Every sum of the model, added up from the lines and the reservations each time. */
import { type Account, type Agent, type World } from "./world.ts";

export function allocatedOf(world: World, account: Account): number {
  let sum = 0;
  for (const line of world.lines) if (line.account === account) sum += line.allocated;
  return sum;
}

export function consumedOf(world: World, account: Account): number {
  let sum = 0;
  for (const line of world.lines) if (line.account === account) sum += line.consumed;
  return sum;
}

export function heldOf(world: World, agent: Agent): number {
  let sum = 0;
  for (const { state, agent: holder, granted } of world.reservations) {
    if (state === "held" && holder === agent) sum += granted;
  }
  return sum;
}

export function openOf(world: World, agent: Agent): number {
  return world.reservations.filter((reservation) => reservation.state === "held" && reservation.agent === agent).length;
}

export function availableOf(world: World, agent: Agent): number {
  return allocatedOf(world, agent) - consumedOf(world, agent) - heldOf(world, agent);
}

export function unallocatedOf(world: World): number {
  return allocatedOf(world, "unallocated");
}

/** The pool's total: every line's allocation, whoever's it is. */
export function totalOf(world: World): number {
  let sum = 0;
  for (const line of world.lines) sum += line.allocated;
  return sum;
}

export function spentOf(world: World): number {
  let sum = 0;
  for (const line of world.lines) sum += line.consumed;
  return sum;
}

export function allHeldOf(world: World): number {
  let sum = 0;
  for (const { state, granted } of world.reservations) if (state === "held") sum += granted;
  return sum;
}

export function headroomOf(world: World): number {
  return totalOf(world) - spentOf(world) - allHeldOf(world);
}

export function confidenceOf(agent: Agent): number | null {
  return agent.reported.length === 0 ? null : Math.max(...agent.reported);
}

export function gateOf(agent: Agent): "open" | "closed" {
  const confidence = confidenceOf(agent);
  const threshold = agent.contract.confidence_threshold;
  return threshold !== null && confidence !== null && confidence >= threshold ? "closed" : "open";
}

export function subAgentsOf(world: World, agent: Agent): Agent[] {
  return world.agents.filter((other) => other.parent === agent);
}

/** 1 for an agent without parent. */
export function depthOf(agent: Agent): number {
  return agent.parent === null ? 1 : depthOf(agent.parent) + 1;
}

/** Who answers for what `agent` did: itself, or once it left its parent, and so on; at last the closed accounts. */
export function ownerOf(world: World, agent: Agent): Agent | "closed" {
  if (world.agents.includes(agent)) return agent;
  return agent.parent === null ? "closed" : ownerOf(world, agent.parent);
}
