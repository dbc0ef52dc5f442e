import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it } from "vitest";
import { BudgetExceededError, BursarError, type Pool, UnreachableError } from "../../src/client/index.ts";
import { connect, connections, newBursar, newPool, rejection, wire } from "./stage.ts";

const inSession = { transport: "session", connect } as const;

afterEach(() => void connections.splice(0));

/** Cuts every connection of the pool, as a host that goes away would. */
function cut(pool: Pool): Promise<void> {
  return runInDurableObject(stubOf(pool), (_, state) => {
    for (const socket of state.getWebSockets()) socket.close(1012, "cut by the test");
  });
}

function stubOf(pool: Pool): ReturnType<typeof env.POOLS.getByName> {
  return env.POOLS.getByName(`clients/${pool.name}`);
}

describe("commands over a session", () => {
  it("come to the same as over requests, refusals included", async () => {
    const pool = await newPool({ budget: 5_000 }, inSession);
    await pool.register("writer", { priority: 1, max_tokens: 1_000, confidence_threshold: 0.8 });
    const hold = await pool.reserve("writer", 400, { metadata: { run: "1" } });
    await hold.extend(600_000);
    expect(await hold.commit(150)).toMatchObject({ state: "committed", consumed: 150 });
    expect(await rejection(hold.commit(151))).toMatchObject({ code: "reservation_settled", status: 409 });
    expect(await pool.record("writer", 50, { confidence: 0.9 })).toMatchObject({ consumed: 50 });
    const error = await rejection(pool.reserve("writer", 1));
    expect(error).toBeInstanceOf(BudgetExceededError);
    expect(error).toMatchObject({ code: "confidence_reached", agent: "writer" });
    expect(await rejection(pool.reserve("nobody", 1))).toBeInstanceOf(BursarError);
    expect(await pool.summary()).toEqual({ writer: { allocated: 1_000, consumed: 200, remaining: 800 } });
    expect(connections).toHaveLength(1);
  });

  it("of one tick share a frame, and so a row of the journal", async () => {
    const pool = await newPool({}, inSession);
    await pool.register("writer", { priority: 1, max_tokens: 1_000 });
    await Promise.all(Array.from({ length: 100 }, () => pool.reserve("writer", 10)));
    const audit = await pool.audit();
    expect(audit).toMatchObject({ ok: true, seq: 102, rows: 3 });
  });

  it("are run once each, however often the connection is cut", async () => {
    const pool = await newPool({}, { ...inSession, retries: 20 });
    await pool.register("writer", { priority: 1, max_tokens: 1_000_000 });
    let done = 0;
    const work = Array.from({ length: 300 }, async () => {
      const hold = await pool.reserve("writer", 10);
      await hold.commit(7);
      if (++done % 40 === 0) await cut(pool);
      if (done % 100 === 0) await evictDurableObject(stubOf(pool));
    });
    await Promise.all(work);
    expect((await pool.ledger()).agents["writer"]).toMatchObject({ consumed: 2_100, held: 0 });
    expect(await pool.audit()).toMatchObject({ ok: true });
  });

  it("wait in line without keeping others waiting", async () => {
    const pool = await newPool({}, inSession);
    await pool.register("writer", { priority: 1, max_tokens: 1_000 });
    const first = await pool.reserve("writer", 1_000);
    const waiting = pool.reserve("writer", 500, { wait_ms: 30_000 });
    expect(await rejection(pool.reserve("writer", 1))).toBeInstanceOf(BudgetExceededError);
    await first.release();
    expect((await waiting).granted).toBe(500);
  });

  it("go on while many wait in line: what the waiters wait for must get through", async () => {
    const pool = await newPool({}, inSession);
    await pool.register("writer", { priority: 1, max_tokens: 1_000 });
    const first = await pool.reserve("writer", 1_000);
    const waiting = Array.from({ length: 12 }, () => pool.reserve("writer", 50, { wait_ms: 30_000 }));
    await first.release();
    expect((await Promise.all(waiting)).map(({ granted }) => granted)).toEqual(Array(12).fill(50));
  });

  it("do not pay for a neighbour's mistake in the same tick", async () => {
    for (const transport of ["session", "fetch"] as const) {
      const pool = await newPool({}, { transport, connect });
      await pool.register("writer", { priority: 1, max_tokens: 1_000 });
      const [wrong, right] = await Promise.allSettled([pool.record("writer", 0.5), pool.record("writer", 10)]);
      expect(wrong).toMatchObject({ status: "rejected", reason: { code: "invalid_request" } });
      expect(JSON.stringify(wrong)).not.toContain("/commands/");
      expect(right).toMatchObject({ status: "fulfilled", value: { consumed: 10 } });
    }
  });

  it("are refused after the client was closed, and those that were under way too", async () => {
    const bursar = newBursar(inSession);
    const pool = bursar.pool("closing");
    await pool.configure();
    await pool.register("writer", { priority: 1, max_tokens: 1_000 });
    const underWay = Array.from({ length: 8 }, () => pool.record("writer", 1));
    bursar.close();
    for (const call of [...underWay, pool.record("writer", 1)]) {
      expect(await rejection(call)).toMatchObject({ code: "closed" });
    }
  });

  it("are given up in time on a server that takes the connection and says nothing", async () => {
    const silent = (): WebSocket =>
      ({ readyState: 0, addEventListener: () => undefined, close: () => undefined }) as never;
    const pool = await newPool({}, { transport: "session", connect: silent, timeout_ms: 50, retries: 1 });
    expect(await rejection(pool.record("writer", 1))).toBeInstanceOf(UnreachableError);
  });

  it("are given up, not repeated for ever, when what they carry ends the session", async () => {
    let opened = 0;
    const closing = (): WebSocket => {
      opened++;
      const listeners = new Map<string, (event: object) => void>();
      const socket = {
        readyState: 1,
        addEventListener: (name: string, listener: (event: object) => void) => void listeners.set(name, listener),
        send: () => queueMicrotask(() => listeners.get("close")?.({ code: 1009, reason: "too large" })),
        close: () => undefined,
      };
      return socket as never;
    };
    const pool = await newPool({}, { transport: "session", connect: closing });
    expect(await rejection(pool.record("writer", 1))).toMatchObject({ code: "body_too_large" });
    expect(opened).toBe(1);
  });

  it("give back what was granted to a caller that had given up", async () => {
    const pool = await newPool({}, inSession);
    await pool.register("writer", { priority: 1, max_tokens: 1_000 });
    const controller = new AbortController();
    const reserving = pool.reserve("writer", 500, { signal: controller.signal });
    await Promise.resolve();
    controller.abort(new Error("never mind"));
    expect(await rejection(reserving)).toMatchObject({ message: "never mind" });
    // What was sent before is answered before; the release travels behind it.
    await pool.record("writer", 1);
    await pool.record("writer", 1);
    expect((await pool.ledger()).agents["writer"]).toMatchObject({ held: 0 });
  });

  it("fail with what to do when no session can be had, and the caller wanted nothing else", async () => {
    const refuse = (): Promise<WebSocket> => Promise.reject(new Error("no way through"));
    const pool = await newPool({}, { transport: "session", connect: refuse, retries: 1 });
    const error = await rejection(pool.record("writer", 1));
    expect(error).toBeInstanceOf(UnreachableError);
    expect(String(error)).toContain("no way through");
  });

  it("end with the key, and say so", async () => {
    const admin = newBursar();
    await admin.pool("ending").configure();
    await admin.pool("ending").register("writer", { priority: 1, max_tokens: 10 });
    const { key, key_id } = await admin.keys.create({ scope: "spend" });
    const pool = newBursar({ ...inSession, key }).pool("ending");
    await pool.record("writer", 1);
    await admin.keys.revoke(key_id);
    expect(await rejection(pool.record("writer", 1))).toMatchObject({ status: 401 });
  });
});

