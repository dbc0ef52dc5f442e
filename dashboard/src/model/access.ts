/**
 * The key of the viewer, kept in this page's memory and nowhere else. A cookie would be sent with requests from other pages, and
 * storage could be read by scripts that run here later; so a reload asks for the key again.
 */
import { signal } from "@preact/signals";
import { Bursar } from "../../../src/client/index.ts";
import { type Capability, decodeCapability } from "../../../src/protocol/key.ts";

export type Access = { readonly bursar: Bursar; readonly capability: Capability; readonly key: string };

export const access = signal<Access | undefined>(undefined);

/** Parses a key's capability, unverified: only the governor can verify it. Undefined if it is not a key. */
function capabilityOf(key: string): Capability | undefined {
  const [, payload] = /^bursar_([\w-]+)\.[\w-]+$/.exec(key) ?? [];
  if (payload === undefined) return undefined;
  try {
    return decodeCapability(payload);
  } catch {
    return undefined;
  }
}

/** Signs in. Throws an error for the viewer if the key is malformed, may not read, or is refused. */
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
