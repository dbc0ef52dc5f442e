/**
 * `npm run bench:session`: operations a second on one pool from one client process: frames of 1 to 256 commands,
 * the client's own batching with 256 callers at once, single requests, and Redis with a Lua script for the same job.
 */
import { Bursar } from "../../src/client/index.ts";
import { key, startWorkerd } from "../../test/support/workerd.ts";
import { startRedis } from "./alternatives/redis.ts";
import { ask } from "./lib/ask.ts";
import { type Pairs, pairs } from "./lib/load.ts";
import { median, options, print, progress, spread } from "./lib/report.ts";

const chosen = options("Operations per second over sessions, requests, and Redis.", { seconds: 4, rounds: 3 });
const sizes = [1, 16, 64, 256];
const callers = 256;
/** Frames under way at once: what the client keeps, too. */
const frames = 4;

const workerd = await startWorkerd({ bursar: "PoolObject" });
const url = workerd.urls.bursar;
const redis = await startRedis();
if (redis === undefined) progress("no redis-server: its rows are left out (Debian: apt-get install redis-server)");
let ids = 0;

type Measured = Pairs & { readonly rowsPerOperation: number };

try {
  await ask(url, "PUT", "/v1/pools/load", {});
  await ask(url, "PUT", "/v1/pools/load/agents/swarm", { priority: 1, max_tokens: 1_000_000_000_000 });
  const session = new Bursar({ url, key, transport: "session" }).pool("load");
  const single = new Bursar({ url, key, transport: "fetch" }).pool("load");
  const kinds: Readonly<Record<string, (seconds: number) => Promise<Measured>>> = {
    ...Object.fromEntries(sizes.map((size) => [`frames of ${size}`, (seconds: number) => overFrames(size, seconds)])),
    [`client, session, ${callers} callers`]: (seconds) =>
      counted(() =>
        pairs(callers, seconds, async (id) => {
          const hold = await session.reserve("swarm", 100, { id });
          await hold.commit(90);
        }),
      ),
    [`client, batched requests, ${callers} callers`]: (seconds) =>
      counted(() =>
        pairs(callers, seconds, async (id) => {
          const hold = await single.reserve("swarm", 100, { id });
          await hold.commit(90);
        }),
      ),
    [`single requests, ${callers} callers`]: (seconds) =>
      counted(() =>
        pairs(callers, seconds, async (id) => {
          await ask(url, "POST", "/v1/pools/load/reservations", { agent: "swarm", tokens: 100, id });
          await ask(url, "POST", `/v1/pools/load/reservations/${id}/commit`, { tokens: 90 });
        }),
      ),
    ...(redis === undefined
      ? {}
      : {
          [`Redis + Lua, auto-pipelined, ${callers} callers`]: async (seconds: number) => ({
            ...(await pairs(callers, seconds, async (id) => {
              await redis.reserve(id, "swarm", 100);
              await redis.commit(id, 90);
            })),
            rowsPerOperation: Number.NaN,
          }),
        }),
  };
  for (const [name, measure] of Object.entries(kinds)) {
    progress(`warming up: ${name}`);
    await measure(1);
  }
  const measured = new Map<string, Measured[]>();
  for (let round = 0; round < chosen.rounds; round++) {
    for (const [name, measure] of Object.entries(kinds)) {
      progress(`round ${round + 1} of ${chosen.rounds}: ${name}`);
      measured.set(name, [...(measured.get(name) ?? []), await measure(chosen.seconds)]);
    }
  }
  const audit = await ask(url, "GET", "/v1/pools/load/audit");
  if (audit["ok"] !== true) throw new Error(`the audit found ${JSON.stringify(audit)}`);
  const of = (name: string, field: keyof Measured): number =>
    median((measured.get(name) ?? []).map((one) => one[field]));
  const base = `single requests, ${callers} callers`;
  print(
    [
      {
        title: "Operations per second (a reserve or a commit) on one pool, one client process",
        columns: ["", "operations/s", "spread", "× single requests", "pair p50 ms", "pair p99 ms", "rows/operation"],
        rows: [...measured].map(([name, runs]) => [
          name,
          of(name, "perSecond"),
          spread(runs.map(({ perSecond }) => perSecond)),
          of(name, "perSecond") / of(base, "perSecond"),
          of(name, "p50"),
          of(name, "p99"),
          Number.isNaN(of(name, "rowsPerOperation")) ? "–" : of(name, "rowsPerOperation"),
        ]),
      },
    ],
    chosen,
    [
      {
        what: "session: one client, 256 callers",
        figure: of(`client, session, ${callers} callers`, "perSecond"),
        unit: "operations/s",
        beside: { what: "single requests", figure: of(base, "perSecond") },
      },
      {
        what: "session: frames of 256 commands",
        figure: of("frames of 256", "perSecond"),
        unit: "operations/s",
        beside: { what: "single requests", figure: of(base, "perSecond") },
      },
    ],
  );
} finally {
  await redis?.stop();
  await workerd.stop();
}
process.exit(0);

async function counted(measure: () => Promise<Pairs>): Promise<Measured> {
  const before = await ask(url, "GET", "/v1/pools/load/audit");
  const result = await measure();
  const after = await ask(url, "GET", "/v1/pools/load/audit");
  const rows = Number(after["rows"]) - Number(before["rows"]);
  return { ...result, rowsPerOperation: rows / (Number(after["seq"]) - Number(before["seq"])) };
}

/** The protocol bare: `frames` frames under way, each with pairs of reserve and commit (or, of one, either in turn). */
function overFrames(size: number, seconds: number): Promise<Measured> {
  return counted(async () => {
    const socket = new WebSocket(`${url.replace("http", "ws")}/v1/pools/load/session`, [
      "bursar.v1",
      `bursar-key.${key}`,
    ]);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener("open", () => resolve());
      socket.addEventListener("error", () => reject(new Error("the session could not be opened")));
    });
    const began = performance.now();
    const until = began + seconds * 1_000;
    const sentAt = new Map<number, number>();
    const times: number[] = [];
    let operations = 0;
    let frame = 0;
    let open: string | undefined;
    const command = (): string => {
      const id = open ?? `f${ids++}`;
      const text =
        open === undefined
          ? `{"op":"reserve","id":"${id}","agent":"swarm","tokens":100}`
          : `{"op":"commit","id":"${id}","tokens":90}`;
      open = open === undefined ? id : undefined;
      return text;
    };
    const send = (): void => {
      sentAt.set(++frame, performance.now());
      socket.send(`{"id":${frame},"commands":[${Array.from({ length: size }, command).join(",")}]}`);
    };
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener("close", ({ code, reason }) => reject(new Error(`closed: ${code} ${reason}`)));
      socket.addEventListener("message", ({ data }) => {
        const { id, results } = JSON.parse(String(data));
        if (!Array.isArray(results) || results.some(({ status }) => status > 201))
          return reject(new Error(String(data)));
        operations += results.length;
        times.push(performance.now() - (sentAt.get(id) ?? 0));
        sentAt.delete(id);
        if (performance.now() < until) send();
        else if (sentAt.size === 0) resolve();
      });
      for (let i = 0; i < frames; i++) send();
    });
    const perSecond = (1_000 * operations) / (performance.now() - began);
    socket.close(1_000);
    times.sort((a, b) => a - b);
    return { perSecond, p50: times[times.length >> 1] ?? 0, p99: times[Math.floor(times.length * 0.99)] ?? 0 };
  });
}
