/** Tenants, for the operator: `new Bursar({ url, key: operatorToken })`. */
import type { NewKey } from "../protocol/key.ts";
import type { Jurisdiction, Tenant } from "../protocol/tenant.ts";
import type { CallOptions, Transport } from "./transport.ts";

export class Tenants {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Creates a tenant. Its first admin key is in the answer, and shown never again. */
  create(
    id: string,
    options: CallOptions & { readonly jurisdiction?: Jurisdiction } = {},
  ): Promise<Tenant & { readonly key: NewKey }> {
    const { jurisdiction, ...call } = options;
    const body = jurisdiction === undefined ? { id } : { id, jurisdiction };
    return this.#transport.once("POST", "/v1/tenants", body, call);
  }

  /** Tenants by their ids, after `after`. */
  async list(after?: string, options: CallOptions = {}): Promise<readonly Tenant[]> {
    const query = after === undefined ? "" : `?after=${encodeURIComponent(after)}`;
    const page = await this.#transport.call<{ tenants: Tenant[] }>("GET", `/v1/tenants${query}`, undefined, options);
    return page.tenants;
  }

  /** Makes an admin key for a tenant that has lost its own. */
  createKey(id: string, label?: string, options: CallOptions = {}): Promise<NewKey> {
    const body = label === undefined ? {} : { label };
    return this.#transport.once("POST", `/v1/tenants/${encodeURIComponent(id)}/keys`, body, options);
  }
}
