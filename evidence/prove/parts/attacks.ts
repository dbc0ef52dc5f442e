/**
 * Hostile neighbours: an agent's key, or a reader's, does its worst on a pool in a real workerd, while another agent
 * reserves. Each attack says how long the victim's reserves took before it and during it, and what must hold after.
 */
import { Worker } from "node:worker_threads";
import { uuid7 } from "../../../src/protocol/uuid.ts";
import { key as adminKey, keyFor, startWorkerd } from "../../../test/support/workerd.ts";
import { type Counts, findingsIn, type Part, total } from "./part.ts";

const quietMs = 2_000;
const attackMs = 4_000;
/** How much longer a victim's slowest reserves may take. Below some milliseconds a ratio says nothing. */
const mostTimes = 10;
const leastMs = 10;

const zero = [
  "attacks that could not be carried out",
  "victims kept waiting",
  "victims refused",
  "repeated records booked twice",
  "pools that could not be paused, read or deleted after",
  "audits that found something",
];

type Send = (method: string, path: string, body?: unknown, as?: string) => Promise<Reply>;
type Reply = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };

/** What a victim tells (`victim.ts`): milliseconds of each reserve. */
type Suffered = { readonly took: readonly number[]; readonly refused: number };

type Scene = {
  readonly url: string;
  readonly path: string;
  readonly send: Send;
  /** A key of the attacker's agent, and one that reads. */
  readonly evil: string;
  readonly reader: string;
  readonly isOver: () => boolean;
  /** Something of the attack got through: one of which nothing does proves nothing. */
  readonly got: () => void;
};

type Attack = {
  readonly name: string;
  readonly before?: (scene: Scene) => Promise<void>;
  readonly run: (scene: Scene) => Promise<void>;
};

export const attacks: Part = {
  name: "attacks",
  shows: "No key of any scope makes a pool slow, forgetful or unusable for others.",
  share: 1,
  slice: 60,
  goals: {},
  zero,
  run: async ({ seed, say }) => {
    const workerd = await startWorkerd({ bursar: "PoolObject" }, { isQuiet: true });
    const found: Counts[] = [];
    try {
      for (const [index, attack] of all.entries()) {
        const counts = await suffered(workerd.urls.bursar, `/v1/pools/attack-${index}`, attack, say);
        found.push(counts);
      }
    } finally {
      await workerd.stop();
    }
    const counts = total(found);
    return { counts, findings: findingsIn(counts, zero, seed) };
  },
};

async function suffered(url: string, path: string, attack: Attack, say: (text: string) => void): Promise<Counts> {
  const send = senderTo(url);
  const evil = await keyFor({ scope: "spend", agent: "evil" });
  const victim = await keyFor({ scope: "spend", agent: "victim" });
  const reader = await keyFor({ scope: "read" });
  await send("PUT", path, {});
  for (const agent of ["victim", "evil"]) {
    await send("PUT", `${path}/agents/${agent}`, { priority: 1, max_tokens: 1e9, min_reserve: 0 });
  }
  const bill = { id: "bill-1", agent: "victim", tokens: 100 };
  await send("POST", `${path}/usage`, bill, victim);
  let isOver = false;
  let through = 0;
  const scene: Scene = { url, path, send, evil, reader, isOver: () => isOver, got: () => void through++ };
  await attack.before?.(scene);

  const probe = (ms: number): Promise<Suffered> =>
    new Promise((resolve, reject) => {
      const workerData = { url: `${url}${path}/reservations`, key: victim, ms };
      const thread = new Worker(new URL("./victim.ts", import.meta.url).pathname, { workerData });
      thread.once("message", resolve);
      thread.once("error", reject);
    });
  const quiet = await probe(quietMs);
  const attacking = attack.run(scene);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const under = await probe(attackMs);
  isOver = true;
  await attacking;

  const again = await send("POST", `${path}/usage`, bill, victim);
  const audit = await send("GET", `${path}/audit`);
  const after = [
    await send("POST", `${path}/pause`, {}),
    await send("GET", `${path}/report`),
    await send("DELETE", `${path}?force=true`),
  ];
  const [p99Quiet, p99] = [percentile(quiet.took, 99), percentile(under.took, 99)];
  say(
    `${attack.name}: quiet p50 ${percentile(quiet.took, 50).toFixed(1)} p99 ${p99Quiet.toFixed(1)} ms, attacked p50 ` +
      `${percentile(under.took, 50).toFixed(1)} p99 ${p99.toFixed(1)} ms (${under.took.length} reserves)`,
  );
  return {
    attacks: 1,
    "reserves of victims": quiet.took.length + under.took.length,
    "attacks that could not be carried out": through === 0 ? 1 : 0,
    "victims kept waiting": p99 > mostTimes * Math.max(p99Quiet, leastMs) ? 1 : 0,
    "victims refused": quiet.refused + under.refused,
    "repeated records booked twice": again.body["replayed"] === true ? 0 : 1,
    "pools that could not be paused, read or deleted after": after.some(({ status }) => status !== 200) ? 1 : 0,
    "audits that found something": audit.body["ok"] === true ? 0 : 1,
  };
}

const frameOf = (id: number, commands: readonly object[]): string => JSON.stringify({ id, commands });

