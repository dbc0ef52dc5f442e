/** Sessions, as any WebSocket client would use them: frames of commands, and events from any point of the journal. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterEach, describe, expect, it } from "vitest";
import { limits } from "../../src/protocol/limits.ts";
import { adminKey, api, audited, type Json, keyOf, must, newPool, newTenant } from "./api.ts";

type Closed = { readonly code: number; readonly reason: string };

/** A session that keeps what it was sent until somebody asks. */
class Session {
  readonly #socket: WebSocket;
  readonly #frames: Json[] = [];
  readonly #waiting: ((frame: Json) => void)[] = [];
  readonly closed: Promise<Closed>;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const frame: Json = data === "pong" ? { pong: true } : JSON.parse(String(data));
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#frames.push(frame);
      else waiting(frame);
    });
    this.closed = new Promise((resolve) => {
      socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
    });
    socket.accept();
    open.push(socket);
  }

  send(frame: unknown): void {
    this.#socket.send(typeof frame === "string" || frame instanceof ArrayBuffer ? frame : JSON.stringify(frame));
  }

  /** The next frame that came or comes. */
  next(): Promise<Json> {
    const frame = this.#frames.shift();
    return frame === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(frame);
  }

  ask(frame: unknown): Promise<Json> {
    this.send(frame);
    return this.next();
  }

  close(): void {
    this.#socket.close(1000);
  }
}

const open: WebSocket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.close(1000);
});

async function connect(pool: string, headers: Record<string, string>): Promise<Response> {
  return exports.default.fetch(`https://bursar.test${pool}/session`, { headers: { upgrade: "websocket", ...headers } });
}

async function openSession(pool: string, key?: string): Promise<Session> {
  const response = await connect(pool, { authorization: `Bearer ${key ?? (await adminKey())}` });
  if (response.webSocket === null) throw new Error(`${response.status} ${await response.text()}`);
  return new Session(response.webSocket);
}

const reserve = (id: string, tokens = 10, agent = "a") => ({ op: "reserve", id, agent, tokens });
const commit = (id: string, tokens = 10) => ({ op: "commit", id, tokens });

/** Events of frames until the one with seq `last`. */
async function eventsUntil(session: Session, last: number): Promise<number[]> {
  const seen: number[] = [];
  while (seen.at(-1) !== last) {
    const { events } = await session.next();
    if (Array.isArray(events)) seen.push(...events.map(({ seq }) => seq));
  }
  return seen;
}

describe("a session", () => {
  it("runs a frame of commands in order, each with the answer of its own route, in one journal row", async () => {
    const pool = await newPool({}, { a: {} });
    const session = await openSession(pool);
    const commands = [reserve("r1", 400), commit("r1", 300), reserve("r2", 701), { op: "close", agent: "a" }];
    const reply = await session.ask({ id: 7, commands });
    expect(reply).toMatchObject({
      id: 7,
      results: [
        { status: 201, result: { id: "r1", granted: 400, agent: { available: 600 } } },
        { status: 200, result: { state: "committed", consumed: 300, agent: { available: 700 } } },
        { status: 402, problem: { code: "budget_exceeded", status: 402, available: 700 } },
        { status: 200, result: { state: "closed" } },
      ],
    });
    const audit = await must(api("GET", `${pool}/audit`));
    expect(audit).toMatchObject({ ok: true, seq: 6, rows: 3 });
  });

  it("answers frames in the order in which they came", async () => {
    const pool = await newPool({}, { a: {} });
    const session = await openSession(pool);
    const ids = Array.from({ length: 50 }, (_, id) => id);
    for (const id of ids) session.send({ id, commands: [reserve(`r${id}`, 1)] });
    const replies = [];
    for (const _ of ids) replies.push((await session.next())["id"]);
    expect(replies).toEqual(ids);
  });

  it("takes the same frame again after it was cut off, with no second effect", async () => {
    const pool = await newPool({}, { a: {} });
    const first = await openSession(pool);
    const frame = { id: 1, commands: [reserve("r1", 400)] };
    await first.ask(frame);
    first.close();
    const second = await openSession(pool);
    expect(await second.ask(frame)).toMatchObject({ results: [{ status: 201, result: { replayed: true } }] });
    expect(await must(api("GET", `${pool}/report`))).toMatchObject({ agents: { a: { held: 400 } } });
  });

  it("lets a reserve wait in line while other frames go on", async () => {
    const pool = await newPool({}, { a: {} });
    const session = await openSession(pool);
    await session.ask({ id: 1, commands: [reserve("r1", 1_000)] });
    session.send({ id: 2, commands: [reserve("r2", 500)], wait_ms: 30_000 });
    expect(await session.ask({ id: 3, commands: [reserve("r3", 1)] })).toMatchObject({
      id: 3,
      results: [{ status: 402 }],
    });
    session.send({ id: 4, commands: [{ op: "release", id: "r1" }] });
    const replies = [await session.next(), await session.next()];
    const byId = new Map(replies.map((reply) => [reply["id"], reply]));
    expect(byId.get(2)).toMatchObject({ results: [{ status: 201, result: { granted: 500 } }] });
    expect(byId.get(4)).toMatchObject({ results: [{ status: 200 }] });
  });

  it("goes on after the object was evicted, hibernating in between", async () => {
    const pool = await newPool({}, { a: {} });
    const session = await openSession(pool);
    await session.ask({ id: 1, commands: [reserve("r1", 400)] });
    await evictDurableObject(env.POOLS.getByName(`default${pool.replace("/v1/pools", "")}`));
    expect(await session.ask({ id: 2, commands: [commit("r1", 5)] })).toMatchObject({
      results: [{ status: 200, result: { consumed: 5 } }],
    });
    expect(await session.ask("ping")).toEqual({ pong: true });
    await audited(pool);
  });
});

