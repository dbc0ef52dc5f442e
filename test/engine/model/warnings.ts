/** What is said once in a period: section *Warnings*. */
import { allocatedOf, availableOf, confidenceOf, consumedOf, gateOf, spentOf, totalOf } from "./books.ts";
import { type Agent, type Said, settingsOf, type World } from "./world.ts";

export function nothingSaid(): Said {
  return { percent: 0, overage: false, gate: false, burn: false };
}

/** Says what is new about `agent` (unless it is not there) and, where `andPool`, about the pool. */
export function warn(world: World, agent: Agent | "closed" | null, now: number, andPool = true): void {
  if (agent !== null && agent !== "closed") {
    warnOfThresholds(world, agent);
    if (!agent.said.gate && gateOf(agent) === "closed") {
      agent.said.gate = true;
      world.warnings.push(`gate_closed ${agent.name} ${confidenceOf(agent)}`);
    }
    if (!agent.said.overage && availableOf(world, agent) < 0) {
      agent.said.overage = true;
      world.warnings.push(`overage ${agent.name} ${-availableOf(world, agent)}`);
    }
    warnOfBurn(world, agent, now);
  }
  if (!andPool) return;
  warnOfThresholds(world, null);
  warnOfBurn(world, null, now);
}

/** A budget has changed: thresholds that are no longer reached may be said again. */
export function rearm(world: World, agent: Agent | null): void {
  const { said } = agent ?? world;
  const stillReached = reachedBy(world, agent).filter((percent) => percent <= said.percent);
  said.percent = Math.max(0, ...stillReached);
}

function warnOfThresholds(world: World, agent: Agent | null): void {
  const { said } = agent ?? world;
  for (const percent of reachedBy(world, agent)) {
    if (percent <= said.percent) continue;
    said.percent = percent;
    world.warnings.push(`threshold ${agent?.name ?? null} ${percent}`);
  }
}

function reachedBy(world: World, agent: Agent | null): number[] {
  const { consumed, budget } = standing(world, agent);
  const { warn_at } = settingsOf(world);
  return budget === 0 ? [] : warn_at.filter((percent) => consumed * 100 >= percent * budget);
}

function warnOfBurn(world: World, agent: Agent | null, now: number): void {
  const { said, period } = agent ?? world;
  if (said.burn || period === null || period.ends_at === null) return;
  const { consumed, budget } = standing(world, agent);
  const length = period.ends_at - period.starts_at;
  const elapsed = now - period.starts_at;
  if (consumed >= budget || consumed * 10 < budget || elapsed * 20 < length) return;
  const exhausts = period.starts_at + Math.floor((elapsed * budget) / consumed);
  if (exhausts >= period.ends_at) return;
  said.burn = true;
  world.warnings.push(`burn_rate ${agent?.name ?? null} ${exhausts}`);
}

function standing(world: World, agent: Agent | null): { consumed: number; budget: number } {
  if (agent === null) return { consumed: spentOf(world), budget: totalOf(world) };
  return { consumed: consumedOf(world, agent), budget: agent.contract.max };
}

/** As much of the agent's consumption as its allocation covers. */
export function coveredOf(world: World, agent: Agent): number {
  return Math.min(allocatedOf(world, agent), consumedOf(world, agent));
}
