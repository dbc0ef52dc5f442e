/**
 * Every way in which a streamed call may end, in every dialect, cut at every event: whoever hangs up, and whatever
 * breaks, the call is settled by what was reported, or else by what was delivered: never free, never above its hold.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Pool } from "../../src/client/index.ts";
import { cached, input, used, words } from "../support/provider.ts";
import {
  books,
  call,
  type DialectName,
  dialects,
  eventsOf,
  type Stage,
  settled,
  silenceMs,
  startStage,
  ttlMs,
} from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
}, 90_000);
afterAll(() => stage?.stop());

const names = Object.keys(dialects) as DialectName[];
const streaming = { stream: true };

/** Events that were read of a stream until it ended, broke, or was left by `after`. */
async function readUntil(response: Response, after: number, leave: () => void): Promise<number> {
  let seen = 0;
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body ?? []) {
      seen += (decoder.decode(chunk, { stream: true }).match(/\r?\n\r?\n/g) ?? []).length;
      if (seen >= after) leave();
    }
  } catch {
    // Left, or broken off.
  }
  return seen;
}

/** Words among the first `events` of a stream: what a caller that read so many has been given. */
function deliveredIn(dialect: DialectName, events: number): number {
  const before = { chat: 1, responses: 3, messages: 3 }[dialect];
  return Math.min(words.length, Math.max(0, events - before));
}

/** What one call came to. */
async function outcomeOf(pool: Pool) {
  const { held, overage } = await settled(pool);
  const [reserved] = await eventsOf(pool, "reserved");
  const [committed] = await eventsOf(pool, "committed");
  if (reserved === undefined || committed === undefined) throw new Error("the call was not settled by a commit");
  return { held, overage, granted: reserved.granted, consumed: committed.amount, usage: committed.usage };
}

/** A call that ended before its first word, by the provider's doing, is not booked. */
async function isGivenBack(pool: Pool): Promise<boolean> {
  await settled(pool);
  return (await eventsOf(pool, "released")).length === 1;
}

/** A report that was seen is booked to the token; without one, no less than was delivered and no more than was held. */
function checkBooked(outcome: Awaited<ReturnType<typeof outcomeOf>>, delivered: number, about: string): void {
  const { consumed, granted, held, overage, usage } = outcome;
  expect(held, about).toBe(0);
  if (usage?.estimated === true) {
    // What was delivered, beside what went in: neither covers for the other.
    expect(usage.output, about).toBeGreaterThanOrEqual(delivered);
    expect(consumed, about).toBeGreaterThan(delivered);
    expect(consumed, about).toBeLessThanOrEqual(granted);
    expect(overage, about).toBe(0);
  } else {
    expect(consumed, about).toBe(used);
  }
}

/** All events of a whole stream. */
async function eventsIn(dialect: DialectName): Promise<number> {
  const { key } = await stage.newPool();
  const response = await call(stage, key, dialect, "stand-in", { body: streaming });
  return readUntil(response, Number.POSITIVE_INFINITY, () => undefined);
}

