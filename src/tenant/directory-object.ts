/** The Durable Object that lists all tenants. There is one; only the operator's routes ask it. */
import { DurableObject } from "cloudflare:workers";
import type { RequestId } from "../protocol/caller.ts";
import { limits } from "../protocol/limits.ts";
import type { Result } from "../protocol/refusals.ts";
import type { Jurisdiction, Tenant } from "../protocol/tenant.ts";
import { migrate, schemaVersion } from "../storage/migrate.ts";
import { Requests } from "../storage/requests.ts";
import { directorySteps } from "./schema.ts";

type TenantRow = { id: string; jurisdiction: string | null; created_at: number };

export class DirectoryObject extends DurableObject<unknown> {
  /** Lists a tenant. Its id and jurisdiction are part of its objects' addresses, so neither can be changed or reused. */
  async add(request: RequestId, id: string, jurisdiction: Jurisdiction | null): Promise<Result<Tenant>> {
    migrate(this.ctx.storage, directorySteps);
    const requests = new Requests(this.ctx.storage.sql);
    return requests.once(request, `add ${id} ${jurisdiction}`, Date.now(), () => this.#add(id, jurisdiction));
  }

  #add(id: string, jurisdiction: Jurisdiction | null): Result<Tenant> {
    const { sql } = this.ctx.storage;
    if (this.#get(id) !== undefined) {
      const reason = `there is a tenant ${id}; make a key for it with POST /v1/tenants/${id}/keys`;
      return { ok: false, refusal: { code: "contract_conflict", field: "id", reason } };
    }
    const { count } = sql.exec<{ count: number }>("SELECT count(*) AS count FROM tenants").one();
    if (count >= limits.tenants) {
      return { ok: false, refusal: { code: "limit_reached", limit: "tenants", maximum: limits.tenants } };
    }
    sql.exec("INSERT INTO tenants (id, jurisdiction, created_at) VALUES (?, ?, ?)", id, jurisdiction, Date.now());
    return this.#find(id);
  }

  async find(id: string): Promise<Result<Tenant>> {
    return this.#find(id);
  }

  #find(id: string): Result<Tenant> {
    const found = schemaVersion(this.ctx.storage) > 0 ? this.#get(id) : undefined;
    return found === undefined
      ? { ok: false, refusal: { code: "tenant_not_found", tenant: id } }
      : { ok: true, result: found };
  }

  /** Tenants by id, after `after`. */
  async list(after: string, count: number): Promise<{ tenants: Tenant[] }> {
    if (schemaVersion(this.ctx.storage) === 0) return { tenants: [] };
    const query = "SELECT id, jurisdiction, created_at FROM tenants WHERE id > ? ORDER BY id LIMIT ?";
    return { tenants: this.ctx.storage.sql.exec<TenantRow>(query, after, count).toArray().map(viewOf) };
  }

  #get(id: string): Tenant | undefined {
    const query = "SELECT id, jurisdiction, created_at FROM tenants WHERE id = ?";
    const [row] = this.ctx.storage.sql.exec<TenantRow>(query, id).toArray();
    return row === undefined ? undefined : viewOf(row);
  }
}

function viewOf({ id, jurisdiction, created_at }: TenantRow): Tenant {
  return { id, jurisdiction: jurisdiction as Jurisdiction | null, created_at };
}
