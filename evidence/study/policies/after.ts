/** A gateway that looks at what was counted so far, lets the call go, and counts it when it is over. */
import type { FleetAgent } from "../fleet.ts";
import { go, nobody, type Policy, refused } from "./policy.ts";

export const after: Policy = {
  name: "counted after the call",
  what: "Every agent has an equal share; a call goes while less than that has been counted, and is counted when it ends.",
  govern: ({ agents }, budget) => {
    const share = Math.floor(budget / agents.length);
    const counted = new Map<FleetAgent, number>();
    return {
      begin: () => undefined,
      ask: ({ agent, bound }) => ((counted.get(agent) ?? 0) < share ? go(bound) : refused),
      end: ({ agent }, used) => {
        counted.set(agent, (counted.get(agent) ?? 0) + used);
        return nobody;
      },
      giveUp: () => undefined,
      spent: () => [...counted.values()].reduce((sum, one) => sum + one, 0),
    };
  },
};