describe("a client that chooses by itself", () => {
  it("sends single calls as requests, and opens a session once calls come often", async () => {
    let requests = 0;
    const counting: typeof fetch = (input, init) => {
      requests++;
      return wire(input, init);
    };
    const pool = await newPool({}, { fetch: counting, connect });
    await pool.register("writer", { priority: 1, max_tokens: 1_000 });
    const before = requests;
    await pool.record("writer", 1);
    await pool.record("writer", 1);
    expect({ requests: requests - before, sessions: connections.length }).toEqual({ requests: 2, sessions: 0 });
    for (let i = 0; i < 40; i++) await pool.record("writer", 1);
    expect(connections).toHaveLength(1);
    expect(requests - before).toBeLessThan(42);
    expect((await pool.summary())["writer"]).toMatchObject({ consumed: 42 });
  });

  it("goes on with requests where no session gets through, and nothing is lost or doubled", async () => {
    const refuse = (): Promise<WebSocket> => Promise.reject(new Error("a proxy in the way"));
    const pool = await newPool({}, { connect: refuse, retries: 0 });
    await pool.register("writer", { priority: 1, max_tokens: 1_000 });
    await Promise.all(Array.from({ length: 50 }, () => pool.record("writer", 1)));
    expect((await pool.summary())["writer"]).toMatchObject({ consumed: 50 });
  });
});

