/**
 * Callers that all want the same thing at once, over HTTP to a real workerd: the last of a budget, one reservation's
 * end, a contract that is being changed, a pool that is not there yet.
 */

import { randomOf } from "../../../test/support/random.ts";
import { key, startWorkerd } from "../../../test/support/workerd.ts";
import { type Counts, findingsIn, type Part, total } from "./part.ts";

const crowds = [2, 8, 64, 256, 1_000];
const zero = [
  "overshoot",
  "false denials",
  "reservations settled twice or never",
  "tokens moved by settings",
  "answers that were neither yes nor no",
  "audits that found something",
];

type Reply = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };
type Send = (method: string, path: string, body?: unknown) => Promise<Reply>;
/** A race of `callers` at `path`, a pool of its own; gives what it found. */
type Race = (send: Send, path: string, callers: number, random: () => number) => Promise<Counts>;

export const races: Part = {
  name: "races",
  shows: "When callers race, exactly as many are admitted as there is budget for, and each reservation ends once.",
  share: 2,
  slice: 15,
  goals: {},
  zero,
  run: async ({ seconds, seed }) => {
    const random = randomOf(seed);
    const workerd = await startWorkerd({ bursar: "PoolObject" }, { isQuiet: true });
    const found: Counts[] = [];
    const until = Date.now() + seconds * 1_000;
    try {
      for (let round = 0; Date.now() < until || round < crowds.length; round++) {
        const callers = crowds[round % crowds.length] ?? 2;
        for (const [index, race] of [boundary, endings, settings, firsts].entries()) {
          const path = `/v1/pools/race-${round}-${index}`;
          found.push({
            rounds: 1,
            ...(await raced(sender(workerd.urls.bursar), race, path, callers, random)),
          });
        }
      }
    } finally {
      await workerd.stop();
    }
    const counts = total(found);
    return { counts, findings: findingsIn(counts, zero, seed) };
  },
};

async function raced(send: Send, race: Race, path: string, callers: number, random: () => number): Promise<Counts> {
  let [requests, unclear] = [0, 0];
  const counted: Send = async (...request) => {
    requests++;
    const reply = await send(...request);
    if (reply.status >= 500) unclear++;
    return reply;
  };
  const found = await race(counted, path, callers, random);
  const audit = await send("GET", `${path}/audit`);
  const around = {
    "requests raced": requests,
    "answers that were neither yes nor no": unclear,
    "audits that found something": audit.body["ok"] === true ? 0 : 1,
  };
  return total([found, around]);
}

/** Room for so many, and for nearly one more. */
async function boundary(send: Send, path: string, callers: number, random: () => number): Promise<Counts> {
  const room = Math.floor(random() * (callers + 2));
  await send("PUT", path, {});
  await send("PUT", `${path}/agents/a`, contract(room * 100 + Math.floor(random() * 100)));
  const replies = await atOnce(callers, () => send("POST", `${path}/reservations`, { agent: "a", tokens: 100 }));
  return difference(replies, Math.min(room, callers));
}

/** Commit, release and the end of the lease, all at the instant of the last. */
async function endings(send: Send, path: string, callers: number, random: () => number): Promise<Counts> {
  await send("PUT", path, {});
  await send("PUT", `${path}/agents/a`, contract(1_000));
  const ttl_ms = 100;
  await send("POST", `${path}/reservations`, { agent: "a", tokens: 100, id: "r", ttl_ms });
  const ends = Date.now() + ttl_ms;
  const replies = await atOnce(callers, async (index) => {
    await new Promise((resolve) => setTimeout(resolve, ends - Date.now() - 5 + random() * 10));
    if (index % 2 === 0) return send("POST", `${path}/reservations/r/commit`, { tokens: 60 });
    return send("POST", `${path}/reservations/r/release`);
  });
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, ends - Date.now())));
  const { body } = await send("GET", `${path}/reservations/r`);
  const ledger = await ledgerOf(send, path);
  const committed = replies.some(({ status }, index) => index % 2 === 0 && status < 300);
  const isRight =
    ledger["held"] === 0 &&
    ledger["consumed"] === (committed ? 60 : 0) &&
    (body["state"] === "committed") === committed &&
    ["committed", "released", "expired"].includes(String(body["state"]));
  return { "reservations settled twice or never": isRight ? 0 : 1 };
}

/** The contract and the pool's settings are changed all the while: what was spent stays. */
async function settings(send: Send, path: string, callers: number, random: () => number): Promise<Counts> {
  await send("PUT", path, {});
  await send("PUT", `${path}/agents/a`, contract(callers * 100));
  let committed = 0;
  await atOnce(callers, async (index) => {
    if (index % 4 === 0) {
      await send("PUT", `${path}/agents/a`, contract(Math.floor(callers * 100 * (0.5 + random()))));
      return send("PATCH", path, { default_ttl_ms: 60_000 + index });
    }
    const reserved = await send("POST", `${path}/reservations`, { agent: "a", tokens: 100, id: `s${index}` });
    if (reserved.status >= 300) return reserved;
    const reply = await send("POST", `${path}/reservations/s${index}/commit`, { tokens: 70 });
    if (reply.status < 300) committed += 70;
    return reply;
  });
  const { consumed, held, allocated } = await ledgerOf(send, path);
  return {
    "tokens moved by settings": Math.abs(Number(consumed) - committed) + Number(held),
    overshoot: Math.max(0, Number(consumed) - Number(allocated)),
  };
}

/** Everybody makes the pool and its agent, and reserves: the first requests it ever gets. */
async function firsts(send: Send, path: string, callers: number, random: () => number): Promise<Counts> {
  const room = Math.floor(random() * (callers + 2));
  const replies = await atOnce(callers, async () => {
    await send("PUT", path, {});
    await send("PUT", `${path}/agents/a`, contract(room * 100));
    return send("POST", `${path}/reservations`, { agent: "a", tokens: 100 });
  });
  return difference(replies, Math.min(room, callers));
}

function difference(replies: readonly Reply[], expected: number): Counts {
  const admitted = replies.filter(({ status }) => status === 201).length;
  const denied = replies.filter(({ status }) => status === 402).length;
  return {
    admitted,
    denied,
    overshoot: Math.max(0, admitted - expected),
    "false denials": Math.max(0, denied - (replies.length - expected)),
    "answers that were neither yes nor no": replies.length - admitted - denied,
  };
}

function contract(max_tokens: number): object {
  return { priority: 1, max_tokens, min_reserve: 0 };
}

async function ledgerOf(send: Send, path: string): Promise<Readonly<Record<string, unknown>>> {
  return (await send("GET", `${path}/agents/a`)).body;
}

function atOnce(count: number, act: (index: number) => Promise<Reply>): Promise<Reply[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => act(index)));
}

function sender(url: string): Send {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  return async (method, path, body) => {
    const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
    const response = await fetch(url + path, init);
    return { status: response.status, body: await response.json() };
  };
}
