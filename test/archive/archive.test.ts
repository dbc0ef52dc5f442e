/**
 * The journal leaves: shipped to a real bucket, trimmed, the pool deleted, and restored from what was shipped. What is
 * in the archive is verified as anybody would verify it, without the pool.
 */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { readSegment } from "../../src/archive/segment.ts";
import { verify } from "../../src/archive/verify.ts";
import { toImage } from "../../src/engine/image.ts";
import { report } from "../../src/engine/results.ts";
import { keepPause } from "../../src/pool/damage.ts";
import { ship, shipped } from "../../src/pool/shipping.ts";
import { snapshotHead } from "../../src/pool/snapshot.ts";
import { trim, trimmedTo } from "../../src/pool/trimming.ts";
import type { Command } from "../../src/protocol/commands.ts";
import { api, must, newTenant } from "../http/api.ts";
import { all, anybody, audited, findings, heavy, livePool, newStub, onStorage, register, Stub } from "../pool/stage.ts";
import { randomOf } from "../support/random.ts";

afterEach(() => void vi.useRealTimers());

const day = 86_400_000;

/** All that is archived of `owner`, by its keys. */
async function archived(owner: string): Promise<[string, string][]> {
  const { objects } = await env.ARCHIVE.list({ prefix: `${owner}/` });
  const texts = objects.map(async ({ key }): Promise<[string, string]> => {
    const object = await env.ARCHIVE.get(key);
    return [key, (await object?.text()) ?? ""];
  });
  return Promise.all(texts);
}

/** Days in a pool's life: reserves, commits, records, contracts and periods, by chance. */
function life(random: () => number, nth: number): Command[] {
  const agent = ["a", "b"][Math.floor(random() * 2)] ?? "a";
  const id = `c${nth}`;
  const amount = 1 + Math.floor(random() * 50);
  const luck = random();
  if (luck < 0.1) return [{ op: "reset_period", id }];
  if (luck < 0.2) return [{ op: "register", agent, priority: Math.floor(random() * 5), max: 500, unit: "tokens" }];
  if (luck < 0.5) return [{ op: "record", id, agent, amount, unit: "tokens" }];
  return [
    { op: "reserve", id, agent, amount, unit: "tokens", on_expiry: random() < 0.5 ? "charge" : "release" },
    ...(random() < 0.8 ? [{ op: "commit", id, amount: Math.floor(random() * 60), unit: "tokens" } as const] : []),
  ];
}

async function lived(stub: Stub, days: number): Promise<void> {
  const random = randomOf(7);
  const own = { ...register("b", 1, 500), refill: { every: "day" } } as const;
  await all(stub.run([{ op: "configure", budget: 10_000, refill: { every: "week" } }, register("a", 2, 500), own]));
  for (let nth = 0; nth < days * 20; nth++) {
    await stub.run(life(random, nth));
    vi.setSystemTime(Date.now() + day / 20);
  }
}

function alarm(stub: Stub): Promise<void> {
  return runInDurableObject(stub.raw, (instance) => instance.alarm());
}

function archiveOf(stub: Stub): Promise<unknown> {
  return stub.raw.query(anybody, { about: "archive" });
}

