/**
 * The Worker as it is, with a relay to hold the gateway against, and two objects to hold the pool object against: one
 * that does nothing, and one that writes a row per request. `test/support/workerd.ts` binds each in its place, so that
 * everything else is the same code.
 */
import { DurableObject } from "cloudflare:workers";
import type { Env } from "../../../src/env.ts";
import governor from "../../../src/index.ts";
import type { PoolObject } from "../../../src/pool/pool-object.ts";
import type { Caller } from "../../../src/protocol/caller.ts";
import type { Command, Execution, Outcome } from "../../../src/protocol/commands.ts";
import { relay } from "../gateway/relay.ts";

export { DirectoryObject, PoolObject, TenantObject, WebhooksObject } from "../../../src/index.ts";
export { MeteredObject } from "./metered.ts";

export default {
  fetch: (request, env, context) =>
    request.url.includes("/relay/") ? relay(request, env, context) : governor.fetch(request, env, context),
} satisfies ExportedHandler<Env>;

/** What the Worker calls to run commands. Typed by the pool object, so that a method renamed there is an error here. */
type Executing = Pick<PoolObject, "execute">;

/** Answers at once, with an answer of the same size. */
export class IdleObject extends DurableObject<unknown> implements Executing {
  async execute(_: Caller, commands: readonly Command[]): Promise<Execution> {
    return { outcomes: commands.map(answer) };
  }
}

/** Inserts one row per request, then answers the same. */
export class RowObject extends DurableObject<unknown> implements Executing {
  #rows = 0;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, command TEXT NOT NULL) STRICT");
    this.#rows = Number(ctx.storage.sql.exec("SELECT coalesce(max(id), 0) AS id FROM rows").one().id);
  }

  async execute(_: Caller, commands: readonly Command[]): Promise<Execution> {
    for (const command of commands) {
      this.ctx.storage.sql.exec("INSERT INTO rows (id, command) VALUES (?, ?)", ++this.#rows, JSON.stringify(command));
    }
    return { outcomes: commands.map(answer) };
  }
}

function answer(command: Command): Outcome {
  const id = ("id" in command ? command.id : undefined) ?? "";
  const ledger = {
    priority: 1,
    allocated: 1_000_000,
    consumed: 1_000,
    held: 100,
    remaining: 999_000,
    available: 998_900,
  };
  const agent = { name: "swarm", ...ledger, min_reserve: 0, overage: 0, gate: "open", confidence: null } as const;
  const expires_at = 1_800_000_000_000;
  return {
    ok: true,
    result: { id, state: "held", granted: 100, expires_at, on_expiry: "release", transfers: [], seq: 1_000, agent },
  };
}
