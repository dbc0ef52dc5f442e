/** Makes commands of recipes: what they name is looked up in the model's state at the moment they run. */
import type { Command } from "../../../src/protocol/commands.ts";
import { limits } from "../../../src/protocol/limits.ts";
import { allocatedOf, availableOf, consumedOf, depthOf, headroomOf, spentOf, totalOf, unallocatedOf } from "./books.ts";
import { type Amount, type Id, names, type Recipe, type RecipeOf, type Which, type Who } from "./commands.ts";
import { transferableTo } from "./transfers.ts";
import { type Agent, findAgent, type Reservation, type World } from "./world.ts";

/** What amounts are relative to. */
type About = { readonly agent?: Agent | undefined; readonly parent?: Agent | undefined; readonly granted?: number };

/** The command that `recipe` names now; `past` are the commands before it. */
export function resolve(world: World, recipe: Recipe, past: readonly Command[]): Command {
  if ("who" in recipe && recipe.who.present && world.settings !== null && world.agents.length === 0) {
    return newcomer(world, recipe.who);
  }
  switch (recipe.op) {
    case "configure":
      return configure(world, recipe);
    case "register":
      return register(world, recipe);
    case "again":
      return registerAgain(world, recipe);
    case "repeat":
      return repeat(world, recipe, past);
    case "fund": {
      const amount = amountIn(world, recipe.amount, {}, 0, limits.total);
      const id = idIn(world, recipe.id);
      return { op: "fund", id, amount: recipe.takes ? 0 - amount : amount, unit: unitIn(world, recipe.rightUnit) };
    }
    case "reserve": {
      const about = { agent: agentIn(world, recipe.who) };
      const amount = amountIn(world, recipe.amount, about, 1, limits.amount);
      const at_least = recipe.at_least && amountIn(world, recipe.at_least, about, 1, amount);
      const { ttl_ms, on_expiry, metadata, final } = recipe;
      return {
        op: "reserve",
        id: idIn(world, recipe.id),
        agent: nameIn(world, recipe.who),
        amount,
        unit: unitIn(world, recipe.rightUnit),
        at_least,
        ttl_ms,
        on_expiry,
        metadata,
        final,
      };
    }
    case "commit": {
      const reservation = reservationIn(world, recipe.which);
      const about = { agent: reservation?.agent, granted: reservation?.granted ?? 0 };
      const amount = amountIn(world, recipe.amount, about, 0, limits.spend);
      const unit = unitIn(world, recipe.rightUnit);
      return { op: "commit", id: reservation?.command.id ?? "unknown", amount, unit, confidence: recipe.confidence };
    }
    case "record": {
      // Far above what the wire takes at once: the limit of a pool's spend would be out of reach otherwise.
      const amount = amountIn(world, recipe.amount, { agent: agentIn(world, recipe.who) }, 0, limits.spend);
      const { confidence, metadata } = recipe;
      const agent = nameIn(world, recipe.who);
      const unit = unitIn(world, recipe.rightUnit);
      return { op: "record", id: idIn(world, recipe.id), agent, amount, unit, confidence, metadata };
    }
    case "reallocate": {
      const amount = amountIn(world, recipe.amount, { agent: agentIn(world, recipe.who) }, 1, limits.amount);
      const agent = nameIn(world, recipe.who);
      const unit = unitIn(world, recipe.rightUnit);
      return { op: "reallocate", id: idIn(world, recipe.id), agent, amount, unit, dry_run: recipe.dry_run };
    }
    case "release":
      return { op: "release", id: reservationIn(world, recipe.which)?.command.id ?? "unknown" };
    case "extend": {
      const id = reservationIn(world, recipe.which)?.command.id ?? "unknown";
      return { op: "extend", id, ttl_ms: recipe.ttl_ms, on_expiry: recipe.on_expiry };
    }
    case "close":
      return { op: "close", agent: nameIn(world, recipe.who) };
    case "pause":
    case "resume":
      return { op: recipe.op, agent: recipe.pool ? null : nameIn(world, recipe.who) };
    case "reset_period":
      return { op: "reset_period", id: idIn(world, recipe.id) };
    case "reopen":
    case "reset":
      return { op: recipe.op, agent: nameIn(world, recipe.who), id: idIn(world, recipe.id) };
  }
}