describe("a watcher", () => {
  it("sees every event once, from the beginning and as they happen", async () => {
    const pool = await newPool({}, { a: {} });
    const [watcher, worker] = [await openSession(pool), await openSession(pool)];
    expect(await watcher.ask({ id: 1, subscribe: { after: 0 } })).toMatchObject({ id: 1, subscribed: { seq: 2 } });
    for (let i = 0; i < 20; i++) await worker.ask({ id: i, commands: [reserve(`r${i}`, 1), commit(`r${i}`, 1)] });
    expect(await eventsUntil(watcher, 42)).toEqual(Array.from({ length: 42 }, (_, i) => i + 1));
  });

  it("resumes after the last event that it saw, without a gap or a double, over eviction and reconnection", async () => {
    const pool = await newPool({}, { a: {} });
    const stub = env.POOLS.getByName(`default${pool.replace("/v1/pools", "")}`);
    const worker = await openSession(pool);
    const seen: number[] = [];
    for (let round = 0; round < 5; round++) {
      const watcher = await openSession(pool);
      await watcher.ask({ id: 1, subscribe: { after: seen.at(-1) ?? 0 } });
      await worker.ask({ id: 1, commands: [reserve(`r${round}`, 1), commit(`r${round}`, 1)] });
      if (round % 2 === 0) await evictDurableObject(stub);
      await worker.ask({ id: 2, commands: [reserve(`s${round}`, 1)] });
      seen.push(...(await eventsUntil(watcher, 2 + 3 * (round + 1))));
      watcher.close();
    }
    expect(seen).toEqual(Array.from({ length: 17 }, (_, i) => i + 1));
  });

  it("is told no more than it keeps up with, and goes on where it was once it does", async () => {
    const pool = await newPool({}, { a: { max_tokens: 1e9 } });
    const [watcher, worker] = [await openSession(pool), await openSession(pool)];
    await watcher.ask({ id: 1, subscribe: { after: 0 } });
    const total = 2 * limits.eventsAhead;
    for (let from = 0; from < total; from += 1_000) {
      await worker.ask({ id: from, commands: Array.from({ length: 1_000 }, (_, i) => reserve(`r${from + i}`, 1)) });
    }
    const seen: number[] = [];
    while ((seen.at(-1) ?? 0) < limits.eventsAhead) {
      const { events } = await watcher.next();
      if (Array.isArray(events)) seen.push(...events.map(({ seq }) => seq));
    }
    expect(seen.at(-1)).toBe(limits.eventsAhead);
    while (seen.at(-1) !== total + 2) {
      watcher.send({ ack: seen.at(-1) });
      const { events } = await watcher.next();
      if (Array.isArray(events)) seen.push(...events.map(({ seq }) => seq));
    }
    expect(seen).toEqual(Array.from({ length: total + 2 }, (_, i) => i + 1));
  });

  it("is shown refusals as they happen, and how many there were", async () => {
    const pool = await newPool({}, { a: {} });
    const [watcher, worker] = [await openSession(pool), await openSession(pool)];
    await worker.ask({ id: 1, commands: [reserve("r1", 5_000)] });
    const { subscribed } = await watcher.ask({ id: 1, subscribe: { after: 2 } });
    expect(subscribed).toMatchObject({ refusals: { a: { budget_exceeded: 1 } } });
    await worker.ask({ id: 2, commands: [reserve("r1", 5_000)] });
    expect(await watcher.next()).toMatchObject({
      refused: [{ op: "reserve", agent: "a", code: "budget_exceeded", at: expect.any(Number) }],
    });
  });

  it("is shown no more refusals than it may leave unread, until it acknowledges an event", async () => {
    const pool = await newPool({}, { a: {} });
    const [watcher, worker] = [await openSession(pool), await openSession(pool)];
    const { subscribed } = await watcher.ask({ id: 1, subscribe: { after: 2 } });
    expect(subscribed).toBeDefined();
    const commands = Array.from({ length: limits.refusalsShown }, (_, n) => {
      return { op: "reserve", id: `${"x".repeat(100)}${n}`, agent: "a", tokens: 1e12 };
    });
    let id = 2;
    const refuse = (): Promise<unknown> => worker.ask({ id: id++, commands });
    await refuse();
    const one = JSON.stringify(await watcher.next()).length;
    const most = Math.floor(limits.refusalsAheadLength / 2 / one) - 1;
    for (let n = 0; n < most + 10; n++) await refuse();
    for (let n = 0; n < most; n++) expect(await watcher.next()).toHaveProperty("refused");
    await worker.ask({ id: id++, commands: [{ op: "record", id: "event", agent: "a", tokens: 1 }] });
    const { events } = (await watcher.next()) as { events: { seq: number }[] };
    watcher.send({ ack: events.at(-1)?.seq });
    // Its answer says that the acknowledgement before it has been read.
    watcher.send({ id: 9_999, commands: [{ op: "extend", id: "nothing", ttl_ms: 1_000 }] });
    const after = [await watcher.next(), await watcher.next()];
    expect(after.some((frame) => "refused" in frame)).toBe(true);
  });
});

