/** A request on its way: who asks, for which pool, and how the objects behind it are reached. */
import type { Env, PoolCalls, TenantCalls } from "../env.ts";
import type { Command } from "../protocol/commands.ts";
import type { Answer, Outcome } from "../protocol/results.ts";
import { name } from "../protocol/schemas.ts";
import { uuid7 } from "../protocol/uuid.ts";
import type { Principal } from "./auth.ts";
import { invalid } from "./problems.ts";
import { reach } from "./reach.ts";

export class Call {
  readonly request: Request;
  readonly url: URL;
  readonly principal: Principal;
  readonly #env: Env;
  readonly #params: Readonly<Record<string, string>>;

  constructor(request: Request, env: Env, principal: Principal, params: Readonly<Record<string, string>>) {
    this.request = request;
    this.url = new URL(request.url);
    this.principal = principal;
    this.#env = env;
    this.#params = params;
  }

  /** A name or id out of the path. */
  param(which: "pool" | "agent" | "id"): string {
    const value = this.#params[which] ?? "";
    const parsed = name.safeParse(value);
    if (!parsed.success) throw invalid(which, parsed.error.issues[0]?.message ?? "is not valid");
    return value;
  }

  /** The id of a write: the body's, the `Idempotency-Key` header's (the same thing by its other name), or a new one. */
  idFor(given: string | undefined): string {
    const header = this.request.headers.get("idempotency-key");
    if (header === null) return given ?? uuid7();
    // The header's draft makes it a quoted string; nearly everybody sends it bare.
    const key = header.replace(/^"(.*)"$/, "$1");
    if (!name.safeParse(key).success) throw invalid("Idempotency-Key", "must be 1 to 128 letters, digits, or . _ : -");
    if (given !== undefined && given !== key) throw invalid("/id", "differs from the Idempotency-Key header");
    return key;
  }

  /** Asks the pool of the path, in the caller's tenant. */
  pool<T>(ask: (pool: PoolCalls) => Promise<T>, locationHint?: DurableObjectLocationHint): Promise<T> {
    const id = this.#env.POOLS.idFromName(`${this.principal.tenant}/${this.param("pool")}`);
    const options = locationHint === undefined ? undefined : { locationHint };
    return reach(() => ask(this.#env.POOLS.get(id, options)));
  }

  tenant<T>(ask: (tenant: TenantCalls) => Promise<T>): Promise<T> {
    const { TENANTS } = this.#env;
    return reach(() => ask(TENANTS.get(TENANTS.idFromName(this.principal.tenant))));
  }

  /** Runs one command. */
  async run(command: Command): Promise<Outcome> {
    const [outcome] = await this.pool((pool) => pool.run([command]));
    if (outcome === undefined) throw new Error("the pool gave no outcome");
    return outcome;
  }
}

/** What a route gives back: a result, or a refusal; both become responses in `app.ts`. */
export type Given = Answer<unknown>;