function configure(world: World, recipe: RecipeOf<"configure">): Command {
  const { budget, refill, ...others } = recipe;
  const rest = { ...others, refill: plainOf(refill) };
  if (budget === undefined || budget === null) return { ...rest, budget };
  const old = world.settings?.budget ?? 0;
  const near = budget.of === "zero" ? budget.plus : valueIn(world, budget, {});
  // By the old budget less the unallocated budget it can fall, and by what the total lacks it can grow.
  const relative = budget.of === "unallocated" ? old - near : budget.of === "toTotalLimit" ? old + near : near;
  return { ...rest, budget: Math.min(limits.total, Math.max(0, relative)) };
}

function register(world: World, recipe: RecipeOf<"register">): Command {
  const agent = agentIn(world, recipe.who);
  const parentName = parentIn(world, recipe.parent);
  const parent = parentName === undefined || parentName === null ? undefined : findAgent(world, parentName);
  const about = { agent, parent };
  const whereShrinkingEnds = agent && recipe.shrinks ? agent.contract.max - availableOf(world, agent) : undefined;
  const max = whereShrinkingEnds ?? amountIn(world, recipe.max, about, 0, limits.amount);
  const bounded = Math.min(limits.amount, Math.max(0, max + (recipe.shrinks ? recipe.max.plus % 2 : 0)));
  const { ceiling, min_reserve, priority, confidence_threshold, final_reserve } = recipe;
  const { max_reserves_per_minute, refill } = recipe;
  return {
    op: "register",
    agent: nameIn(world, recipe.who),
    priority,
    max: bounded,
    unit: unitIn(world, recipe.rightUnit),
    min_reserve: min_reserve && amountIn(world, min_reserve, about, 0, bounded),
    confidence_threshold,
    ceiling: ceiling && amountIn(world, ceiling, about, bounded, limits.amount),
    parent: parentName,
    final_reserve: final_reserve && amountIn(world, final_reserve, about, 0, bounded),
    max_reserves_per_minute,
    refill: plainOf(refill),
  };
}

/** fast-check's records have no prototype, and the platform passes only plain objects between isolates. */
function plainOf<T extends object>(rule: T | null | undefined): T | null | undefined {
  return rule && { ...rule };
}

/** Instead of a command that would find nobody there. */
function newcomer(world: World, who: Who): Command {
  const max = Math.min(unallocatedOf(world) || 100, 100);
  return { op: "register", agent: nameIn(world, who), priority: who.nth % 4, max, unit: unitIn(world, true) };
}

/** The contract that the agent has: no change. */
function registerAgain(world: World, recipe: RecipeOf<"again">): Command {
  const agent = agentIn(world, recipe.who);
  const unit = unitIn(world, true);
  if (agent === undefined) return { op: "register", agent: nameIn(world, recipe.who), priority: 1, max: 50, unit };
  return { op: "register", agent: agent.name, unit, ...agent.contract };
}

function repeat(world: World, recipe: RecipeOf<"repeat">, past: readonly Command[]): Command {
  const command = past[past.length - 1 - recipe.back] ?? past[0];
  if (command === undefined) return { op: "configure" };
  switch (recipe.but) {
    case "same":
      return command;
    case "amount":
      return "amount" in command ? { ...command, amount: command.amount + 1 } : command;
    case "agent":
      return "agent" in command && command.agent !== null
        ? { ...command, agent: nameIn(world, recipe.other) }
        : command;
    case "confidence":
      return command.op === "commit" || command.op === "record" ? { ...command, confidence: 0.25 } : command;
    case "lease":
      if (command.op !== "reserve") return command;
      if (recipe.back % 3 === 0)
        return { ...command, on_expiry: command.on_expiry === "charge" ? "release" : "charge" };
      return recipe.back % 3 === 1 ? { ...command, ttl_ms: 1_234 } : { ...command, at_least: 1 };
    case "spelled out":
      return spelledOut(command);
    case "labels":
      return command.op === "reserve" || command.op === "record" ? { ...command, metadata: { run: "3" } } : command;
  }
}