describe("a session's rights", () => {
  it("are its key's, for every command", async () => {
    const pool = await newPool({}, { a: {}, b: {} });
    const name = pool.replace("/v1/pools/", "");
    const reader = await openSession(pool, await keyOf({ scope: "read" }));
    expect(await reader.ask({ id: 1, commands: [reserve("r1")] })).toMatchObject({ problem: { code: "forbidden" } });
    const spender = await openSession(pool, await keyOf({ scope: "spend" }));
    const mixed = [reserve("r1"), { op: "fund", id: "f", tokens: 5 }];
    expect(await spender.ask({ id: 1, commands: mixed })).toMatchObject({ id: 1, problem: { code: "forbidden" } });
    const own = await openSession(pool, await keyOf({ scope: "spend", pool: name, agent: "a" }));
    expect(await own.ask({ id: 1, commands: [reserve("r1", 5, "b")] })).toMatchObject({
      problem: { code: "forbidden" },
    });
    expect(await own.ask({ id: 2, subscribe: { after: 0 } })).toMatchObject({ problem: { code: "forbidden" } });
    await spender.ask({ id: 3, commands: [reserve("theirs", 5, "b")] });
    expect(await own.ask({ id: 4, commands: [commit("theirs", 5)] })).toMatchObject({
      results: [{ status: 404, problem: { code: "reservation_not_found" } }],
    });
    expect(await own.ask({ id: 5, commands: [reserve("mine", 5, "a")] })).toMatchObject({ results: [{ status: 201 }] });
  });

  it("end with the key: it is closed when the key is revoked, or has expired", async () => {
    const tenant = newTenant();
    await must(api("PUT", "/v1/pools/p", { tenant, body: {} }));
    const { key, key_id } = await must(api("POST", "/v1/keys", { tenant, body: { scope: "admin" } }));
    const session = await openSession("/v1/pools/p", String(key));
    await must(api("DELETE", `/v1/keys/${String(key_id)}`, { tenant }));
    expect(await session.closed).toEqual({ code: 4401, reason: "the key was revoked" });

    const brief = await openSession("/v1/pools/p", await keyOf({ tenant, expires_at: Date.now() + 50 }));
    await new Promise((resolve) => setTimeout(resolve, 60));
    brief.send({ id: 1, commands: [reserve("r")] });
    expect(await brief.closed).toEqual({ code: 4401, reason: "the key has expired" });
  });

  it("end at once: what a revoked key sends through its half-closed connection has no effect", async () => {
    const tenant = newTenant();
    await must(api("PUT", "/v1/pools/p", { tenant, body: { budget: 100 } }));
    const { key, key_id } = await must(api("POST", "/v1/keys", { tenant, body: { scope: "admin" } }));
    const session = await openSession("/v1/pools/p", String(key));
    const stub = env.POOLS.getByName(`${tenant}/p`);
    const sockets = await runInDurableObject(stub, (_, state) => state.getWebSockets());
    await must(api("DELETE", `/v1/keys/${String(key_id)}`, { tenant }));
    await session.closed;
    // What was on its way when the socket was closed still arrives.
    await runInDurableObject(stub, async (pool) => {
      const frame = JSON.stringify({ id: 1, commands: [{ op: "fund", id: "f", tokens: 1 }] });
      for (const socket of sockets) await pool.webSocketMessage(socket, frame);
    });
    expect(await must(api("GET", "/v1/pools/p", { tenant }))).toMatchObject({ total: 100, seq: 1 });
    const again = await connect("/v1/pools/p", { authorization: `Bearer ${String(key)}` });
    expect({ status: again.status, body: await again.json() }).toMatchObject({
      status: 401,
      body: { code: "key_revoked" },
    });
  });

  it("end for a watcher, too, whose key expires while it watches", async () => {
    const pool = await newPool({}, { a: {} });
    const worker = await openSession(pool);
    const watcher = await openSession(pool, await keyOf({ scope: "read", expires_at: Date.now() + 60 }));
    await watcher.ask({ id: 1, subscribe: { after: 2 } });
    await new Promise((resolve) => setTimeout(resolve, 70));
    await worker.ask({ id: 1, commands: [reserve("r")] });
    expect(await watcher.closed).toEqual({ code: 4401, reason: "the key has expired" });
  });

  it("let nobody in without a key, and take it from the subprotocol where a browser can't set a header", async () => {
    const pool = await newPool({}, { a: {} });
    expect((await connect(pool, {})).status).toBe(401);
    expect((await connect(pool, { "sec-websocket-protocol": "bursar.v1" })).status).toBe(401);
    const key = await adminKey();
    expect((await connect(pool, { "sec-websocket-protocol": `bursar-key.${key}` })).status).toBe(401);
    const twice = `bursar.v1, bursar-key.${key}, bursar-key.${key}`;
    expect((await connect(pool, { "sec-websocket-protocol": twice })).status).toBe(401);
    const response = await connect(pool, { "sec-websocket-protocol": `bursar.v1, bursar-key.${key}` });
    expect({ status: response.status, protocol: response.headers.get("sec-websocket-protocol") }).toEqual({
      status: 101,
      protocol: "bursar.v1",
    });
    response.webSocket?.accept();
    response.webSocket?.close();
  });

  it("are none on a pool that is not there, or no longer", async () => {
    const key = await adminKey();
    expect((await connect("/v1/pools/nowhere", { authorization: `Bearer ${key}` })).status).toBe(404);
    const pool = await newPool();
    const session = await openSession(pool);
    await must(api("DELETE", pool));
    expect(await session.closed).toMatchObject({ code: 4410 });
  });

  it("can't be had by a plain request", async () => {
    const pool = await newPool();
    expect(await api("GET", `${pool}/session`)).toMatchObject({ status: 400, body: { code: "invalid_request" } });
  });
});

