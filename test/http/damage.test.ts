/**
 * Pools whose file is not what was written to it: each damage has a name, is told to every caller, and is found by the
 * audit; and the pool can be paused, deleted and made anew by its admin all the same.
 */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { api, must, newPath } from "./api.ts";

const post = (path: string, body: object) => api("POST", path, { body });

/** A pool of some thirty events in as many rows, asleep, after `damage` was done to its file. */
async function damaged(damage: string): Promise<string> {
  const pool = newPath();
  await must(api("PUT", pool, { body: { budget: 10_000 } }));
  await must(api("PUT", `${pool}/agents/a`, { body: { priority: 1, max_tokens: 5_000 } }));
  for (let n = 0; n < 15; n++) {
    await must(post(`${pool}/reservations`, { id: `r${n}`, agent: "a", tokens: 10 }));
    await must(post(`${pool}/reservations/r${n}/commit`, { tokens: 10 }));
  }
  const stub = objectOf(pool);
  // The alarm notes how far the journal goes.
  await runDurableObjectAlarm(stub);
  await runInDurableObject(stub, (_, { storage }) => {
    for (const statement of damage.split(";\n")) storage.sql.exec(statement);
  });
  await evictDurableObject(objectOf(pool));
  return pool;
}

const objectOf = (pool: string) => env.POOLS.getByName(`default/${pool.replace("/v1/pools/", "")}`);

describe("a pool whose file is damaged", () => {
  it.each([
    [
      "the last row was changed",
      "UPDATE journal SET events = replace(events, '10', '1') WHERE first_seq = 32",
      "journal row 32",
    ],
    ["the last five rows are gone", "DELETE FROM journal WHERE first_seq > 27", "journal"],
    [
      "a row in the middle was changed",
      "UPDATE journal SET events = replace(events, '10', '1') WHERE first_seq = 9",
      "journal row 9",
    ],
    ["a row in the middle is gone", "DELETE FROM journal WHERE first_seq = 9", "journal row 10"],
    ["a row is no JSON", "UPDATE journal SET events = '[{' WHERE first_seq = 9", "journal row 9"],
    [
      "an amount became a text",
      `UPDATE journal SET events = replace(events, ':10,', ':"10",') WHERE first_seq = 10`,
      "journal row 10",
    ],
    [
      "a type is unknown",
      "UPDATE journal SET events = replace(events, 'reserved', 'unheard') WHERE first_seq = 9",
      "journal row 9",
    ],
    [
      "an agent is unknown",
      "UPDATE journal SET events = replace(events, '\"a\"', '\"b\"') WHERE first_seq = 9",
      "journal row 9",
    ],
    ["the journal is gone", "DROP TABLE journal", "journal"],
    ["all rows are gone", "DELETE FROM journal", "journal"],
    ["the list of versions is empty", "DELETE FROM schema_version", "schema_version", /schema_version is empty/],
    ["the table of snapshots is gone", "DROP TABLE snapshot", "snapshot", /no such table: snapshot/],
    ["the table of revoked keys is gone", "DROP TABLE revoked_keys", "revoked_keys"],
    [
      "a snapshot is no state",
      "INSERT INTO snapshot (chunk, seq, head, part) VALUES (0, 32, 'x', '{\"head\":7}')",
      "journal row 1",
      /the snapshot was taken of another journal/,
    ],
    [
      "a snapshot is no JSON",
      "INSERT INTO snapshot (chunk, seq, head, part) VALUES (0, 32, 'x', '{')",
      "snapshot page 0",
    ],
    [
      "a snapshot is of another journal",
      "INSERT INTO snapshot (chunk, seq, head, part) VALUES (0, 30, 'x', '{\"head\":{\"seq\":30}}')",
      "journal row 31",
      /the snapshot was taken of another journal/,
    ],
  ])("says so, and can be mended, where %s", async (_, damage, where, found?: RegExp) => {
    const pool = await damaged(damage);
    const asked = [
      api("GET", pool),
      api("GET", `${pool}/report`),
      api("GET", `${pool}/journal`),
      api("GET", `${pool}/snapshot`),
      post(`${pool}/reservations`, { agent: "a", tokens: 1 }),
      post(`${pool}/usage`, { agent: "a", tokens: 1 }),
      // Its open calls can't be counted.
      api("DELETE", pool),
    ];
    for (const { status, body } of await Promise.all(asked)) {
      expect([status, body["code"]]).toEqual([500, "damaged"]);
      expect(body["where"]).toBe(where);
      expect(body["detail"]).toContain("POST …/restore");
    }
    // The alarm of what is damaged does no harm, and does not come again and again.
    await runDurableObjectAlarm(objectOf(pool));

    const audit = await must(api("GET", `${pool}/audit`));
    expect(audit).toMatchObject({ ok: false });
    expect((audit["findings"] as string[]).join("\n")).toMatch(found ?? where);

    expect(await must(post(`${pool}/pause`, {}))).toMatchObject({ paused: true });
    expect(await must(api("DELETE", `${pool}?force=true`))).toEqual({ deleted: true });
    await must(api("PUT", pool, { body: {} }));
    expect(await must(api("GET", `${pool}/audit`))).toMatchObject({ ok: true, seq: 1 });
  });

  it("is audited for keys that are not revoked, and for no other", async () => {
    const pool = await damaged("DROP TABLE journal");
    const { key, key_id } = await must(api("POST", "/v1/keys", { body: { scope: "read" } }));
    expect(await must(api("GET", `${pool}/audit`, { token: String(key) }))).toMatchObject({ ok: false });
    await must(api("DELETE", `/v1/keys/${String(key_id)}`));
    expect(await api("GET", `${pool}/audit`, { token: String(key) })).toMatchObject({ status: 401 });
  });

  it("is none where only the outbox, which no answer rests on, can't be read", async () => {
    const pool = await damaged("DROP TABLE outbox");
    expect(await must(api("GET", `${pool}/report`))).toMatchObject({ consumed: 150 });
  });
});