describe("a pool's whole history", () => {
  it("is shipped by alarm, trimmed, deleted, and restored: the same report, a clean audit, a chain that verifies", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2090, 0, 1) });
    const tenant = newTenant();
    const pool = "/v1/pools/team";
    await must(api("PUT", pool, { tenant, body: { journal_days: 7 } }));
    await must(api("DELETE", pool, { tenant }));
    const stub = new Stub(`${tenant}/team`);
    await must(api("PUT", pool, { tenant, body: { journal_days: 7, budget: 10_000 } }));
    await lived(stub, 30);
    await alarm(stub);
    const { seq, trimmed } = (await must(api("GET", `${pool}/archive`, { tenant }))) as Record<string, number>;
    expect(await must(api("GET", `${pool}/archive`, { tenant }))).toEqual({
      archive: true,
      seq,
      shipped: seq,
      trimmed,
    });
    expect(trimmed).toBeGreaterThan((seq ?? 0) / 2);
    await audited(stub);
    // What was trimmed is gone here, and whoever asks for it is told.
    const gone = await api("GET", `${pool}/journal?after=0`, { tenant });
    expect(gone).toMatchObject({ status: 410, body: { code: "journal_trimmed", trimmed } });
    await must(api("GET", `${pool}/journal?after=${trimmed}`, { tenant }));
    await evictDurableObject(stub.raw);
    await audited(stub);

    const before = await must(api("GET", `${pool}/report`, { tenant }));
    const periods = await must(api("GET", `${pool}/periods`, { tenant }));
    const verdict = verify(await archived(`${tenant}/team`));
    expect(verdict).toMatchObject({ ok: true, findings: [], tenant, pool: "team", seq });
    if (verdict.state === null) throw new Error("no state");
    expect(JSON.parse(JSON.stringify(report(verdict.state, "team")))).toEqual(before);

    const occupied = await api("POST", `${pool}/restore`, { tenant, body: {} });
    expect(occupied).toMatchObject({ status: 409, body: { code: "contract_conflict", field: "pool" } });
    await must(api("DELETE", `${pool}?force=true`, { tenant }));
    expect(await must(api("POST", `${pool}/restore`, { tenant, body: {} }))).toEqual({ seq });
    expect(await must(api("GET", "/v1/pools", { tenant }))).toMatchObject({ pools: [{ name: "team" }] });
    expect(await must(api("GET", `${pool}/report`, { tenant }))).toEqual(before);
    expect(await must(api("GET", `${pool}/periods`, { tenant }))).toEqual(periods);
    await audited(stub);
    // It has its whole journal again, goes on, and ships what comes to the same chain.
    await must(api("GET", `${pool}/journal?after=0`, { tenant }));
    await must(api("POST", `${pool}/usage`, { tenant, body: { agent: "a", tokens: 1 } }));
    expect(await must(api("POST", `${pool}/archive`, { tenant, body: {} }))).toMatchObject({ trimmed: 0 });
    expect(verify(await archived(`${tenant}/team`))).toMatchObject({ ok: true, findings: [] });
    await evictDurableObject(stub.raw);
    await audited(stub);
  });

  it("is refused to be restored where the archive has none, or what it has was changed", async () => {
    const tenant = newTenant();
    const pool = "/v1/pools/team";
    const none = await api("POST", `${pool}/restore`, { tenant, body: {} });
    expect(none).toMatchObject({ status: 404, body: { code: "archive_not_found" } });
    expect(await must(api("GET", "/v1/pools", { tenant }))).toEqual({ pools: [] });
    await must(api("PUT", pool, { tenant, body: {} }));
    await must(api("PUT", `${pool}/agents/a`, { tenant, body: { priority: 1, max_tokens: 500 } }));
    await must(api("POST", `${pool}/archive`, { tenant, body: {} }));
    await must(api("DELETE", pool, { tenant }));
    const [[key, text] = ["", ""]] = await archived(`${tenant}/team`);
    await env.ARCHIVE.put(key, text.replace('"max":500', '"max":900'));
    const changed = await api("POST", `${pool}/restore`, { tenant, body: {} });
    expect(changed).toMatchObject({ status: 404, body: { code: "archive_not_found" } });
    expect(String(changed.body["detail"])).toContain("does not match its rows");
    // Nothing of it was left behind: the name is free.
    expect(await must(api("PUT", pool, { tenant, body: {} }))).toMatchObject({ seq: 1, total: 0 });
  });

  it("is restored once, though the pool's answer is lost after its effect, and another request is told that it is there", async () => {
    const tenant = newTenant();
    const pool = "/v1/pools/team";
    const { seq } = await must(api("PUT", pool, { tenant, body: {} }));
    await must(api("POST", `${pool}/archive`, { tenant, body: {} }));
    await must(api("DELETE", pool, { tenant }));
    let calls = 0;
    await runInDurableObject(env.TENANTS.getByName(tenant), (object) => {
      const get = (id: DurableObjectId): unknown => {
        const restore = async (...args: [[], string]): Promise<unknown> => {
          const answer = await env.POOLS.get(id).restore(...args);
          if (calls++ === 0) throw new Error("Network connection lost.");
          return answer;
        };
        return { restore };
      };
      const POOLS = { idFromName: (name: string) => env.POOLS.idFromName(name), get };
      Object.defineProperty(object, "env", { configurable: true, value: { ...env, POOLS } });
    });
    expect(await must(api("POST", `${pool}/restore`, { tenant, body: {} }))).toEqual({ seq });
    expect(calls).toBe(2);
    const other = await api("POST", `${pool}/restore`, { tenant, body: {} });
    expect(other).toMatchObject({ status: 409, body: { code: "contract_conflict" } });
    await audited(new Stub(`${tenant}/team`));
  });

  it("knows the keys that were revoked between a restore whose answer was lost and its repeat", async () => {
    const tenant = newTenant();
    await must(api("PUT", "/v1/pools/team", { tenant, body: {} }));
    await must(api("POST", "/v1/pools/team/archive", { tenant, body: {} }));
    await must(api("DELETE", "/v1/pools/team", { tenant }));
    const pool = new Stub(`${tenant}/team`);
    expect(await pool.raw.restore([], "one request")).toMatchObject({ ok: true });
    const repeat = await pool.raw.restore([{ key_id: "k", expires_at: null }], "one request");
    expect(repeat).toMatchObject({ ok: true });
    const { outcomes } = await pool.raw.execute({ ...anybody, key_id: "k" }, [{ op: "pause", agent: null }]);
    expect(outcomes).toMatchObject([{ ok: false, refusal: { code: "key_revoked" } }]);
  });

  it("knows after it is restored which keys were revoked before", async () => {
    const tenant = newTenant();
    const pool = "/v1/pools/team";
    await must(api("PUT", pool, { tenant, body: {} }));
    const { key, key_id } = await must(api("POST", "/v1/keys", { tenant, body: { scope: "read" } }));
    await must(api("DELETE", `/v1/keys/${String(key_id)}`, { tenant }));
    await must(api("POST", `${pool}/archive`, { tenant, body: {} }));
    await must(api("DELETE", pool, { tenant }));
    await must(api("POST", `${pool}/restore`, { tenant, body: {} }));
    expect(await api("GET", `${pool}/report`, { token: String(key) })).toMatchObject({ status: 401 });
  });
});