describe("a reserve that waits", () => {
  it("goes as a request where no session gets through", async () => {
    const refuse = (): Promise<WebSocket> => Promise.reject(new Error("a proxy in the way"));
    const pool = await newPool({}, { connect: refuse, retries: 0 });
    await pool.register("writer", { priority: 1, max_tokens: 1_000 });
    await Promise.all(Array.from({ length: 30 }, () => pool.record("writer", 1)));
    expect((await pool.reserve("writer", 10, { wait_ms: 10_000 })).granted).toBe(10);
  });
});

describe("watching a pool", () => {
  it("ends when its reader says so from within", async () => {
    const pool = await newPool({}, inSession);
    await pool.register("writer", { priority: 1, max_tokens: 10 });
    const controller = new AbortController();
    const seen: number[] = [];
    for await (const { seq } of pool.watch({ signal: controller.signal })) {
      seen.push(seq);
      controller.abort();
    }
    expect(seen).toEqual([1]);
  });

  it("shows every event once and in order, from the beginning, over cuts and evictions", async () => {
    const pool = await newPool({}, inSession);
    await pool.register("writer", { priority: 1, max_tokens: 1_000 });
    const controller = new AbortController();
    const seen: number[] = [];
    const watching = (async () => {
      for await (const event of pool.watch({ signal: controller.signal })) {
        seen.push(event.seq);
        if (event.seq === 202) return;
      }
    })();
    for (let i = 0; i < 100; i++) {
      await (await pool.reserve("writer", 1)).commit(1);
      if (i % 30 === 10) await cut(pool);
      if (i === 50) await evictDurableObject(stubOf(pool));
    }
    await watching;
    expect(seen).toEqual(Array.from({ length: 202 }, (_, i) => i + 1));
  });

  it("tells of refusals, and ends when its caller says so", async () => {
    const pool = await newPool({}, inSession);
    await pool.register("writer", { priority: 1, max_tokens: 10 });
    const controller = new AbortController();
    const refused = new Promise((resolve) => {
      void (async () => {
        for await (const _ of pool.watch({ signal: controller.signal, refused: resolve })) {
          await rejection(pool.reserve("writer", 11));
        }
      })();
    });
    expect(await refused).toMatchObject({ op: "reserve", agent: "writer", code: "budget_exceeded" });
    controller.abort();
  });

  it("says that the pool is gone", async () => {
    const pool = await newPool({}, inSession);
    const watching = (async () => {
      for await (const _ of pool.watch()) await pool.delete();
    })();
    expect(await rejection(watching)).toMatchObject({ code: "pool_not_found" });
  });
});
