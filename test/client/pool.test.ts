import { describe, expect, it } from "vitest";
import { BudgetExceededError, Bursar, BursarError, UnreachableError } from "../../src/client/index.ts";
import { newBursar, newPool, rejection, wire } from "./stage.ts";

describe("a hold", () => {
  it("is committed with what was used, and the rest returns", async () => {
    const pool = await newPool();
    await pool.register("writer", { priority: 1, max_tokens: 1000 });
    const hold = await pool.reserve("writer", 400, { ttl_ms: 60_000, metadata: { run: "1" } });
    expect(hold).toMatchObject({ agent: "writer", granted: 400, transfers: [] });
    const before = hold.expires_at;
    await hold.extend(600_000);
    expect(hold.expires_at).toBeGreaterThan(before);
    expect(await hold.commit(150)).toMatchObject({ state: "committed", consumed: 150 });
    expect(await hold.commit(150)).toMatchObject({ replayed: true });
    expect(await rejection(hold.commit(151))).toMatchObject({ code: "reservation_settled", status: 409 });
    expect(await pool.reservation(hold.id)).toMatchObject({ state: "committed", metadata: { run: "1" } });
    expect(await pool.summary()).toEqual({ writer: { allocated: 1000, consumed: 150, remaining: 850 } });
  });

  it("is given back at the end of its scope unless it was committed", async () => {
    const pool = await newPool();
    await pool.register("writer", { priority: 1, max_tokens: 1000 });
    {
      await using hold = await pool.reserve("writer", 400);
      expect(hold.granted).toBe(400);
    }
    {
      await using hold = await pool.reserve("writer", 400);
      await hold.commit(10);
    }
    expect((await pool.ledger()).agents["writer"]).toMatchObject({ held: 0, consumed: 10 });
  });

  it("takes less with at_least, waits with wait_ms, and is the same reservation with the same id", async () => {
    const pool = await newPool();
    await pool.register("writer", { priority: 1, max_tokens: 1000 });
    const first = await pool.reserve("writer", 5000, { at_least: 100, id: "one" });
    expect(first.granted).toBe(1000);
    expect((await pool.reserve("writer", 5000, { at_least: 100, id: "one" })).granted).toBe(1000);
    const waiting = pool.reserve("writer", 50, { wait_ms: 20_000 });
    await first.commit(900);
    expect((await waiting).granted).toBe(50);
    expect(await rejection(pool.reserve("writer", 51))).toBeInstanceOf(BudgetExceededError);
  });
});

describe("a pool", () => {
  it("offers every verb of the protocol", async () => {
    const pool = await newPool({ budget: 1000 });
    await pool.register("boss", { priority: 5, max_tokens: 100 });
    await pool.register("helper", { priority: 1, max_tokens: 500, min_reserve: 0 });
    expect(await pool.fund(500)).toMatchObject({ amount: 500, total: 1500 });
    expect(await pool.reallocate("boss", 950, { dry_run: true })).toMatchObject({ moved: 950, dry_run: true });
    expect(await pool.reallocate("boss", 950)).toMatchObject({ moved: 950, donors: [{ agent: "helper", gives: 50 }] });
    expect(await pool.record("helper", 20, { confidence: 0.5 })).toMatchObject({ consumed: 20 });
    expect(await pool.agent("helper").reset()).toMatchObject({ agent: { consumed: 0 } });
    expect(await pool.agent("boss").view()).toMatchObject({ allocated: 1050, contract: { priority: 5 } });
    expect(await pool.agent("helper").close()).toMatchObject({ state: "closed" });
    const page = await pool.journal(0, 3);
    expect(page.events).toHaveLength(3);
    expect((await pool.journal(page.next)).events[0]).toMatchObject({ seq: 4 });
    expect(await pool.delete()).toEqual({ deleted: true });
    expect(await rejection(pool.ledger())).toMatchObject({ code: "pool_not_found" });
  });
});

describe("when answers get lost", () => {
  /** Sends every request, and loses the answers that `loses` says, by their number from 0. */
  function losing(loses: (count: number) => boolean): { readonly sent: string[]; readonly fetch: typeof fetch } {
    const sent: string[] = [];
    return {
      sent,
      fetch: async (input, init) => {
        const count = sent.push(typeof init?.body === "string" ? init.body : "") - 1;
        const response = await wire(input, init);
        if (loses(count)) throw new TypeError("the connection was lost");
        return response;
      },
    };
  }

  it("repeats with the same id, and nothing is booked twice", async () => {
    const lossy = losing((count) => count % 2 === 0);
    const pool = await newPool({}, { fetch: lossy.fetch });
    await pool.register("writer", { priority: 1, max_tokens: 1000 });
    const hold = await pool.reserve("writer", 400);
    await hold.commit(300);
    await pool.record("writer", 50);
    expect(await pool.summary()).toEqual({ writer: { allocated: 1000, consumed: 350, remaining: 650 } });
    const reserves = lossy.sent.filter((body) => body.includes('"tokens":400'));
    expect(reserves).toHaveLength(2);
    expect(reserves[0]).toBe(reserves[1]);
  });

  it("never repeats a refusal", async () => {
    const counting = losing(() => false);
    const pool = await newPool({}, { fetch: counting.fetch });
    await pool.register("writer", { priority: 1, max_tokens: 10 });
    const before = counting.sent.length;
    expect(await rejection(pool.reserve("writer", 400))).toBeInstanceOf(BudgetExceededError);
    expect(counting.sent).toHaveLength(before + 1);
  });

  it("says that the governor can't be reached, where, and what to do", async () => {
    const dead = newBursar({ fetch: () => Promise.reject(new TypeError("fetch failed")), retries: 0 });
    const error = await rejection(dead.pool("p").summary());
    expect(error).toBeInstanceOf(UnreachableError);
    expect(error).toMatchObject({ code: "unreachable" });
    expect(String(error)).toContain("https://bursar.test");
  });

  it("stops when the caller aborts", async () => {
    const controller = new AbortController();
    const pool = await newPool();
    await pool.register("writer", { priority: 1, max_tokens: 10 });
    const waiting = pool.reserve("writer", 50, { wait_ms: 20_000, signal: controller.signal });
    controller.abort(new Error("enough"));
    expect(await rejection(waiting)).toMatchObject({ message: "enough" });
  });

  it("tells a wrong key from a refusal", async () => {
    const stranger = newBursar({ key: "not-the-key-of-anybody-0123456789abcdef" });
    const error = await rejection(stranger.pool("p").summary());
    expect(error).toBeInstanceOf(BursarError);
    expect(error).toMatchObject({ code: "unauthorized", status: 401 });
  });

  it("refuses to be made without an address or key", () => {
    expect(() => new Bursar({ url: "localhost:8787", key: "k" })).toThrow("url must begin with");
    expect(() => new Bursar({ url: "http://localhost:8787", key: "" })).toThrow("key is missing");
  });
});