describe("a damaged pool that is restored", () => {
  const asPool = (tenant: string) => env.POOLS.getByName(`${tenant}/team`);

  it.each([
    ["its journal is gone", "DROP TABLE journal"],
    ["its list of revoked keys is gone", "DROP TABLE revoked_keys"],
    ["its list of versions is empty", "DELETE FROM schema_version"],
  ])("refuses the keys that were revoked before, and stays paused, where %s", async (_, damage) => {
    const tenant = newTenant();
    const pool = "/v1/pools/team";
    await must(api("PUT", pool, { tenant, body: {} }));
    const { key, key_id } = await must(api("POST", "/v1/keys", { tenant, body: { scope: "read" } }));
    await must(api("DELETE", `/v1/keys/${String(key_id)}`, { tenant }));
    await must(api("POST", `${pool}/archive`, { tenant, body: {} }));
    await runInDurableObject(asPool(tenant), (__, { storage }) => void storage.sql.exec(damage));
    await evictDurableObject(asPool(tenant));
    await must(api("POST", `${pool}/pause`, { tenant, body: {} }));

    expect(await must(api("POST", `${pool}/restore`, { tenant, body: {} }))).toEqual({ seq: 1 });
    expect(await api("GET", `${pool}/report`, { token: String(key) })).toMatchObject({ status: 401 });
    await must(api("PUT", `${pool}/agents/a`, { tenant, body: { priority: 1, max_tokens: 10 } }));
    const reserved = await api("POST", `${pool}/reservations`, { tenant, body: { agent: "a", tokens: 1 } });
    expect(reserved.body).toMatchObject({ code: "paused" });
  });

  it("is paused by the repeat of a restore that was cut off before the pause was stored", async () => {
    const tenant = newTenant();
    await must(api("PUT", "/v1/pools/team", { tenant, body: {} }));
    await must(api("POST", "/v1/pools/team/archive", { tenant, body: {} }));
    await must(api("DELETE", "/v1/pools/team", { tenant }));
    const pool = new Stub(`${tenant}/team`);
    expect(await pool.raw.restore([], "one request")).toMatchObject({ ok: true });
    await runInDurableObject(asPool(tenant), (_, { storage }) => keepPause(storage, true));
    expect(await pool.raw.restore([], "one request")).toMatchObject({ ok: true });
    expect(await must(api("GET", "/v1/pools/team", { tenant }))).toMatchObject({ paused: true });
    // Resumed, it stays so: the kept pause is used once.
    await must(api("POST", "/v1/pools/team/resume", { tenant, body: {} }));
    expect(await pool.raw.restore([], "one request")).toMatchObject({ ok: true });
    expect(await must(api("GET", "/v1/pools/team", { tenant }))).toMatchObject({ paused: false });
    await audited(pool);
  });

  it("refuses a pause while it is being restored, and loses none where the archive can't be read to its end", async () => {
    const tenant = newTenant();
    const pool = "/v1/pools/team";
    await must(api("PUT", pool, { tenant, body: {} }));
    await must(api("POST", `${pool}/archive`, { tenant, body: {} }));
    await runInDurableObject(asPool(tenant), (_, { storage }) => void storage.sql.exec("DROP TABLE journal"));
    await evictDurableObject(asPool(tenant));
    await must(api("POST", `${pool}/pause`, { tenant, body: {} }));

    // The archive is read once to see that it is whole; the second reading hangs, and then fails.
    let paused: Promise<unknown> = Promise.resolve();
    let readings = 0;
    const list = env.ARCHIVE.list.bind(env.ARCHIVE);
    const broken = vi.spyOn(env.ARCHIVE, "list").mockImplementation(async (options) => {
      if (options?.delimiter === undefined || ++readings < 2) return list(options);
      paused = api("POST", `${pool}/resume`, { tenant, body: {} });
      await paused;
      throw new Error("out of reach");
    });
    expect(await api("POST", `${pool}/restore`, { tenant, body: {} })).toMatchObject({ status: 503 });
    expect([readings, await paused]).toMatchObject([2, { status: 503 }]);
    broken.mockRestore();
    await must(api("POST", `${pool}/restore`, { tenant, body: {} }));
    expect(await must(api("GET", pool, { tenant }))).toMatchObject({ paused: true });
  });
});