describe("a frame that is wrong", () => {
  it.each([
    ["no JSON", "{", null, ""],
    ["nothing", {}, null, "/id"],
    ["no number", { commands: [reserve("r")] }, null, "/id"],
    ["no commands", { id: 1, commands: [] }, 1, "/commands"],
    ["a stranger's command", { id: 1, commands: [{ op: "steal" }] }, 1, "/commands/0/op"],
    ["a fraction of a token", { id: 1, commands: [reserve("r", 0.5)] }, 1, "/commands/0/tokens"],
    ["a key twice", '{"id":1,"id":2,"commands":[]}', null, "/id"],
    ["a wait for two", { id: 1, commands: [reserve("r"), reserve("s")], wait_ms: 5 }, 1, "/wait_ms"],
    ["a subscription to the future", { id: 1, subscribe: { after: 99 } }, 1, "/subscribe/after"],
    ["an acknowledgement of nothing", { ack: -1 }, null, "/ack"],
    ["an array", [1], null, ""],
    ["null", "null", null, ""],
  ])("%s is told so, by field, and the session goes on", async (_, frame, id, field) => {
    const pool = await newPool({}, { a: {} });
    const session = await openSession(pool);
    expect(await session.ask(frame)).toMatchObject({
      id,
      problem: { code: "invalid_request", errors: [{ field }] },
    });
    expect(await session.ask({ id: 9, commands: [reserve("fine")] })).toMatchObject({
      id: 9,
      results: [{ status: 201 }],
    });
  });

  it("of bytes, or one that is too large, ends the session", async () => {
    const pool = await newPool({}, { a: {} });
    const ofBytes = await openSession(pool);
    ofBytes.send(new TextEncoder().encode("{}").buffer);
    expect(await ofBytes.closed).toMatchObject({ code: 1003 });
    const large = await openSession(pool);
    large.send(`{"id":1,"commands":"${"x".repeat(limits.frameLength)}"}`);
    expect(await large.closed).toMatchObject({ code: 1009 });
  });

  it("whose answers would be too long to be given is run as far as they can be", async () => {
    const pool = await newPool();
    const donors = 300;
    const contracts = Array.from({ length: donors }, (_, n) => {
      return { op: "register", agent: `d${n}`, priority: 1, max_tokens: 10, min_reserve: 0 };
    });
    await must(api("POST", `${pool}/batch`, { body: { commands: contracts } }));
    await must(api("PUT", `${pool}/agents/a`, { body: { priority: 5, max_tokens: 1_000, min_reserve: 0 } }));
    const session = await openSession(pool);
    const dryRuns = Array.from({ length: 100 }, (_, n) => {
      return { op: "reallocate", id: `x${n}`, agent: "a", tokens: 10 * donors, dry_run: true };
    });
    const commands = [...dryRuns, { op: "record", id: "last", agent: "a", tokens: 7 }];
    const { results } = (await session.ask({ id: 1, commands })) as { results: { status: number }[] };
    const run = results.filter(({ status }) => status === 200).length;
    expect([run > 10 && run < 40, results.length]).toEqual([true, 101]);
    expect(results.at(-1)).toMatchObject({ status: 429, problem: { code: "limit_reached", limit: "answersLength" } });
    expect(await must(api("GET", `${pool}/report`))).toMatchObject({ consumed: 0 });
    expect(await session.ask({ id: 2, commands: [commands.at(-1)] })).toMatchObject({ results: [{ status: 201 }] });
  });

  it("is not needed to have too many: a session that floods is closed, and what it did stands", async () => {
    const pool = await newPool({}, { a: {} });
    const session = await openSession(pool);
    await session.ask({ id: 0, commands: [reserve("all", 1_000)] });
    for (let id = 1; id <= limits.framesInFlight + 1; id++) {
      session.send({ id, commands: [reserve(`w${id}`, 1)], wait_ms: 60_000 });
    }
    expect(await session.closed).toMatchObject({ code: 4429 });
    await audited(pool);
  });

  it("is closed for frames of any kind, acknowledgements and subscriptions too", async () => {
    const pool = await newPool({}, { a: {} });
    const session = await openSession(pool);
    for (let n = 0; n < 20_000; n++) session.send({ ack: n });
    expect(await session.closed).toMatchObject({ code: 4429 });
    const another = await openSession(pool);
    expect(await another.ask({ id: 1, commands: [reserve("fine")] })).toMatchObject({ results: [{ status: 201 }] });
  });

  it("subscribes once: what was sent is not sent again, however often it is asked for", async () => {
    const pool = await newPool({}, { a: {} });
    const session = await openSession(pool);
    expect(await session.ask({ id: 1, subscribe: { after: 0 } })).toMatchObject({ id: 1, subscribed: { after: 0 } });
    await eventsUntil(session, 2);
    expect(await session.ask({ id: 2, subscribe: { after: 0 } })).toMatchObject({
      id: 2,
      problem: { code: "invalid_request", errors: [{ field: "/subscribe" }] },
    });
    session.send({ id: 3, commands: [reserve("next")] });
    expect(await eventsUntil(session, 3)).toEqual([3]);
  });

  it("is refused to a key that has half of what there is, and to nobody else", async () => {
    const pool = await newPool();
    const stub = env.POOLS.getByName(`default${pool.replace("/v1/pools", "")}`);
    const half = limits.sessions / 2;
    const mine = await keyOf({ key_id: "many" });
    await runInDurableObject(stub, (_, state) => {
      for (let i = 0; i < half; i++) {
        const { 1: server } = new WebSocketPair();
        state.acceptWebSocket(server, ["many"]);
        server.serializeAttachment({
          caller: { key_id: "many", agent: null, expires_at: null },
          scope: "read",
          watch: null,
        });
      }
    });
    const refused = await connect(pool, { authorization: `Bearer ${mine}` });
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ code: "limit_reached", limit: "sessionsPerKey", maximum: half });
    expect((await connect(pool, { authorization: `Bearer ${await adminKey()}` })).status).toBe(101);
  });
});