describe.each(names)("a stream of %s", (dialect) => {
  it("that is read to its end is booked as reported, kind by kind, before its reader sees the end", async () => {
    const { pool, key } = await stage.newPool();
    const response = await call(stage, key, dialect, "stand-in", { body: streaming });
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      // An SDK stops reading here, and may look at the books at once.
      if (/\[DONE\]|message_stop|response\.completed/.test(text)) break;
    }
    const { consumed, held } = await books(pool);
    expect({ consumed, held }).toEqual({ consumed: used, held: 0 });
    const { usage } = await outcomeOf(pool);
    expect(usage).toMatchObject({ input, output: words.length, cache_read: cached, model: "stand-in" });
    expect(usage).not.toHaveProperty("estimated");
  });

  it("that its caller leaves, after each of its events, is settled by what was delivered", async () => {
    const events = await eventsIn(dialect);
    expect(events).toBeGreaterThan(12);
    await Promise.all(
      Array.from({ length: events + 1 }, async (_, after) => {
        const { pool, key } = await stage.newPool();
        const leaving = new AbortController();
        const asked = call(stage, key, dialect, "stand-in:slow", { body: streaming, signal: leaving.signal });
        const response = await asked;
        if (after === 0) leaving.abort();
        const seen = after === 0 ? 0 : await readUntil(response, after, () => leaving.abort());
        checkBooked(await outcomeOf(pool), deliveredIn(dialect, seen), `left after ${after} events`);
      }),
    );
    // Whoever leaves early stops the model.
    expect(stage.provider.abandoned.length).toBeGreaterThanOrEqual(words.length);
    stage.provider.abandoned.length = 0;
  });

  it.each(["cut", "hang", "end", "error"])("whose provider does this at each of its events: %s", async (what) => {
    const events = await eventsIn(dialect);
    await Promise.all(
      Array.from({ length: events }, async (_, at) => {
        const { pool, key } = await stage.newPool();
        const response = await call(stage, key, dialect, `stand-in:${what}-${at}`, { body: streaming });
        const seen = await readUntil(response, Number.POSITIVE_INFINITY, () => undefined);
        // The error is an event, too, and delivers nothing.
        const delivered = deliveredIn(dialect, what === "error" ? seen - 1 : seen);
        const isFree = delivered === 0 && (what === "error" || (what === "end" && at === 0));
        expect(await isGivenBack(pool), `${what} at ${at}`).toBe(isFree);
        if (!isFree) checkBooked(await outcomeOf(pool), delivered, `${what} at ${at}`);
      }),
    );
  });

  it.each(["crlf", "bytes", "joined", "gzip", "runes", "twice", "tool", "late", "running"])(
    "that comes in another form is metered all the same: %s",
    async (form) => {
      const { pool, key } = await stage.newPool();
      await (await call(stage, key, dialect, `stand-in:${form}`, { body: streaming })).text();
      const { consumed, usage } = await outcomeOf(pool);
      expect({ consumed, estimated: usage?.estimated }).toEqual({ consumed: used, estimated: undefined });
    },
  );

  it("that reports zero is free", async () => {
    const { pool, key } = await stage.newPool();
    await (await call(stage, key, dialect, "stand-in:zero", { body: streaming })).text();
    const { consumed, usage } = await outcomeOf(pool);
    expect(consumed).toBe(0);
    expect(usage).toMatchObject({ input: 0, output: 0 });
    expect(usage).not.toHaveProperty("estimated");
  });

  it("that never reports is booked by an estimate, and marked so", async () => {
    const { pool, key } = await stage.newPool();
    await (await call(stage, key, dialect, "stand-in:unreported", { body: streaming })).text();
    const outcome = await outcomeOf(pool);
    expect(outcome.usage).toMatchObject({ estimated: true });
    checkBooked(outcome, words.length, "unreported");
  });
});

describe.each(names)("a whole answer of %s", (dialect) => {
  it("is booked as reported, and says so in its headers", async () => {
    const { pool, key } = await stage.newPool();
    const response = await call(stage, key, dialect, "stand-in");
    expect(response.headers.get("x-bursar-used-tokens")).toBe(String(used));
    expect(response.headers.get("x-bursar-remaining-tokens")).toBe(String(100_000 - used));
    const { consumed, usage } = await outcomeOf(pool);
    expect(consumed).toBe(used);
    expect(usage).toMatchObject({ input, output: words.length, cache_read: cached });
  });

  it("that its caller leaves is read to its end, and booked as reported", async () => {
    const { pool, key } = await stage.newPool();
    const leaving = new AbortController();
    const asked = call(stage, key, dialect, "stand-in:late", { signal: leaving.signal }).catch(() => undefined);
    setTimeout(() => leaving.abort(), 100);
    await asked;
    const { consumed } = await outcomeOf(pool);
    expect(consumed).toBe(used);
  });

  it("that breaks off costs what went in and what came, one that never comes what went in", async () => {
    for (const what of ["torn", "mute"]) {
      const { pool, key } = await stage.newPool();
      const response = await call(stage, key, dialect, `stand-in:${what}`);
      expect(response.status).toBe(502);
      const outcome = await outcomeOf(pool);
      expect(outcome.usage).toMatchObject({ estimated: true });
      expect((outcome.usage?.output ?? 0) > 0).toBe(what === "torn");
      checkBooked(outcome, 0, what);
    }
  });

  it("that is whole before its connection breaks is booked as reported", async () => {
    const { pool, key } = await stage.newPool();
    expect((await call(stage, key, dialect, "stand-in:overdue")).status).toBe(502);
    expect((await outcomeOf(pool)).consumed).toBe(used);
  });

  it("that comes piece by piece may take longer than a silence", async () => {
    const { pool, key } = await stage.newPool();
    const began = Date.now();
    expect((await call(stage, key, dialect, "stand-in:trickle")).status).toBe(200);
    expect(Date.now() - began).toBeGreaterThan(silenceMs);
    expect((await outcomeOf(pool)).consumed).toBe(used);
  });

  it.each(["zero", "gzip", "unreported"])("may also be: %s", async (form) => {
    const { pool, key } = await stage.newPool();
    await (await call(stage, key, dialect, `stand-in:${form}`)).text();
    const outcome = await outcomeOf(pool);
    if (form === "unreported") {
      expect(outcome.usage).toMatchObject({ estimated: true });
      checkBooked(outcome, words.length, form);
    } else {
      expect(outcome.consumed).toBe(form === "zero" ? 0 : used);
    }
  });

  it("that the provider refuses, or whose provider can't be reached, costs nothing", async () => {
    for (const [model, status] of [
      ["broken", 400],
      ["overloaded", 503],
      ["redirect", 502],
      ["strange", 502],
      ["reset", 502],
    ] as const) {
      const { pool, key } = await stage.newPool();
      const response = await call(stage, key, dialect, `stand-in:${model}`);
      expect([model, response.status]).toEqual([model, status]);
      expect(await settled(pool)).toMatchObject({ consumed: 0, held: 0 });
      expect(await eventsOf(pool, "released")).toHaveLength(1);
    }
  });
});