describe("an archive that can't be reached", () => {
  it("is 503 to whoever asks for it, leaves nothing behind, and can be asked again", async () => {
    const tenant = newTenant();
    const pool = "/v1/pools/team";
    await must(api("PUT", pool, { tenant, body: {} }));
    await must(api("POST", `${pool}/archive`, { tenant, body: {} }));
    await must(api("DELETE", pool, { tenant }));
    const { key, key_id } = await must(api("POST", "/v1/keys", { tenant, body: { scope: "read" } }));
    await must(api("DELETE", `/v1/keys/${String(key_id)}`, { tenant }));
    const broken = vi.spyOn(env.ARCHIVE, "list").mockRejectedValue(new Error("out of reach"));
    expect(await api("POST", `${pool}/restore`, { tenant, body: {} })).toMatchObject({ status: 503 });
    broken.mockRestore();
    expect(await must(api("GET", "/v1/pools", { tenant }))).toEqual({ pools: [] });
    expect(await must(api("POST", `${pool}/restore`, { tenant, body: {} }))).toEqual({ seq: 1 });
    expect(await api("GET", `${pool}/report`, { token: String(key) })).toMatchObject({ status: 401 });
  });
});

describe("shipping", () => {
  it("makes segments of about a megabyte that follow on each other, once each, whatever fails on the way", async () => {
    const stub = newStub();
    const [tenant = "", pool = ""] = stub.name.split("/");
    await onStorage(stub, async (storage) => {
      const live = livePool(storage);
      await all(live.execute([{ op: "configure" }, register("boss", 5, 1_000_000)]));
      for (let batch = 0; batch < 12; batch++) await all(live.execute(heavy(`b${batch}-`, 60)));
      let puts = 0;
      const flaky = {
        get: (key: string) => env.ARCHIVE.get(key),
        list: () => Promise.reject(new Error("not here")),
        put: async (key: string, value: string) => {
          puts++;
          // Lost before, and after, it was stored.
          if (puts === 2) throw new Error("out of reach");
          await env.ARCHIVE.put(key, value);
          if (puts === 4) throw new Error("the answer was lost");
        },
      };
      for (let tries = 0; tries < 6; tries++) {
        await ship(storage, flaky, { tenant, pool }).catch(() => undefined);
        await all(live.execute(heavy(`t${tries}-`, 20)));
      }
      const { seq } = (await live.persistedMemory()).pool;
      expect(await ship(storage, env.ARCHIVE, { tenant, pool })).toBe(seq);
      expect(shipped(storage)?.seq).toBe(seq);
      const texts = await archived(stub.name);
      expect(texts.length).toBeGreaterThan(3);
      for (const [, text] of texts) expect(text.length).toBeLessThan(1_400_000);
      const verdict = verify(texts);
      expect(verdict).toMatchObject({ ok: true, findings: [], seq });
      if (verdict.state === null) throw new Error("no state");
      expect(JSON.stringify(toImage(verdict.state))).toBe(JSON.stringify(toImage((await live.persistedMemory()).pool)));
    });
  });

  it("happens within an hour of what is to be shipped, soon where that is much, and never while nothing is", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2090, 0, 1) });
    const stub = newStub();
    const alarmIn = async (): Promise<number | null> => {
      const at = await runInDurableObject(stub.raw, (_, { storage }) => storage.getAlarm());
      return at === null ? null : at - Date.now();
    };
    await all(stub.run([{ op: "configure" }, register("boss", 5, 1_000_000)]));
    expect(await alarmIn()).toBe(3_600_000);
    vi.setSystemTime(Date.now() + 3_600_000);
    expect(await runDurableObjectAlarm(stub.raw)).toBe(true);
    expect(await archiveOf(stub)).toMatchObject({ result: { seq: 2, shipped: 2 } });
    expect(await alarmIn()).toBeNull();
    for (let batch = 0; batch < 5; batch++) await all(stub.run(heavy(`b${batch}-`, 60)));
    expect(await alarmIn()).toBe(1_000);
  });
});

