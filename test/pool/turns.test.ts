/** Fair turns between keys: what one key sends makes another wait for no more than a turn of it. */
import { describe, expect, it } from "vitest";
import { Turns } from "../../src/pool/turns.ts";
import { limits } from "../../src/protocol/limits.ts";

/** Turns that end when the test says so, and what ran in them. */
function onStage() {
  let end: () => void = () => undefined;
  const turns = new Turns(
    () =>
      new Promise<void>((resolve) => {
        end = resolve;
      }),
  );
  const ran: string[] = [];
  const asks = (key: string, cost: number, name = key, bytes = 0): Promise<string> =>
    turns.take(
      key,
      cost,
      () => {
        ran.push(name);
        return name;
      },
      () => bytes,
    );
  const ends = async (): Promise<void> => {
    await Promise.resolve();
    end();
    for (let i = 0; i < 5; i++) await Promise.resolve();
  };
  return { turns, ran, asks, ends };
}

describe("a turn", () => {
  it("lets a key that stays within its quantum run at once", async () => {
    const { asks, ran } = onStage();
    void asks("a", 1);
    void asks("a", limits.turnQuantum - 2);
    expect(ran).toEqual(["a", "a"]);
  });

  it("is over once its row is safe, though nothing waits: what a key did before counts no more", async () => {
    const { asks, ran, ends } = onStage();
    for (let n = 0; n < 5; n++) {
      void asks("a", limits.turnQuantum);
      await ends();
    }
    expect(ran).toEqual(["a", "a", "a", "a", "a"]);
    const last = asks("a", 1, "after all");
    expect(ran.at(-1)).toBe("after all");
    await last;
  });

  it("makes a key wait that has had its quantum, and no other", async () => {
    const { asks, ran, ends } = onStage();
    void asks("evil", limits.turnQuantum, "evil 1");
    const second = asks("evil", limits.turnQuantum, "evil 2");
    const third = asks("evil", 1, "evil 3");
    void asks("victim", 1);
    expect(ran).toEqual(["evil 1", "victim"]);
    await ends();
    expect(ran).toEqual(["evil 1", "victim", "evil 2"]);
    expect(await second).toBe("evil 2");
    await ends();
    expect(await third).toBe("evil 3");
  });

  it("serves the keys that wait one after the other, each what it sent first", async () => {
    const { asks, ran, ends } = onStage();
    for (const key of ["a", "b"]) void asks(key, limits.turnQuantum, `${key}0`);
    for (const key of ["a", "b"]) for (const n of [1, 2, 3]) void asks(key, 300, `${key}${n}`);
    ran.length = 0;
    await ends();
    expect(ran).toEqual(["a1", "b1", "a2", "b2", "a3", "b3"]);
  });

  it("is bounded in all, however many keys wait: the rest goes on in the next, where this one stopped", async () => {
    const { asks, ran, ends } = onStage();
    const keys = Array.from({ length: 10 }, (_, i) => `k${i}`);
    for (const key of keys) void asks(key, limits.turnQuantum, "");
    for (const key of keys) void asks(key, 900, key);
    ran.length = 0;
    await ends();
    const inFirst = Math.ceil(limits.turnMost / 900);
    expect(ran).toEqual(keys.slice(0, inFirst));
    await ends();
    expect(ran).toEqual(keys.slice(0, 2 * inFirst));
  });

  it("counts work that turned out to be more", async () => {
    const { turns, asks, ran, ends } = onStage();
    void asks("a", 1, "first");
    turns.charge("a", limits.turnQuantum);
    void asks("a", 1, "later");
    expect(ran).toEqual(["first"]);
    await ends();
    expect(ran).toEqual(["first", "later"]);
  });

  it("passes on what a job throws, and goes on", async () => {
    const { turns, asks, ends } = onStage();
    void asks("a", limits.turnQuantum);
    const fails = turns.take(
      "a",
      1,
      () => {
        throw new Error("broken");
      },
      () => 0,
    );
    const refused = expect(fails).rejects.toThrow("broken");
    const after = asks("a", 1, "after");
    await ends();
    await refused;
    expect(await after).toBe("after");
  });

  it("keeps no more of a key than it may, in number and in bytes", async () => {
    const { turns, asks, ends } = onStage();
    for (const key of ["many", "large"]) void asks(key, limits.turnQuantum);
    for (let n = 0; n < limits.queuedPerKey; n++) {
      expect(turns.isFull("many")).toBe(false);
      void asks("many", 1);
    }
    expect(turns.isFull("many")).toBe(true);
    void asks("large", 1, "large", limits.queuedBytesPerKey);
    expect([turns.isFull("large"), turns.isFull("other")]).toEqual([true, false]);
    await ends();
    expect([turns.isFull("large"), turns.isFull("many")]).toEqual([false, false]);
  });
});
