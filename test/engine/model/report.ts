/** All of the model's numbers at once, in the words of the protocol's results. */
import {
  allHeldOf,
  allocatedOf,
  availableOf,
  confidenceOf,
  consumedOf,
  gateOf,
  heldOf,
  openOf,
  spentOf,
  subAgentsOf,
  totalOf,
  unallocatedOf,
} from "./books.ts";
import { type Agent, type Says, type World } from "./world.ts";

export function reportOf(world: World): Says {
  return {
    settings: world.settings,
    period: world.period,
    total: totalOf(world),
    unallocated: unallocatedOf(world),
    consumed: spentOf(world),
    held: allHeldOf(world),
    closed: { allocated: allocatedOf(world, "closed"), consumed: consumedOf(world, "closed") },
    agents: Object.fromEntries(world.agents.map((agent) => [agent.name, detailOf(world, agent)])),
    reservations: Object.fromEntries(world.reservations.map((one) => [one.command.id, reservationOf(one)])),
    counts: { agents: world.agents.length, reservations: world.reservations.length },
  };
}

function detailOf(world: World, agent: Agent): Says {
  const allocated = allocatedOf(world, agent);
  const consumed = consumedOf(world, agent);
  const available = availableOf(world, agent);
  const { priority, min_reserve } = agent.contract;
  return {
    name: agent.name,
    priority,
    allocated,
    consumed,
    held: heldOf(world, agent),
    remaining: allocated - consumed,
    available,
    min_reserve,
    overage: Math.max(0, -available),
    gate: gateOf(agent),
    confidence: confidenceOf(agent),
    contract: agent.contract,
    period: agent.period,
    closing: agent.closing,
    open_reservations: openOf(world, agent),
    sub_agents: subAgentsOf(world, agent).length,
  };
}

function reservationOf(reservation: World["reservations"][number]): Says {
  const { command, state, granted, consumed, overage, late, transfers, commitTransfers } = reservation;
  return {
    id: command.id,
    agent: reservation.agent.name,
    state,
    asked: command.amount,
    granted,
    consumed,
    overage,
    late,
    created_at: reservation.at,
    expires_at: reservation.expiresAt,
    on_expiry: reservation.onExpiry,
    transfers: [...transfers, ...commitTransfers],
    metadata: command.metadata ?? {},
  };
}