describe("what is interrupted", () => {
  const keep = async (): Promise<undefined> => undefined;

  it("is no half a pool: a restore that never came to its end is gone on waking, and can be begun again", async () => {
    const tenant = newTenant();
    const pool = "/v1/pools/team";
    await must(api("PUT", pool, { tenant, body: {} }));
    await must(api("POST", `${pool}/archive`, { tenant, body: {} }));
    await must(api("DELETE", pool, { tenant }));
    await must(api("POST", `${pool}/restore`, { tenant, body: {} }));
    const stub = new Stub(`${tenant}/team`);
    await onStorage(stub, async (storage) => void storage.sql.exec("UPDATE shipped SET prefix = 'restoring'"));
    await evictDurableObject(stub.raw);
    expect(await api("GET", pool, { tenant })).toMatchObject({ status: 404 });
    expect(await must(api("POST", `${pool}/restore`, { tenant, body: {} }))).toEqual({ seq: 1 });
    await audited(stub);
  });

  it("keeps which keys are revoked when half a restore is dropped: the tenant believes them told", async () => {
    const stub = newStub();
    await all(stub.run([{ op: "configure" }]));
    await stub.raw.revoke([{ key_id: "dead", expires_at: null }]);
    const half = "INSERT INTO shipped (only_one, seq, head, prefix) VALUES (1, 0, '', 'restoring')";
    await onStorage(stub, async (storage) => void storage.sql.exec(half));
    await evictDurableObject(stub.raw);
    const dead = await stub.raw.query({ key_id: "dead", agent: null, expires_at: null }, { about: "report" });
    expect(dead).toMatchObject({ ok: false, refusal: { code: "key_revoked" } });
    expect(await stub.report()).toMatchObject({ ok: false, refusal: { code: "pool_not_found" } });
  });

  it("ships on where a segment can't be written over: what lies there of it counts", async () => {
    const stub = newStub();
    const [tenant = "", pool = ""] = stub.name.split("/");
    await onStorage(stub, async (storage) => {
      const live = livePool(storage);
      await all(live.execute([{ op: "configure" }]));
      const locked = {
        get: (key: string) => env.ARCHIVE.get(key),
        list: () => Promise.reject(new Error("not here")),
        put: async (key: string, value: string) => {
          if ((await env.ARCHIVE.head(key)) !== null) throw new Error("locked");
          await env.ARCHIVE.put(key, value);
        },
      };
      await ship(storage, locked, { tenant, pool });
      // The note is lost, and more has happened since.
      storage.sql.exec("DELETE FROM shipped");
      await all(live.execute([register("boss", 5)]));
      expect(await ship(storage, locked, { tenant, pool })).toBe(2);
      expect(verify(await archived(stub.name))).toMatchObject({ ok: true, findings: [], seq: 2, segments: 2 });
      // What is not the beginning of the same does not count.
      storage.sql.exec("DELETE FROM shipped");
      const [[key, text] = ["", ""]] = await archived(stub.name);
      await env.ARCHIVE.put(key, text.replaceAll('"at":', '"at":1'));
      await expect(ship(storage, locked, { tenant, pool })).rejects.toThrow();
      expect(shipped(storage)).toBeNull();
    });
  });

  it("does not ship a pool that was deleted meanwhile, nor note it in the one that took its name", async () => {
    await onStorage(newStub(), async (storage) => {
      const live = livePool(storage);
      await all(live.execute([{ op: "configure" }]));
      let isThere = true;
      const slow = {
        get: async () => null,
        list: () => Promise.reject(new Error("not here")),
        put: async () => {
          isThere = false;
        },
      };
      const shipping = ship(storage, slow, { tenant: "t", pool: "p" }, () => isThere);
      await expect(shipping).rejects.toThrow("was deleted");
      expect(shipped(storage)).toBeNull();
    });
  });

  it("sets no alarm again and again where the journal is no longer kept, or the pool is gone", async () => {
    await onStorage(newStub(), async (storage) => {
      const clock = { now: Date.UTC(2090, 0, 1) };
      const live = livePool(storage, () => clock.now);
      await all(live.execute([{ op: "configure", journal_days: 1 }]));
      await all(live.execute([{ op: "configure", journal_days: null }]));
      clock.now += 3_600_000;
      await storage.deleteAlarm();
      await live.alarm({ deliverNotifications: async () => [], archiveJournal: keep });
      expect(await storage.getAlarm()).toBeNull();
      await all(live.execute([{ op: "configure", journal_days: 1 }]));
      clock.now += 3_600_000;
      const deleted = async (): Promise<never> => {
        await live.remove(true);
        throw new Error("no such table");
      };
      await live.alarm({ deliverNotifications: async () => [], archiveJournal: deleted });
      expect(await storage.getAlarm()).toBeNull();
    });
  });

  it("restores no segment of another pool that lies under its name", async () => {
    const tenant = newTenant();
    for (const name of ["one", "two"]) await must(api("PUT", `/v1/pools/${name}`, { tenant, body: {} }));
    await must(api("POST", "/v1/pools/one/archive", { tenant, body: {} }));
    const [[key, text] = ["", ""]] = await archived(`${tenant}/one`);
    await env.ARCHIVE.put(key.replace("/one/", "/two/"), text);
    await must(api("DELETE", "/v1/pools/two", { tenant }));
    const refused = await api("POST", "/v1/pools/two/restore", { tenant, body: {} });
    expect(refused).toMatchObject({ status: 404, body: { code: "archive_not_found" } });
  });
});