/** A socket that sends frames made by `frame`, so many in flight, until the attack is over; it comes back when closed. */
async function floods(scene: Scene, as: string, inFlight: number, frame: (id: number) => string): Promise<void> {
  while (!scene.isOver()) {
    const socket = await open(scene, as);
    if (socket === undefined) return;
    let id = 0;
    const next = (): void => {
      if (socket.readyState === WebSocket.OPEN && !scene.isOver()) socket.send(frame(++id));
    };
    socket.addEventListener("message", ({ data }) => {
      if (String(data).includes('"results"')) scene.got();
      next();
    });
    for (let n = 0; n < inFlight; n++) next();
    while (!scene.isOver() && socket.readyState === WebSocket.OPEN) await pause(20);
    socket.close();
  }
}

const many = 1_000;
const labels = Object.fromEntries(Array.from({ length: 16 }, (_, n) => [`label-${n}`, "\u0001".repeat(39)]));

const all: readonly Attack[] = [
  {
    name: "empty records by two sessions, 64 frames of 1,000 in flight each",
    run: async (scene) => {
      const frame = (id: number): string =>
        frameOf(
          id,
          Array.from({ length: many }, () => ({ op: "record", id: uuid7(), agent: "evil", tokens: 0 })),
        );
      await Promise.all([1, 2].map(() => floods(scene, scene.evil, 64, frame)));
    },
  },
  {
    name: "frames of one command, 250 in flight",
    run: (scene) =>
      floods(scene, scene.evil, 250, (id) => frameOf(id, [{ op: "record", id: uuid7(), agent: "evil", tokens: 0 }])),
  },
  {
    name: "frames of bytes, as many as can be sent",
    run: async (scene) => {
      while (!scene.isOver()) {
        const socket = await open(scene, scene.evil);
        if (socket !== undefined) scene.got();
        for (let n = 0; socket?.readyState === WebSocket.OPEN && !scene.isOver(); n++) {
          socket.send(new Uint8Array(1));
          if (n % 1_000 === 0) await pause(0);
        }
        socket?.close();
      }
    },
  },
  {
    name: "reserves that are all refused, 8 frames of 1,000 in flight",
    run: (scene) =>
      floods(scene, scene.evil, 8, (id) =>
        frameOf(
          id,
          Array.from({ length: many }, () => ({ op: "reserve", id: uuid7(), agent: "evil", tokens: 9e11 })),
        ),
      ),
  },
  {
    name: "reservations with as much in their labels as may be, never settled",
    run: (scene) =>
      floods(scene, scene.evil, 8, (id) =>
        frameOf(
          id,
          Array.from({ length: 50 }, () => {
            return { op: "reserve", id: uuid7(), agent: "evil", tokens: 1, ttl_ms: 100, metadata: labels };
          }),
        ),
      ),
  },
  {
    name: "a thousand subscriptions a second on one socket that is not read",
    before: fill,
    run: async (scene) => {
      while (!scene.isOver()) {
        const socket = await open(scene, scene.reader);
        socket?.addEventListener("message", ({ data }) => String(data).includes('"subscribed"') && scene.got());
        for (let id = 1; socket?.readyState === WebSocket.OPEN && !scene.isOver(); id++) {
          socket.send(`{"id":${id},"subscribe":{"after":0}}`);
          await pause(1);
        }
        socket?.close();
      }
    },
  },
  {
    name: "sixty audits at once",
    before: fill,
    run: async (scene) => {
      const audit = async (): Promise<void> => {
        while (!scene.isOver()) {
          const { status } = await scene.send("GET", `${scene.path}/audit`, undefined, scene.reader);
          if (status === 200) scene.got();
        }
      };
      await Promise.all(Array.from({ length: 60 }, audit));
    },
  },
  {
    name: "a full line of reserves that can't be granted",
    run: async (scene) => {
      const sockets = await Promise.all([1, 2, 3, 4].map(() => open(scene, scene.evil)));
      for (const socket of sockets) {
        for (let id = 1; id <= 250; id++) {
          const reserve = { op: "reserve", id: uuid7(), agent: "evil", tokens: 1e12 };
          socket?.send(JSON.stringify({ id, commands: [reserve], wait_ms: 60_000 }));
        }
      }
      while (!scene.isOver()) await pause(50);
      // Those that wait are not answered until they leave.
      if (sockets.every((socket) => socket?.readyState === WebSocket.OPEN)) scene.got();
      for (const socket of sockets) socket?.close();
    },
  },
  {
    name: "as many sessions as can be had",
    run: async (scene) => {
      const sockets: WebSocket[] = [];
      while (!scene.isOver()) {
        const socket = await open(scene, scene.reader);
        if (socket === undefined) await pause(50);
        else {
          scene.got();
          sockets.push(socket);
        }
      }
      for (const socket of sockets) socket.close();
    },
  },
];

/** Some 20,000 events, in frames. */
async function fill({ send, path }: Scene): Promise<void> {
  for (let round = 0; round < 40; round++) {
    const commands = Array.from({ length: 500 }, (_, n) => ({
      op: "record",
      id: `f${round}-${n}`,
      agent: "evil",
      tokens: 0,
    }));
    await send("POST", `${path}/batch`, { commands });
  }
}

function open({ url, path }: Scene, as: string): Promise<WebSocket | undefined> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${url.replace("http", "ws")}${path}/session`, ["bursar.v1", `bursar-key.${as}`]);
    socket.addEventListener("open", () => resolve(socket));
    socket.addEventListener("error", () => resolve(undefined));
    socket.addEventListener("close", () => resolve(undefined));
  });
}

function senderTo(url: string): Send {
  return async (method, path, body, as = adminKey) => {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${as}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Reply["body"] };
  };
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? 0;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