describe("a chat stream that breaks off", () => {
  it("after a report of its way is booked by what was delivered since", async () => {
    const { pool, key } = await stage.newPool();
    const response = await call(stage, key, "chat", "stand-in:running:cut-8", { body: streaming });
    const seen = await readUntil(response, Number.POSITIVE_INFINITY, () => undefined);
    const outcome = await outcomeOf(pool);
    expect(outcome.usage).toMatchObject({ estimated: true, input });
    checkBooked(outcome, deliveredIn("chat", seen), "running");
  });

  it("is booked with what a tool was called with, and with what was thought in its pauses", async () => {
    const tool = await stage.newPool();
    await (await call(stage, tool.key, "chat", "stand-in:tool:end-5", { body: streaming })).text();
    expect((await outcomeOf(tool.pool)).usage?.output).toBeGreaterThan(5);
    const own = await startStage({ BURSAR_GATEWAY_SILENCE_MS: "5000" });
    try {
      const { pool, key } = await own.newPool();
      await (
        await call(own, key, "chat", "stand-in:pause-3:end-5", { body: { ...streaming, max_tokens: 5_000 } })
      ).text();
      // A pause of three seconds: one beyond the two that are waiting in line, a hundred thoughts.
      expect((await outcomeOf(pool)).usage?.output).toBeGreaterThan(90);
    } finally {
      await own.stop();
    }
  });

  it("is booked at what was reported of it, above its hold too", async () => {
    const { pool, key } = await stage.newPool();
    await (await call(stage, key, "messages", "stand-in:huge:end-5", { body: streaming })).text();
    const { consumed, granted, overage, usage } = await outcomeOf(pool);
    expect(usage).toMatchObject({ estimated: true, input: 90 + cached });
    // Less than twice the hold: nothing but the report lifts it above.
    expect(granted).toBeLessThan(90);
    expect(consumed).toBeGreaterThanOrEqual(90 + cached);
    expect(overage).toBe(0);
  });
});

describe("a report that is none", () => {
  it.each(["negative", "absent"])("leaves the call to its estimate: %s", async (what) => {
    const { pool, key } = await stage.newPool();
    await (await call(stage, key, "messages", `stand-in:${what}`, { body: streaming })).text();
    const outcome = await outcomeOf(pool);
    expect(outcome.usage).toMatchObject({ estimated: true });
    checkBooked(outcome, words.length, what);
  });
});

describe("a Worker that is killed", () => {
  it("leaves calls that are booked whole when their leases end, and nothing that is held", async () => {
    const running = await Promise.all(
      names.flatMap((dialect) =>
        [true, false].map(async (stream) => {
          const { pool, key } = await stage.newPool();
          const model = stream ? "stand-in:hang-6" : "stand-in:mute";
          const asked = call(stage, key, dialect, model, { body: { stream } });
          return { pool, asked: asked.then((response) => response.text()).catch(() => undefined) };
        }),
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, silenceMs / 2));
    await stage.kill();
    await Promise.all(running.map(({ asked }) => asked));
    await new Promise((resolve) => setTimeout(resolve, ttlMs));
    for (const { pool } of running) {
      const { consumed, held, open } = await settled(pool);
      const [reserved] = await eventsOf(pool, "reserved");
      expect({ consumed, held, open }).toEqual({ consumed: reserved?.granted, held: 0, open: 0 });
    }
  });
});

describe("a call that takes longer than its lease", () => {
  it("keeps its hold until it ends", async () => {
    const { pool, key } = await stage.newPool();
    const began = Date.now();
    await (await call(stage, key, "messages", "stand-in:slower", { body: streaming })).text();
    expect(Date.now() - began).toBeGreaterThan(ttlMs);
    expect(await settled(pool)).toMatchObject({ consumed: used, held: 0 });
    expect((await eventsOf(pool, "extended")).length).toBeGreaterThan(1);
    expect(await eventsOf(pool, "expired")).toEqual([]);
  });
});
