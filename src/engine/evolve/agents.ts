/** What the events of agents do to the state. */

import type { AgentEvents } from "../../protocol/agent.ts";
import type { EventOf } from "../../protocol/events.ts";
import { type Agent, agentOf, earliestEnd, nothingWarned, type Pool } from "../state.ts";
import { rearm } from "../warnings.ts";
import type { Appliers } from "./appliers.ts";
import { allocate, chargeBefore, openGate, rememberWrite, unsettledOf } from "./ledger.ts";

export const agentAppliers: Appliers<AgentEvents> = {
  registered,
  closing: (pool, { agent, id }) => {
    agentOf(pool, agent).closing = true;
    pool.roster++;
    if (id !== undefined) rememberWrite(pool, id, { op: "close", agent, amount: 0 });
  },
  closed,
  reopened: (pool, { agent, id }) => {
    openGate(agentOf(pool, agent));
    rememberWrite(pool, id, { op: "reopen", agent, amount: 0 });
  },
  paused: (pool, { agent }) => {
    (agent === null ? pool : agentOf(pool, agent)).paused = true;
  },
  resumed: (pool, { agent }) => {
    (agent === null ? pool : agentOf(pool, agent)).paused = false;
  },
  reset,
};

function registered(pool: Pool, event: EventOf<"registered">): void {
  const { agent: name, contract, allocated, source } = event;
  const known = pool.agents.get(name);
  const parent = contract.parent === null ? undefined : agentOf(pool, contract.parent);
  const agent = known ?? newAgent(name, event, (parent?.depth ?? 0) + 1);
  if (known === undefined) {
    pool.agents.set(name, agent);
    if (parent !== undefined) parent.subAgents++;
  }
  agent.contract = contract;
  pool.roster++;
  allocate(pool, agent, allocated, source);
  rearm(pool, agent);
  if (event.period === undefined) return;
  agent.period = event.period;
  pool.periodsEndAt = earliestEnd(pool);
}

function newAgent(name: string, event: EventOf<"registered">, depth: number): Agent {
  return {
    name,
    contract: event.contract,
    depth,
    allocated: 0,
    consumed: 0,
    held: 0,
    open: 0,
    openBytes: 0,
    unsettled: 0,
    subAgents: 0,
    confidence: null,
    closing: false,
    activeAt: event.at,
    paused: false,
    period: null,
    pace: null,
    warned: nothingWarned(),
  };
}

/** The agent leaves: its ledger is added to its parent's, or to the closed accounts, and late commits go there from now on. */
function closed(pool: Pool, event: EventOf<"closed">): void {
  const agent = agentOf(pool, event.agent);
  const parent = agent.contract.parent === null ? undefined : agentOf(pool, agent.contract.parent);
  if (parent !== undefined) {
    parent.allocated += agent.allocated;
    parent.consumed += agent.consumed;
    parent.unsettled += agent.unsettled;
    parent.subAgents--;
  } else {
    pool.closed.allocated += agent.allocated - event.unspent;
    pool.closed.consumed += agent.consumed;
    pool.unallocated += event.unspent - event.retired;
    pool.total -= event.retired;
  }
  pool.closed.agents++;
  pool.agents.delete(agent.name);
  pool.roster++;
  if (agent.period !== null) pool.periodsEndAt = earliestEnd(pool);
  if (agent.unsettled === 0) return;
  for (const reservation of unsettledOf(pool, agent.name)) reservation.owner = parent?.name ?? null;
}

/** Consumption is set to zero in the pool's sum, too: a reset grants the pool that budget again. */
function reset(pool: Pool, event: EventOf<"reset">): void {
  const agent = agentOf(pool, event.agent);
  pool.consumed -= agent.consumed;
  agent.consumed = 0;
  agent.warned = nothingWarned();
  openGate(agent);
  allocate(pool, agent, event.allocated, event.source);
  if (agent.unsettled > 0) unsettledOf(pool, agent.name).forEach(chargeBefore);
  rememberWrite(pool, event.id, { op: "reset", agent: event.agent, amount: 0 });
}
