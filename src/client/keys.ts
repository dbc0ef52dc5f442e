/** The tenant's keys, for an admin. */
import type { KeyView, NewKey, Revocation, Scope } from "../protocol/key.ts";
import type { CallOptions, Transport } from "./transport.ts";

export type KeySpec = {
  /** `admin`: keys, pools, contracts. `spend`: reserve to record. `gateway`: only through the gateway. `read`. */
  readonly scope: Scope;
  /** Reaches this pool alone. */
  readonly pool?: string;
  /** Spends as this agent alone. */
  readonly agent?: string;
  /** What it is for, in your words. */
  readonly label?: string;
  /** Dead from then on, milliseconds since 1970. */
  readonly expires_at?: number;
};

export class Keys {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Makes a key. `key` in the answer is shown here and never again. */
  create(spec: KeySpec, options: CallOptions = {}): Promise<NewKey> {
    return this.#transport.once("POST", "/v1/keys", spec, options);
  }

  /** Keys by their ids, after `after`. */
  async list(after?: string, options: CallOptions = {}): Promise<readonly KeyView[]> {
    const query = after === undefined ? "" : `?after=${encodeURIComponent(after)}`;
    const { keys } = await this.#transport.call<{ keys: KeyView[] }>("GET", `/v1/keys${query}`, undefined, options);
    return keys;
  }

  /** Revokes a key: refused at the next command, in every pool that `pools.notified` counts. */
  revoke(keyId: string, options: CallOptions = {}): Promise<Revocation> {
    return this.#transport.once("DELETE", `/v1/keys/${encodeURIComponent(keyId)}`, undefined, options);
  }
}