describe("trimming", () => {
  it("keeps what is younger, what is not shipped yet, and the last row; the rest folds on from a checkpoint", async () => {
    await onStorage(newStub(), async (storage) => {
      const clock = { now: Date.UTC(2090, 0, 1) };
      const live = livePool(storage, () => clock.now);
      await all(live.execute([{ op: "configure" }, register("boss", 5, 1_000_000)]));
      for (let days = 0; days < 20; days++) {
        clock.now += day;
        await all(live.execute([{ op: "record", id: `u${days}`, agent: "boss", amount: 5, unit: "tokens" }]));
      }
      const rows = (): number => Number(storage.sql.exec("SELECT count(*) AS n FROM journal").one()["n"]);
      const everything = rows();
      expect(await trim(storage, clock.now - 5 * day, 4)).toBe(4);
      expect(await trim(storage, clock.now - 5 * day, 4)).toBe(4);
      expect(rows()).toBe(everything - 3);
      expect(await findings(storage, live)).toEqual([]);
      await trim(storage, clock.now - 5 * day, Number.MAX_SAFE_INTEGER);
      expect(rows()).toBe(6);
      await trim(storage, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
      expect(rows()).toBe(1);
      expect(await findings(storage, live)).toEqual([]);
      // A pool that wakes now has nothing but the checkpoint and the last row.
      expect(snapshotHead(storage)).toBeUndefined();
      const awake = livePool(storage, () => clock.now);
      expect(JSON.stringify(toImage((await awake.persistedMemory()).pool))).toBe(
        JSON.stringify(toImage((await live.persistedMemory()).pool)),
      );
      await all(awake.execute([{ op: "record", id: "later", agent: "boss", amount: 5, unit: "tokens" }]));
      expect(await findings(storage, awake)).toEqual([]);
      // And one whose checkpoint was changed is found out.
      storage.sql.exec("UPDATE checkpoint SET head = ?", "f".repeat(64));
      expect((await findings(storage, awake)).join()).toContain("does not carry the hash");
      expect(trimmedTo(storage)).toBeGreaterThan(20);
    });
  });
});

describe("an exported journal", () => {
  it("is a segment that verifies, whole or from a row on, however long it is", async () => {
    const tenant = newTenant();
    const pool = "/v1/pools/team";
    await must(api("PUT", pool, { tenant, body: {} }));
    await must(api("PUT", `${pool}/agents/boss`, { tenant, body: { priority: 1, max_tokens: 1_000_000 } }));
    const stub = new Stub(`${tenant}/team`);
    for (let batch = 0; batch < 8; batch++) await all(stub.run(heavy(`b${batch}-`, 60)));
    const whole = await must(api("GET", `${pool}/journal/export`, { tenant }));
    const text = String(whole["text"]);
    expect(text.length).toBeGreaterThan(2_000_000);
    const { result } = (await stub.report()) as { result: { seq: number } };
    expect(verify([["export", text]])).toMatchObject({ ok: true, findings: [], seq: result.seq });
    const later = await must(api("GET", `${pool}/journal/export?after=2&until=100`, { tenant }));
    const segment = readSegment(String(later["text"]));
    expect(segment.header.first_seq).toBe(3);
    expect(segment.footer.last_seq).toBeLessThan(result.seq);
    const none = await api("GET", `${pool}/journal/export?after=${result.seq}`, { tenant });
    expect(none).toMatchObject({ status: 400, body: { code: "invalid_request" } });
  });
});
