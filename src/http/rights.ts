/**
 * Authorization, as a table: every route names an entry. A key bound to a pool reaches only that pool; to it, other pools do
 * not exist. A key bound to an agent may only do what the entry's `agentKeys` says, and only as that agent.
 */
import type { Capability, Scope } from "../protocol/key.ts";
import { gatewayUsers, managers, readers, spenders } from "../protocol/rights.ts";
import type { Principal } from "./auth.ts";
import { ApiError } from "./problems.ts";

export type Right = {
  readonly scopes: readonly (Scope | "operator")[];
  /**
   * Whether a key bound to an agent is allowed: `own` if the request names that agent, or a reservation that the pool finds to
   * be that agent's.
   */
  readonly agentKeys: "never" | "own";
  /** Whether a key bound to a pool is allowed where the path names no pool. */
  readonly poolKeys?: "never";
};

export const rights = {
  /** Make and list tenants, and make a tenant's first keys. */
  operate: { scopes: ["operator"], agentKeys: "never" },
  /** Keys of the tenant; a key bound to a pool makes, lists and revokes only keys bound to it too. */
  manageKeys: { scopes: ["admin"], agentKeys: "never" },
  /** The tenant's own prices of models. */
  managePrices: { scopes: managers, agentKeys: "never", poolKeys: "never" },
  /** Prices are no secret: a caller that spends in microusd needs them. */
  readPrices: { scopes: readers, agentKeys: "own" },
  /** Where the tenant's notifications go, and what they are signed with. */
  manageWebhooks: { scopes: managers, agentKeys: "never", poolKeys: "never" },
  listPools: { scopes: readers, agentKeys: "never", poolKeys: "never" },
  /** The pool's budget, settings and contracts: a key that spends may not change what may be spent. */
  managePool: { scopes: managers, agentKeys: "never" },
  /** Reserve, commit, release, extend, record, reallocate. */
  spend: { scopes: spenders, agentKeys: "own" },
  /** Calls of models through the gateway. */
  callModels: { scopes: gatewayUsers, agentKeys: "own" },
  readPool: { scopes: readers, agentKeys: "never" },
  readOwn: { scopes: readers, agentKeys: "own" },
} as const satisfies Record<string, Right>;

/** Throws a 403 unless `principal` has the right. */
export function mustHave(right: Right, principal: Principal): void {
  const scope = principal.kind === "operator" ? "operator" : principal.capability.scope;
  if (!right.scopes.includes(scope)) {
    throw forbidden(`This takes a key of scope ${right.scopes.join(" or ")}; yours is ${scope}.`);
  }
  if (principal.kind === "operator") return;
  const { agent, pool } = principal.capability;
  if (agent !== undefined && right.agentKeys === "never") throw forbidden(`This key is bound to the agent ${agent}.`);
  if (pool !== undefined && right.poolKeys === "never") throw forbidden(`This key is bound to the pool ${pool}.`);
}

/** Throws a 403 if the key is bound to an agent and the request acts for another. */
export function mustBeOwn({ agent }: Capability, agents: readonly string[]): void {
  const foreign = agent === undefined ? undefined : agents.find((other) => other !== agent);
  if (foreign !== undefined) throw forbidden(`This key is bound to the agent ${agent}; it can't act for ${foreign}.`);
}

function forbidden(detail: string): ApiError {
  return new ApiError("forbidden", detail);
}
