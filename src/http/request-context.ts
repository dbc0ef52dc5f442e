/** An authenticated request: its caller and path parameters, and the calls of the objects behind it. */
import type { DirectoryCalls, Env, PoolCalls, TenantCalls, WebhookCalls } from "../env.ts";
import { poolId, tenantId, webhooksId } from "../objects.ts";
import { type Caller, type RequestId, systemCaller } from "../protocol/caller.ts";
import type { Command, ExecuteOptions, Execution, Outcome } from "../protocol/commands.ts";
import { modelNameSchema, nameSchema } from "../protocol/common.wire.ts";
import { type SessionAuth, sessionAuthHeader, subprotocol } from "../protocol/frames.ts";
import type { Capability } from "../protocol/key.ts";
import { limits } from "../protocol/limits.ts";
import type { Rates } from "../protocol/price.ts";
import type { AnswerOf, QueryName, QuestionOf } from "../protocol/queries.ts";
import type { Result } from "../protocol/refusals.ts";
import type { Jurisdiction } from "../protocol/tenant.ts";
import { uuid7 } from "../protocol/uuid.ts";
import type { Principal } from "./auth.ts";
import { whileConnected } from "./hang-up.ts";
import { invalid } from "./problems.ts";
import { withRetry } from "./retry.ts";

/** There is one directory, under one name. */
const directoryName = "directory";

export class RequestContext {
  readonly request: Request;
  readonly url: URL;
  readonly principal: Principal;
  readonly env: Env;
  /** Lets a promise run on after the response, or after the caller has hung up. */
  readonly waitUntil: (promise: Promise<unknown>) => void;
  readonly #params: Readonly<Record<string, string>>;

  constructor(
    request: Request,
    env: Env,
    principal: Principal,
    params: Readonly<Record<string, string>>,
    waitUntil: (promise: Promise<unknown>) => void,
  ) {
    this.waitUntil = waitUntil;
    this.request = request;
    this.url = new URL(request.url);
    this.principal = principal;
    this.env = env;
    this.#params = params;
  }

  /** A name or id out of the path. */
  param(which: "pool" | "agent" | "id" | "tenant" | "key_id" | "webhook"): string {
    const value = this.#params[which] ?? "";
    const parsed = nameSchema.safeParse(value);
    if (!parsed.success) throw invalid(which, parsed.error.issues[0]?.message ?? "is not valid");
    return value;
  }

  /** A model's name out of the path. */
  model(): string {
    const value = this.#params["model"] ?? "";
    const parsed = modelNameSchema.safeParse(value);
    if (!parsed.success) throw invalid("model", parsed.error.issues[0]?.message ?? "is not valid");
    return value;
  }

