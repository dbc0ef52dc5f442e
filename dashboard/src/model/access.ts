/**
 * Who looks: a key, kept in this page's memory and nowhere else. A cookie would be sent by every page that points here,
 * storage would be read by whatever runs here later; a reload asks again, which an operator can live with.
 */
import { signal } from "@preact/signals";
import { Bursar } from "../../../src/client/index.ts";
import { type Capability, decodeCapability } from "../../../src/protocol/key.ts";

export type Access = { readonly bursar: Bursar; readonly capability: Capability; readonly key: string };

export const access = signal<Access | undefined>(undefined);

/** Reads what a key says of itself; the governor says whether it is true. Undefined for what is no key. */
function capabilityOf(key: string): Capability | undefined {
  const [, payload] = /^bursar_([\w-]+)\.[\w-]+$/.exec(key) ?? [];
  if (payload === undefined) return undefined;
  try {
    return decodeCapability(payload);
  } catch {
    return undefined;
  }
}

/** Signs in; throws, in words, if the key is none, may not look, or is not taken. */
export async function signIn(key: string): Promise<void> {
  const capability = capabilityOf(key);
  if (capability === undefined) throw new Error("Not a Bursar key. A key begins with bursar_.");
  const { scope, pool, agent } = capability;
  if (scope === "gateway") throw new Error("A gateway key calls models and sees nothing. Use a read or admin key.");
  if (agent !== undefined) throw new Error(`This key is bound to the agent ${agent}, and sees nothing else.`);
  const bursar = new Bursar({ url: location.origin, key, transport: "fetch", retries: 1 });
  if (pool === undefined) await bursar.pools();
  else await bursar.pool(pool).ledger();
  access.value = { bursar, capability, key };
}

export function signOut(): void {
  access.value = undefined;
  location.hash = "";
}

export function isAdmin(): boolean {
  return access.value?.capability.scope === "admin";
}