/** The same content in other words: defaults named, labels in another order. */
function spelledOut(command: Command): Command {
  if (command.op === "reallocate") return { ...command, dry_run: command.dry_run ?? false };
  if (command.op !== "reserve" && command.op !== "record") return command;
  const metadata = command.metadata && Object.fromEntries(Object.entries(command.metadata).toReversed());
  if (command.op === "record") return { ...command, metadata };
  return { ...command, metadata, on_expiry: command.on_expiry ?? "release" };
}

function parentIn(world: World, parent: RecipeOf<"register">["parent"]): string | null | undefined {
  if (parent === undefined || parent === null) return parent;
  if (parent !== "deepest") return nameIn(world, parent);
  const deepest = [...world.agents].sort((a, b) => depthOf(b) - depthOf(a))[0];
  return deepest?.name;
}

function nameIn(world: World, who: Who): string {
  return agentIn(world, who)?.name ?? names[who.nth % names.length] ?? "a";
}

function agentIn(world: World, who: Who): Agent | undefined {
  if (who.present && world.agents.length > 0) return world.agents[who.nth % world.agents.length];
  return findAgent(world, names[who.nth % names.length] ?? "a");
}

/** Ids are numbered as they come, so a used one is any below the number of commands that took one. */
function idIn(world: World, { fresh, nth }: Id): string {
  const used = [...world.reservations, ...world.outcomes].map(({ command }) => command.id);
  if (!fresh && used.length > 0) return used[nth % used.length] ?? "i0";
  return `i${used.length}`;
}

function reservationIn(world: World, { state, nth }: Which): Reservation | undefined {
  if (state === "unknown") return undefined;
  const inState = world.reservations.filter((one) => {
    if (state === "settled") return one.state === "committed" || one.state === "released";
    return state === "any" || one.state === state;
  });
  const open = world.reservations.filter((one) => one.state === "held" || one.state === "expired");
  const choice = [inState, open, world.reservations].find(({ length }) => length > 0) ?? [];
  return choice[choice.length - 1 - (nth % Math.max(1, choice.length))];
}

function unitIn(world: World, right: boolean): "tokens" | "microusd" {
  const unit = world.settings?.unit ?? "tokens";
  if (right) return unit;
  return unit === "tokens" ? "microusd" : "tokens";
}

function amountIn(world: World, amount: Amount, about: About, least: number, most: number): number {
  return Math.min(most, Math.max(least, valueIn(world, amount, about)));
}

function valueIn(world: World, { of, plus }: Amount, { agent, parent, granted }: About): number {
  const isThere = agent !== undefined && world.settings !== null && world.agents.includes(agent);
  switch (of) {
    case "zero":
      return plus;
    case "available":
      return plus + (isThere ? availableOf(world, agent) : 0);
    case "reach":
      return plus + (isThere ? availableOf(world, agent) + transferableTo(world, agent) : 0);
    case "transferable":
      return plus + (isThere ? transferableTo(world, agent) : 0);
    case "headroom":
      return plus + headroomOf(world);
    case "unallocated":
      return plus + unallocatedOf(world);
    case "total":
      return plus + totalOf(world);
    case "granted":
      return plus + (granted ?? 0);
    case "max":
      return plus + (isThere ? agent.contract.max : 0);
    case "allocated":
      return plus + (isThere ? allocatedOf(world, agent) : 0);
    case "consumed":
      return plus + (isThere ? consumedOf(world, agent) : 0);
    case "parentAvailable":
      return plus + (parent === undefined ? 0 : availableOf(world, parent)) + (isThere ? agent.contract.max : 0);
    case "minReserve":
      return plus + (isThere ? agent.contract.min_reserve : 0);
    case "toTotalLimit":
      return plus + limits.total - totalOf(world);
    case "toSpendLimit":
      return plus + limits.spend - spentOf(world);
  }
}