  /** Whether the path names a pool that the key does not reach. */
  isForeignPool(): boolean {
    if (this.principal.kind === "operator" || this.#params["pool"] === undefined) return false;
    const { pool } = this.principal.capability;
    return pool !== undefined && pool !== this.param("pool");
  }

  /**
   * Identifies repeats of this request: its caller's key and its `Idempotency-Key`. Without the header the key is made here, for
   * the edge's own retries of objects that were reset. Made once, and never inside what is retried.
   */
  get requestId(): RequestId {
    const caller = this.principal.kind === "operator" ? "operator" : this.principal.capability.key_id;
    this.#requestKey ??= this.idFor(undefined);
    return { caller, key: this.#requestKey };
  }

  #requestKey: string | undefined;

  /** The `Idempotency-Key` of a batch, from which the ids of its commands are derived; null without the header. */
  get batchKey(): string | null {
    if (!this.request.headers.has("idempotency-key")) return null;
    const key = this.idFor(undefined);
    const most = limits.idLength - `.${limits.batch - 1}`.length;
    if (key.length > most) throw invalid("Idempotency-Key", `must have at most ${most} characters for a batch`);
    return key;
  }

  /** The idempotency key of a write: `id` in the body, the `Idempotency-Key` header, or a new one. */
  idFor(given: string | undefined): string {
    const header = this.request.headers.get("idempotency-key");
    if (header === null) return given ?? uuid7();
    // The header's specification quotes it; most clients do not.
    const key = header.replace(/^"(.*)"$/, "$1");
    if (!nameSchema.safeParse(key).success)
      throw invalid("Idempotency-Key", "must be 1 to 128 letters, digits, or . _ : -");
    if (given !== undefined && given !== key) throw invalid("/id", "differs from the Idempotency-Key header");
    return key;
  }

  /** The caller's key. Routes for the operator alone don't ask for it. */
  get capability(): Capability {
    if (this.principal.kind === "operator") throw new Error("the operator has no key");
    return this.principal.capability;
  }

  get caller(): Caller {
    if (this.principal.kind === "operator") return systemCaller;
    const { key_id, agent = null, expires_at = null } = this.principal.capability;
    return { key_id, agent, expires_at };
  }

  /** Calls the pool of the path, in the caller's tenant. */
  pool<T>(ask: (pool: PoolCalls, caller: Caller) => Promise<T>): Promise<T> {
    return this.poolNamed(this.param("pool"), ask);
  }

  /** Calls a pool of the caller's tenant. */
  poolNamed<T>(name: string, ask: (pool: PoolCalls, caller: Caller) => Promise<T>): Promise<T> {
    const { tenant, jurisdiction } = this.capability;
    const id = poolId(this.env, tenant, jurisdiction, name);
    return withRetry(() => ask(this.env.POOLS.get(id), this.caller));
  }

  /** What a pool of the caller's charges for a model without a price; null for nothing, or where the key does not reach it. */
  async fallbackPrice(pool: string): Promise<Rates | null> {
    const bound = this.capability.pool;
    if (bound !== undefined && bound !== pool) return null;
    const settings = await this.poolNamed(pool, (stub, caller) => stub.query(caller, { about: "settings" }));
    return settings.ok ? settings.result.fallback_price : null;
  }

  /** Hands the connection to the pool of the path, with what the key allows. */
  async openSession(): Promise<Result<unknown> | Response> {
    const auth: SessionAuth = { caller: this.caller, scope: this.capability.scope };
    const headers = new Headers({ upgrade: "websocket", [sessionAuthHeader]: JSON.stringify(auth) });
    if (this.request.headers.has("sec-websocket-protocol")) headers.set("sec-websocket-protocol", subprotocol);
    // A new request: no header or query of the caller's is passed on.
    const response = await this.pool((stub) => stub.fetch(new Request("https://pool/session", { headers })));
    return response.status === 101 ? response : { ok: false, refusal: await response.json() };
  }

  /** Calls the caller's tenant; for the operator `tenantOf` names one. */
  tenant<T>(ask: (tenant: TenantCalls, caller: Caller) => Promise<T>): Promise<T> {
    return this.tenantOf(this.capability.tenant, this.capability.jurisdiction, ask);
  }

  tenantOf<T>(
    tenant: string,
    jurisdiction: Jurisdiction | null | undefined,
    ask: (tenant: TenantCalls, caller: Caller) => Promise<T>,
  ): Promise<T> {
    const id = tenantId(this.env, tenant, jurisdiction);
    return withRetry(() => ask(this.env.TENANTS.get(id), this.caller));
  }

  /** Calls the tenant's webhooks, once the tenant has confirmed that the caller's key is not revoked. */
  async webhooks(ask: (webhooks: WebhookCalls) => Promise<Result<unknown>>): Promise<Result<unknown>> {
    const { tenant, jurisdiction } = this.capability;
    const refusal = await this.tenant((stub, caller) => stub.standing(caller));
    if (refusal !== null) return { ok: false, refusal };
    const id = webhooksId(this.env, tenant, jurisdiction);
    return withRetry(() => ask(this.env.WEBHOOKS.get(id)));
  }

  directory<T>(ask: (directory: DirectoryCalls) => Promise<T>): Promise<T> {
    const { DIRECTORY } = this.env;
    return withRetry(() => ask(DIRECTORY.get(DIRECTORY.idFromName(directoryName))));
  }

  /** Runs one command. A reserve waits in line for up to `waitMs`, and leaves the line if its caller hangs up. */
  async execute(command: Command, waitMs = 0): Promise<Outcome> {
    const run = (options?: ExecuteOptions): Promise<Execution> =>
      this.pool((pool, caller) => pool.execute(caller, [command], options));
    const { outcomes } =
      waitMs === 0 || command.op !== "reserve"
        ? await run()
        : await whileConnected(
            { signal: this.request.signal, waitUntil: this.waitUntil },
            (ticket) => run({ wait_ms: waitMs, ticket }),
            (ticket) => this.pool(async (pool) => pool.leave(command.id, ticket)),
          );
    const [outcome] = outcomes;
    if (outcome === undefined) throw new Error("the pool gave no outcome");
    return outcome;
  }

  /** Reads the pool of the path. */
  query<Name extends QueryName>(question: QuestionOf<Name>): Promise<Result<AnswerOf<Name>>> {
    return this.pool((pool, caller) => pool.query(caller, question));
  }
}
