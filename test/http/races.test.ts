/**
 * Many callers at once: never more is admitted than there is, nobody is refused what is there, and every repeat has one
 * effect. What arrives in which order is left to the runtime; the mix is shuffled by a seed that names the test.
 */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { randomOf } from "../support/random.ts";
import { agentIn, api, audited, type Json, must, newPath, newPool, newTenant, type Reply } from "./api.ts";

function post(path: string, body: unknown): Promise<Reply> {
  return api("POST", path, { body });
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

function withStatus(replies: readonly Reply[], status: number): Reply[] {
  return replies.filter((reply) => reply.status === status);
}

function sum(replies: readonly Reply[], field: string): number {
  return replies.reduce((total, { body }) => total + Number(body[field] ?? 0), 0);
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** Every event of a pool's journal, in order. */
async function journalOf(pool: string): Promise<Json[]> {
  const all: Json[] = [];
  for (let after = 0; ;) {
    const { events, next } = await must(api("GET", `${pool}/journal?after=${after}`));
    if (!Array.isArray(events) || events.length === 0) return all;
    all.push(...events);
    after = Number(next);
  }
}

async function eventsOf(pool: string): Promise<Map<unknown, Json[]>> {
  return Map.groupBy(await journalOf(pool), ({ type }) => type);
}

/** The most that was held at any one moment, as the journal tells it. */
async function mostHeld(pool: string): Promise<number> {
  const open = new Map<unknown, number>();
  let [held, most] = [0, 0];
  for (const { type, id, granted } of await journalOf(pool)) {
    if (type === "reserved") open.set(id, Number(granted));
    held += type === "reserved" ? Number(granted) : -(open.get(id) ?? 0);
    if (type !== "reserved") open.delete(id);
    most = Math.max(most, held);
  }
  return most;
}

describe("callers that reserve at once", () => {
  const sizes = [2, 8, 64, 256].flatMap((callers) =>
    [0, 1, Math.floor(callers / 3), callers - 1, callers, callers + 5].flatMap((room) =>
      // 99 more is nearly enough for another one, and not quite.
      [0, 99].map((spare) => [callers, room, spare] as const),
    ),
  );

  it.each([...new Map(sizes.map((size) => [size.join(), size])).values()])(
    "%i of them get all of the room for %i and %i tokens, and not one more",
    async (callers, room, spare) => {
      const pool = await newPool({}, { swarm: { max_tokens: room * 100 + spare } });
      const replies = await Promise.all(
        times(callers, () => post(`${pool}/reservations`, { agent: "swarm", tokens: 100 })),
      );
      const admitted = Math.min(callers, room);
      expect(withStatus(replies, 201)).toHaveLength(admitted);
      expect(withStatus(replies, 402)).toHaveLength(callers - admitted);
      expect(new Set(withStatus(replies, 201).map(({ body }) => body["id"])).size).toBe(admitted);
      const left = (room - admitted) * 100 + spare;
      expect(await agentIn(pool, "swarm")).toMatchObject({ held: admitted * 100, available: left, consumed: 0 });
      await audited(pool);
    },
  );

  it("share one budget among many agents of one pool", async () => {
    const agents = Object.fromEntries(times(16, (i) => [`a${i}`, { max_tokens: 100, min_reserve: 0 }]));
    const pool = await newPool({}, agents);
    const replies = await Promise.all(
      times(128, (i) => post(`${pool}/reservations`, { agent: `a${i % 16}`, tokens: 50 })),
    );
    expect(withStatus(replies, 201)).toHaveLength(32);
    expect(withStatus(replies, 402)).toHaveLength(96);
    await audited(pool);
  });

  it.each([1, 2, 3, 4, 5])("take less if they may, until nothing is left, seed %i", async (seed) => {
    const random = randomOf(seed);
    const pool = await newPool({}, { swarm: { max_tokens: 5_000 } });
    const replies = await Promise.all(
      times(64, () => {
        const tokens = 100 + Math.floor(random() * 200);
        return post(`${pool}/reservations`, { agent: "swarm", tokens, at_least: 1 });
      }),
    );
    const granted = withStatus(replies, 201);
    expect(sum(granted, "granted")).toBe(5_000);
    expect(granted.length + withStatus(replies, 402).length).toBe(64);
    // Whoever was refused asked when not one token was left; at most one was given less than it asked for.
    for (const { body } of withStatus(replies, 402)) expect(body).toMatchObject({ available: 0, at_least: 1 });
    expect(await agentIn(pool, "swarm")).toMatchObject({ held: 5_000, available: 0 });
    await audited(pool);
  });

  it.each([1, 2, 3])("mix those that take less with those that don't, seed %i", async (seed) => {
    const random = randomOf(seed);
    const pool = await newPool({}, { swarm: { max_tokens: 3_000 } });
    const replies = await Promise.all(
      times(96, () => {
        const tokens = 40 + Math.floor(random() * 160);
        const at_least = random() < 0.5 ? tokens : Math.ceil(tokens / 2);
        return post(`${pool}/reservations`, { agent: "swarm", tokens, at_least });
      }),
    );
    const held = sum(withStatus(replies, 201), "granted");
    expect(held).toBeLessThanOrEqual(3_000);
    expect(await agentIn(pool, "swarm")).toMatchObject({ held, available: 3_000 - held });
    // No false denial: whoever was refused needed more than there was, and so more than is left in the end.
    for (const { body } of withStatus(replies, 402)) {
      expect(Number(body["at_least"])).toBeGreaterThan(Number(body["available"]));
      expect(Number(body["at_least"])).toBeGreaterThan(3_000 - held);
    }
    await audited(pool);
  });

  it.each([8, 64, 256])(
    "%i of them empty their own budget, then the donors', down to what those keep",
    async (callers) => {
      const donor = { max_tokens: 1_000, min_reserve: 100 };
      const pool = await newPool({}, { boss: { priority: 5, max_tokens: 500 }, d1: donor, d2: donor, d3: donor });
      const replies = await Promise.all(
        times(callers, () => post(`${pool}/reservations`, { agent: "boss", tokens: 100 })),
      );
      const admitted = Math.min(callers, 5 + 27);
      expect(withStatus(replies, 201)).toHaveLength(admitted);
      expect(withStatus(replies, 402)).toHaveLength(callers - admitted);
      const { total, agents } = await must(api("GET", `${pool}/report`));
      expect(total).toBe(3_500);
      const entries: Json = Object(agents);
      expect(entries["boss"]).toMatchObject({ held: admitted * 100, overage: 0 });
      for (const name of ["d1", "d2", "d3"]) {
        const { allocated, available } = Object(entries[name]);
        expect(allocated).toBeGreaterThanOrEqual(100);
        expect(available).toBe(allocated);
      }
      await audited(pool);
    },
  );

  it("take from each other without making or losing a token", async () => {
    const pool = await newPool({}, { a: { min_reserve: 0 }, b: { min_reserve: 0 }, c: { min_reserve: 0 } });
    const replies = await Promise.all(
      times(120, (i) => post(`${pool}/reservations`, { agent: ["a", "b", "c"][i % 3], tokens: 50 })),
    );
    expect(withStatus(replies, 201)).toHaveLength(60);
    expect(withStatus(replies, 402)).toHaveLength(60);
    const report = await must(api("GET", `${pool}/report`));
    const agents = Object.values(Object(report["agents"])).map((agent) => Object(agent));
    expect(agents.reduce((allocated, agent) => allocated + agent.allocated, 0)).toBe(3_000);
    expect(agents.reduce((held, agent) => held + agent.held, 0)).toBe(3_000);
    await audited(pool);
  });

  it("never lower a donor's budget below what it is spending itself", async () => {
    const pool = await newPool({}, { boss: { priority: 5, max_tokens: 0 }, low: { min_reserve: 200 } });
    const replies = await Promise.all(
      times(100, (i) => post(`${pool}/reservations`, { agent: i % 2 === 0 ? "boss" : "low", tokens: 50 })),
    );
    // The low agent spends its whole 1,000 on its own, less what the boss took: together never more than there was.
    const held = sum(withStatus(replies, 201), "granted");
    expect(held).toBe(1_000);
    const low = await agentIn(pool, "low");
    expect(low["available"]).toBe(0);
    expect(low["allocated"]).toBeGreaterThanOrEqual(200);
    await audited(pool);
  });

  it("wait in line for what others give back, and all of them get it in the end", async () => {
    const pool = await newPool({}, { swarm: { max_tokens: 400 } });
    const one = async (index: number): Promise<void> => {
      const body = { agent: "swarm", tokens: 100, id: `w${index}`, wait_ms: 60_000 };
      await must(post(`${pool}/reservations`, body));
      await must(post(`${pool}/reservations/w${index}/commit`, { tokens: 0 }));
    };
    await Promise.all(times(60, one));
    expect(await agentIn(pool, "swarm")).toMatchObject({ held: 0, consumed: 0, allocated: 400 });
    expect((await eventsOf(pool)).get("reserved")).toHaveLength(60);
    expect(await mostHeld(pool)).toBe(400);
    await audited(pool);
  });
});

describe("callers that settle one reservation at once", () => {
  it.each([1, 2, 3])("commit, release and another commit: exactly one wins, seed %i", async (seed) => {
    const random = randomOf(seed);
    const pool = await newPool({}, { a: { max_tokens: 100_000 } });
    const ids = times(24, (i) => `r${i}`);
    await Promise.all(ids.map((id) => must(post(`${pool}/reservations`, { agent: "a", tokens: 100, id }))));
    const requests = ids.flatMap((id) => [
      { id, verb: "commit", body: { tokens: 10 } },
      { id, verb: "release", body: {} },
      { id, verb: "commit", body: { tokens: 70 } },
    ]);
    const replies = await Promise.all(
      shuffled(requests, random).map(({ id, verb, body }) => post(`${pool}/reservations/${id}/${verb}`, body)),
    );
    expect(withStatus(replies, 200)).toHaveLength(24);
    expect(withStatus(replies, 409)).toHaveLength(48);
    const winners = withStatus(replies, 200);
    expect(new Set(winners.map(({ body }) => body["id"])).size).toBe(24);
    // Everybody else is told of the one that won.
    const settled = new Map(winners.map(({ body: { id, state, consumed } }) => [id, { id, state, consumed }]));
    for (const { body } of withStatus(replies, 409)) expect(body).toMatchObject(Object(settled.get(body["id"])));
    const consumed = sum(winners, "consumed");
    expect(await agentIn(pool, "a")).toMatchObject({ consumed, held: 0, available: 100_000 - consumed });
    await audited(pool);
  });

  it("the same commit from fifty: booked once, and all are told the same", async () => {
    const pool = await newPool({}, { a: {} });
    await must(post(`${pool}/reservations`, { agent: "a", tokens: 100, id: "r" }));
    const replies = await Promise.all(times(50, () => post(`${pool}/reservations/r/commit`, { tokens: 60 })));
    expect(withStatus(replies, 200)).toHaveLength(50);
    expect(replies.filter(({ body }) => body["replayed"] !== true)).toHaveLength(1);
    expect(new Set(replies.map(({ body }) => JSON.stringify({ ...body, replayed: true }))).size).toBe(1);
    expect(await agentIn(pool, "a")).toMatchObject({ consumed: 60, held: 0 });
    await audited(pool);
  });

  it("extend and commit: a lease is moved only while it is held", async () => {
    const pool = await newPool({}, { a: { max_tokens: 10_000 } });
    const ids = times(20, (i) => `r${i}`);
    await Promise.all(ids.map((id) => must(post(`${pool}/reservations`, { agent: "a", tokens: 10, id }))));
    const replies = await Promise.all(
      ids.flatMap((id, i) => {
        const extend = (): Promise<Reply> => post(`${pool}/reservations/${id}/extend`, { ttl_ms: 500_000 });
        const commit = (): Promise<Reply> => post(`${pool}/reservations/${id}/commit`, { tokens: 10 });
        return i % 2 === 0 ? [extend(), commit()] : [commit(), extend()];
      }),
    );
    expect(new Set(replies.map(({ status }) => status)).difference(new Set([200, 409])).size).toBe(0);
    expect(replies.filter(({ body }) => body["state"] === "committed" && body["granted"] === 10)).toHaveLength(20);
    expect(await agentIn(pool, "a")).toMatchObject({ consumed: 200, held: 0 });
    await audited(pool);
  });
});

describe("a request that fifty send at once under one id", () => {
  const requests: readonly (readonly [path: string, body: Json, event: string])[] = [
    ["/reservations", { agent: "a", tokens: 100 }, "reserved"],
    ["/usage", { agent: "a", tokens: 100 }, "recorded"],
    ["/reallocations", { agent: "a", tokens: 100 }, "reallocated"],
    ["/funds", { tokens: 100 }, "funded"],
    ["/agents/a/reset", {}, "reset"],
    ["/agents/a/reopen", {}, "reopened"],
  ];

  it.each(requests)("POST %s has one effect and one answer", async (path, body, event) => {
    const pool = await newPool({ budget: 10_000 }, { a: {} });
    const replies = await Promise.all(times(50, () => post(pool + path, { ...body, id: "once" })));
    expect(replies.every(({ status }) => status === 200 || status === 201)).toBe(true);
    expect(replies.filter(({ body: answer }) => answer["replayed"] !== true)).toHaveLength(1);
    expect(new Set(replies.map((reply) => JSON.stringify({ ...reply.body, replayed: true }))).size).toBe(1);
    expect((await eventsOf(pool)).get(event)).toHaveLength(1);
    await audited(pool);
  });

  it("with as many contents has the effect of one, and the others are told what differs", async () => {
    const pool = await newPool({}, { a: { max_tokens: 100_000 } });
    const replies = await Promise.all(
      times(50, (i) => post(`${pool}/reservations`, { agent: "a", tokens: 100 + i, id: "once" })),
    );
    const [winner] = withStatus(replies, 201);
    expect(withStatus(replies, 201)).toHaveLength(1);
    expect(withStatus(replies, 422)).toHaveLength(49);
    for (const { body } of withStatus(replies, 422)) expect(body).toMatchObject({ code: "id_reused", field: "amount" });
    expect(await agentIn(pool, "a")).toMatchObject({ held: winner?.body["granted"] });
    await audited(pool);
  });

  it("of two kinds has the effect of one kind", async () => {
    const pool = await newPool({}, { a: { max_tokens: 100_000 } });
    const body = { agent: "a", tokens: 100, id: "once" };
    const replies = await Promise.all(
      times(50, (i) => post(`${pool}/${i % 2 === 0 ? "reservations" : "usage"}`, body)),
    );
    expect(withStatus(replies, 201)).toHaveLength(25);
    expect(withStatus(replies, 422)).toHaveLength(25);
    const { held, consumed } = await agentIn(pool, "a");
    expect(Number(held) + Number(consumed)).toBe(100);
    await audited(pool);
  });

  it("waiting in line, is granted once", async () => {
    const pool = await newPool({}, { a: {} });
    await must(post(`${pool}/reservations`, { agent: "a", tokens: 1_000, id: "r" }));
    const body = { agent: "a", tokens: 400, id: "once", wait_ms: 60_000 };
    const waiting = times(50, () => post(`${pool}/reservations`, body));
    await must(post(`${pool}/reservations/r/release`, {}));
    const replies = await Promise.all(waiting);
    expect(withStatus(replies, 201)).toHaveLength(50);
    expect(new Set(replies.map((reply) => JSON.stringify({ ...reply.body, replayed: true }))).size).toBe(1);
    expect(await agentIn(pool, "a")).toMatchObject({ held: 400 });
    await audited(pool);
  });
});

describe("the first requests of a pool", () => {
  it.each([1, 2, 3, 4, 5])("may come in any order while it is being made, seed %i", async (seed) => {
    const random = randomOf(seed);
    const pool = newPath();
    const make = times(8, () => () => api("PUT", pool, { body: {} }));
    const register = times(8, () => () => api("PUT", `${pool}/agents/a`, { body: { priority: 1, max_tokens: 1_000 } }));
    const reserve = times(64, () => () => post(`${pool}/reservations`, { agent: "a", tokens: 100 }));
    const read = times(8, () => () => api("GET", `${pool}/report`));
    const replies = await Promise.all(
      shuffled([...make, ...register, ...reserve, ...read], random).map((request) => request()),
    );
    expect(new Set(replies.map(({ status }) => status)).difference(new Set([200, 201, 402, 404])).size).toBe(0);
    const refused = withStatus(replies, 404).map(({ body }) => body["code"]);
    expect(new Set(refused).difference(new Set(["pool_not_found", "agent_not_found"])).size).toBe(0);
    const admitted = withStatus(replies, 201).length;
    expect(admitted).toBeLessThanOrEqual(10);
    if (withStatus(replies, 402).length > 0) expect(admitted).toBe(10);

    const events = await eventsOf(pool);
    expect(events.get("configured")).toHaveLength(1);
    expect(events.get("reserved") ?? []).toHaveLength(admitted);
    // Registering may have lost against making the pool, but it happened once at most.
    expect((events.get("registered") ?? []).length).toBeLessThanOrEqual(1);
    await audited(pool);
  });

  it("make one pool of a hundred that all want to be first, with the settings of the first", async () => {
    const pool = newPath();
    const replies = await Promise.all(times(100, () => api("PUT", pool, { body: { budget: 1_000 } })));
    expect(withStatus(replies, 200)).toHaveLength(100);
    for (const { body } of replies) expect(body).toMatchObject({ seq: 1, total: 1_000, unallocated: 1_000 });
    await audited(pool);
  });
});

describe("a contract that changes while its agent spends", () => {
  it.each([1, 2, 3])("never moves what was consumed, seed %i", async (seed) => {
    const random = randomOf(seed);
    const pool = await newPool({}, { a: { max_tokens: 1_000 }, b: { max_tokens: 500 } });
    const spend = times(64, (i) => () => post(`${pool}/usage`, { agent: "a", tokens: 10, id: `u${i}` }));
    const change = times(32, (i) => () => {
      const max_tokens = [1_000, 2_000, 3_000, 1_500][i % 4];
      return api("PUT", `${pool}/agents/a`, { body: { priority: 1 + (i % 3), max_tokens } });
    });
    const replies = await Promise.all(shuffled([...spend, ...change], random).map((request) => request()));
    expect(withStatus(replies, 201)).toHaveLength(64);
    expect(new Set(replies.map(({ status }) => status)).difference(new Set([200, 201, 409])).size).toBe(0);
    expect(await agentIn(pool, "a")).toMatchObject({ consumed: 640 });
    // No answer to a contract ever showed less spend than an earlier one.
    const shown = withStatus(replies, 200).map(({ body }) => ({
      seq: Number(body["seq"]),
      consumed: Number(Object(body["agent"]).consumed),
    }));
    const inOrder = shown.toSorted((x, y) => x.seq - y.seq).map(({ consumed }) => consumed);
    expect(inOrder).toEqual(inOrder.toSorted((x, y) => x - y));
    await audited(pool);
  });

  it.each([1, 2, 3])("never takes away what is held, seed %i", async (seed) => {
    const random = randomOf(seed);
    const pool = await newPool({ budget: 5_000 }, { a: { max_tokens: 2_000 } });
    const reserve = times(60, () => () => post(`${pool}/reservations`, { agent: "a", tokens: 50 }));
    const change = times(30, (i) => () => {
      return api("PUT", `${pool}/agents/a`, { body: { priority: 1, max_tokens: [500, 2_000, 1_000][i % 3] } });
    });
    const replies = await Promise.all(shuffled([...reserve, ...change], random).map((request) => request()));
    const held = sum(withStatus(replies, 201), "granted");
    const { allocated, ...a } = await agentIn(pool, "a");
    expect(a).toMatchObject({ held, overage: 0, consumed: 0 });
    expect(allocated).toBeGreaterThanOrEqual(held);
    expect(await must(api("GET", pool))).toMatchObject({ total: 5_000, unallocated: 5_000 - Number(allocated) });
    await audited(pool);
  });

  it("hands out a unallocated once, however many want to be registered with it", async () => {
    const pool = await newPool({ budget: 1_000 });
    const replies = await Promise.all([
      ...times(40, (i) => api("PUT", `${pool}/agents/a${i}`, { body: { priority: 1, max_tokens: 300 } })),
      ...times(10, () => post(`${pool}/funds`, { tokens: -300 })),
    ]);
    expect(replies.filter(({ status }) => status < 300)).toHaveLength(3);
    expect(withStatus(replies, 409)).toHaveLength(47);
    expect(await must(api("GET", pool))).toMatchObject({ unallocated: 100 });
    await audited(pool);
  });

  it("closes an agent once, and settles all that it still held", async () => {
    const pool = await newPool({}, { a: { max_tokens: 10_000 } });
    const ids = times(40, (i) => `r${i}`);
    const replies = await Promise.all([
      ...ids.slice(0, 20).map((id) => post(`${pool}/reservations`, { agent: "a", tokens: 10, id })),
      api("DELETE", `${pool}/agents/a`),
      api("DELETE", `${pool}/agents/a`),
      ...ids.slice(20).map((id) => post(`${pool}/reservations`, { agent: "a", tokens: 10, id })),
    ]);
    const held = withStatus(replies, 201).map(({ body }) => String(body["id"]));
    const settled = await Promise.all(held.map((id) => post(`${pool}/reservations/${id}/commit`, { tokens: 10 })));
    expect(settled.every(({ status }) => status === 200)).toBe(true);
    expect((await eventsOf(pool)).get("closed")).toHaveLength(1);
    expect((await api("GET", `${pool}/agents/a`)).status).toBe(404);
    await audited(pool);
  });
});

describe("batches at once", () => {
  it("each run as one, between the others", async () => {
    const pool = await newPool({}, { a: { max_tokens: 1_000 } });
    const replies = await Promise.all(
      times(30, (batch) =>
        post(`${pool}/batch`, {
          commands: times(10, (i) => ({ op: "reserve", id: `${batch}-${i}`, agent: "a", tokens: 10 })),
        }),
      ),
    );
    const perBatch = replies.map(({ body }) => {
      const results = Array.isArray(body["results"]) ? body["results"] : [];
      return results.filter(({ status }) => status === 201).length;
    });
    // A hundred fit: ten whole batches, and none in part.
    expect(perBatch.filter((count) => count === 10)).toHaveLength(10);
    expect(perBatch.filter((count) => count === 0)).toHaveLength(20);
    await audited(pool);
  });
});

describe("a pool that is deleted while others use it", () => {
  it("answers everybody, and no 5xx", async () => {
    const pool = await newPool({}, { a: {} });
    const replies = await Promise.all(
      times(60, (i) =>
        i === 30
          ? api("DELETE", `${pool}?force=true`)
          : post(`${pool}/reservations`, { agent: "a", tokens: 10, id: `r${i}` }),
      ),
    );
    expect(new Set(replies.map(({ status }) => status)).difference(new Set([200, 201, 404])).size).toBe(0);
    expect((await api("GET", pool)).status).toBe(404);
  });

  async function listed(tenant: string): Promise<unknown> {
    const { pools } = await must(api("GET", "/v1/pools", { tenant }));
    return Array.isArray(pools) ? pools.map(({ name }) => name) : pools;
  }

  it("is listed exactly if it is there, however often it is made and deleted at once", async () => {
    const tenant = newTenant();
    await must(api("PUT", "/v1/pools/p", { tenant, body: {} }));
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        times(6, (i) =>
          (i + round) % 2 === 0
            ? api("PUT", "/v1/pools/p", { tenant, body: {} })
            : api("DELETE", "/v1/pools/p?force=true", { tenant }),
        ),
      );
      const { status } = await api("GET", "/v1/pools/p", { tenant });
      expect(await listed(tenant)).toEqual(status === 200 ? ["p"] : []);
    }
  });

  it("is taken out of the list by a repeat, if the first deletion got only half way", async () => {
    const tenant = newTenant();
    await must(api("PUT", "/v1/pools/p", { tenant, body: {} }));
    // The pool is emptied, and the tenant's object dies before it hears of it.
    await env.POOLS.getByName(`${tenant}/p`).remove({ key_id: null, agent: null, expires_at: null }, true);
    expect(await listed(tenant)).toEqual(["p"]);
    expect(await must(api("DELETE", "/v1/pools/p", { tenant }))).toEqual({ deleted: true });
    expect(await listed(tenant)).toEqual([]);
    expect(await api("DELETE", "/v1/pools/p", { tenant })).toMatchObject({ status: 404 });
  });
});
