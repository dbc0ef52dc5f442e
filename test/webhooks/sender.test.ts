/** What is sent, how it is signed, and what becomes of it when nobody answers as they should. */
import { Webhook } from "standardwebhooks";
import { afterEach, describe, expect, it, vi } from "vitest";
import { signedHeaders } from "../../src/webhooks/signature.ts";
import { randomOf } from "../support/random.ts";
import { idOf, type Sent, Stage } from "./stage.ts";

const seed = Number(process.env["BURSAR_SEED"] ?? Date.now()) | 0;
const hour = 3_600_000;

afterEach(() => void vi.useRealTimers());

/** What the public library reads out of a message at the time at which it was sent; it throws where it would not trust it. */
function verified({ headers, body }: Sent, secret: string, now: number): unknown {
  vi.useFakeTimers({ toFake: ["Date"], now });
  try {
    return new Webhook(secret).verify(body, { ...headers });
  } finally {
    vi.useRealTimers();
  }
}

describe("a message", () => {
  it("is what Standard Webhooks says, and its public library trusts it", () =>
    Stage.run(
      () => 204,
      async (stage) => {
        const secret = stage.add("a");
        stage.tell(7, { data: { agent: "a", overage: 5, ключ: "ü" } });
        await stage.sends();
        expect(stage.sent.length).toBe(1);
        const [sent] = stage.sent;
        if (sent === undefined) throw new Error("nothing was sent");
        const timestamp = new Date(stage.now).toISOString();
        const data = { pool: "p", seq: 7, agent: "a", overage: 5, ключ: "ü" };
        expect(verified(sent, secret, stage.now)).toEqual({ type: "agent.overage", timestamp, data });
        expect(() => verified({ ...sent, body: `${sent.body} ` }, secret, stage.now)).toThrow("No matching signature");
        expect(() => verified(sent, secret, stage.now + 301_000)).toThrow("too old");
        expect(idOf(sent)).toMatch(/^msg_[\w-]{32}$/);
        expect(stage.deliveries.list("a", undefined, 10)).toMatchObject([{ state: "delivered", attempts: 1, seq: 7 }]);
      },
    ));

  it("is signed as the specification's example is", () => {
    // https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const body = '{"test": 2432232314}';
    const headers = signedHeaders("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330_000, body, [secret]);
    expect(headers["webhook-signature"]).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  });

  it("has one id and the same body at each attempt, and a fresh time", () => {
    let answers = 500;
    return Stage.run(
      () => answers,
      async (stage) => {
        const secret = stage.add("a");
        stage.tell(1);
        await stage.sends();
        stage.now += 5_000;
        answers = 200;
        await stage.sends();
        expect(new Set(stage.sent.map(idOf)).size).toBe(1);
        expect(new Set(stage.sent.map(({ body }) => body)).size).toBe(1);
        const times = stage.sent.map(({ headers }) => Number(headers["webhook-timestamp"]));
        expect((times[1] ?? 0) - (times[0] ?? 0)).toBe(5);
        for (const sent of stage.sent) verified(sent, secret, Number(sent.headers["webhook-timestamp"]) * 1_000);
      },
    );
  });

  it("is not doubled when a pool hands it over again", () =>
    Stage.run(
      () => 200,
      async (stage) => {
        stage.add("a");
        const at = stage.now;
        for (let times = 0; times < 3; times++) stage.tell(1, { at });
        // Another pool of that name, made anew, is another pool.
        stage.tell(1, { at: at + 1 });
        await stage.sends();
        expect(stage.sent.length).toBe(2);
      },
    ));

  it("goes to those that want its type from its pool", () =>
    Stage.run(
      () => 200,
      async (stage) => {
        stage.add("all");
        stage.add("typed", { types: ["agent.gate_closed"] });
        stage.add("pooled", { pool: "q" });
        stage.tell(1);
        stage.tell(2, { type: "agent.gate_closed" });
        stage.tell(3, {}, "q");
        await stage.sends();
        const got = (id: string) => stage.sent.filter(({ url }) => url.includes(id)).length;
        expect([got("all"), got("typed"), got("pooled")]).toEqual([3, 1, 1]);
      },
    ));
});

describe("a secret that is rotated", () => {
  it("is signed with beside the new one for a day, so that a receiver may know either", () =>
    Stage.run(
      () => 200,
      async (stage) => {
        const before = stage.add("a");
        const { secret: after, previous_secret_until } = stage.endpoints.rotate("a", stage.now);
        expect(previous_secret_until).toBe(stage.now + 24 * hour);
        stage.tell(1);
        await stage.sends();
        const [both] = stage.sent;
        if (both === undefined) throw new Error("nothing was sent");
        expect(both.headers["webhook-signature"]?.split(" ").length).toBe(2);
        for (const secret of [before, after]) verified(both, secret, stage.now);
        stage.now += 24 * hour;
        stage.tell(2);
        await stage.sends();
        const last = stage.sent.at(-1) ?? both;
        verified(last, after, stage.now);
        expect(() => verified(last, before, stage.now)).toThrow("No matching signature");
      },
    ));
});

describe("an address that fails", () => {
  it("is tried ten times over some 75 hours, with the pauses of the specification, and then shown as disabled", () =>
    Stage.run(
      () => 503,
      async (stage) => {
        stage.add("a");
        stage.tell(1);
        const began = stage.now;
        const at: number[] = [];
        for (;;) {
          const before = stage.sent.length;
          const next = await stage.sender.run(Number.MAX_SAFE_INTEGER);
          if (stage.sent.length > before) at.push((stage.now - began) / 1_000);
          if (next === undefined) break;
          stage.now = next;
        }
        expect(at).toEqual([0, 5, 305, 2_105, 9_305, 27_305, 63_305, 113_705, 185_705, 272_105]);
        expect(stage.deliveries.list("a", undefined, 1)).toMatchObject([
          { state: "failed", attempts: 10, next_at: null, last_error: "503" },
        ]);
        // One message alone says little: it is disabled when nothing gets through for as long, whatever is sent.
        for (let days = 0; days < 3; days++) {
          stage.tell(2 + days);
          await stage.sendsAll();
          stage.now += 24 * hour;
        }
        expect(stage.endpoints.get("a")).toMatchObject({
          state: "disabled",
          disabled_reason: "failing",
          last_error: "503",
          pending: 0,
        });
        const { length } = stage.sent;
        stage.tell(9);
        await stage.sendsAll();
        expect(stage.sent.length).toBe(length);
      },
    ));

  it("is disabled at once by 410, and sent to again when somebody enables it", () => {
    let answers = 410;
    return Stage.run(
      () => answers,
      async (stage) => {
        stage.add("a");
        stage.tell(1);
        stage.tell(2);
        await stage.sends();
        expect(stage.endpoints.get("a")).toMatchObject({ state: "disabled", disabled_reason: "gone", pending: 0 });
        answers = 200;
        stage.endpoints.enable("a");
        expect(stage.deliveries.redeliver("a", undefined, 0, stage.now)).toBe(2);
        await stage.sends();
        expect(stage.deliveries.list("a", undefined, 10).map(({ state }) => state)).toEqual(["delivered", "delivered"]);
      },
    );
  });

  it("is led nowhere by a redirect", () =>
    Stage.run(
      () => 302,
      async (stage) => {
        stage.add("a");
        stage.tell(1);
        await stage.sends();
        expect(stage.endpoints.get("a")).toMatchObject({ last_error: "302: redirects are not followed" });
        expect(stage.sent.length).toBe(1);
      },
    ));

  it("shows of what went wrong its kind, and nothing that was answered", () => {
    const late = new Error("late");
    late.name = "TimeoutError";
    const answers = [late, new TypeError("connect ECONNREFUSED 10.0.0.1:443 secret")];
    return Stage.run(
      () => answers.shift() ?? 200,
      async (stage) => {
        stage.add("a");
        stage.tell(1);
        await stage.sends();
        expect(stage.endpoints.get("a")).toMatchObject({ last_error: "no answer within 15 s" });
        stage.now += 5_000;
        await stage.sends();
        expect(stage.endpoints.get("a")).toMatchObject({ last_error: "could not be reached" });
      },
    );
  });

  it("is looked at again before each message: one that has become hostile is not sent to", () =>
    Stage.run(
      () => 200,
      async (stage) => {
        stage.add("a", { url: "https://127.0.0.1/" });
        stage.tell(1);
        await stage.sends();
        expect(stage.sent).toEqual([]);
        expect(stage.endpoints.get("a")?.last_error).toMatch(/must be a name/);
      },
    ));

  it("rests after some failures in a row, is then tried with one message, and keeps nobody waiting", () => {
    let now = 0;
    const attempts: number[] = [];
    return Stage.run(
      ({ url }) => {
        if (!url.includes("dead")) return 200;
        attempts.push(now);
        return 500;
      },
      async (stage) => {
        stage.add("dead");
        stage.add("well");
        for (let seq = 1; seq <= 100; seq++) stage.tell(seq);
        now = stage.now;
        const began = now;
        for (let alarms = 0; stage.now < began + 10 * 60_000; alarms++) {
          const next = await stage.sender.run(Number.MAX_SAFE_INTEGER);
          if (alarms === 0) expect(stage.endpoints.get("well")?.pending).toBe(0);
          stage.now = next ?? began + hour;
          now = stage.now;
        }
        // Ten minutes of a dead address with a hundred messages: a dozen requests.
        expect(attempts.length).toBeLessThan(15);
      },
    );
  });
});

describe("a message that somebody wants again", () => {
  it("is sent again, whatever became of it", () =>
    Stage.run(
      () => 200,
      async (stage) => {
        stage.add("a");
        stage.tell(1);
        await stage.sends();
        const [sent] = stage.sent;
        if (sent === undefined) throw new Error("nothing was sent");
        expect(stage.deliveries.redeliver("a", idOf(sent), 0, stage.now)).toBe(1);
        expect(stage.deliveries.redeliver("a", "msg_unknown", 0, stage.now)).toBe(0);
        await stage.sends();
        expect(stage.sent.map(idOf)).toEqual([idOf(sent), idOf(sent)]);
      },
    ));
});

describe("10,000 notifications to ten addresses, three of which fail", () => {
  it(
    "each arrive at least once under one id, signed so that the public library trusts them",
    {
      timeout: 120_000,
    },
    () => {
      const random = randomOf(seed);
      console.info(`seed ${seed}`);
      const names = Array.from({ length: 10 }, (_, index) => `e${index}`);
      const got = new Map(names.map((name) => [name, new Map<string, number>()]));
      const tries = new Map<string, number>();
      const secrets = new Map<string, string>();
      let untrusted = 0;
      let requests = 0;
      return Stage.run(
        (sent) => {
          requests++;
          const name = /e\d/.exec(sent.url)?.[0] ?? "";
          const attempt = (tries.get(`${name} ${idOf(sent)}`) ?? 0) + 1;
          tries.set(`${name} ${idOf(sent)}`, attempt);
          // One is down for a while, one refuses every message at first, one breaks off up to four times.
          if (name === "e0" && requests < 4_000) return 503;
          if (name === "e1" && attempt === 1) return 500;
          if (name === "e2" && attempt < 5 && random() < 0.5) return new TypeError("reset");
          try {
            // Times are the stage's; that they are fresh is tested above.
            verified(sent, secrets.get(name) ?? "", Number(sent.headers["webhook-timestamp"]) * 1_000);
          } catch {
            untrusted++;
          }
          const ids = got.get(name);
          ids?.set(idOf(sent), (ids.get(idOf(sent)) ?? 0) + 1);
          return 200;
        },
        async (stage) => {
          stage.now = Date.now();
          for (const name of names) secrets.set(name, stage.add(name));
          const notifications = 1_000;
          for (let seq = 1; seq <= notifications; seq++) stage.tell(seq);
          const alarms = await stage.sendsAll();
          for (const [name, ids] of got) expect(ids.size, name).toBe(notifications);
          expect(new Set([...got.values()].flatMap((ids) => [...ids.keys()])).size).toBe(notifications);
          expect(untrusted).toBe(0);
          for (const name of names) expect(stage.endpoints.get(name)).toMatchObject({ state: "enabled", pending: 0 });
          console.info(`${requests} requests, ${alarms} alarms`);
        },
        random,
      );
    },
  );
});

describe("an address that hangs", () => {
  it("delays no message to another that comes while it does", () => {
    let letGo: (status: number) => void = () => undefined;
    const answers = ({ url }: Sent): number | Promise<number> =>
      url.includes("hangs")
        ? new Promise((resolve) => {
            letGo = resolve;
          })
        : 200;
    return Stage.run(answers, async (stage) => {
      stage.add("hangs", { pool: "p" });
      stage.add("healthy", { pool: "q" });
      stage.tell(1, {}, "p");
      const running = stage.sender.run(stage.now + 600_000);
      await vi.waitUntil(() => stage.sent.length === 1);
      stage.tell(2, {}, "q");
      stage.sender.wake();
      await vi.waitUntil(() => stage.sent.length === 2);
      expect(stage.sent.map(({ url }) => new URL(url).hostname)).toEqual(["hangs.example.com", "healthy.example.com"]);
      letGo(200);
      await running;
    });
  });
});

describe("a pool that sends very much", () => {
  it("holds up no other pool's messages, and no other type's: they are sent in turns", () =>
    Stage.run(
      () => 200,
      async (stage) => {
        stage.add("all");
        for (let seq = 1; seq <= 40; seq++) stage.tell(seq, { type: "reservation.expired" }, "evil");
        stage.tell(41, { type: "spending.paused" }, "evil");
        stage.tell(1, { type: "spending.paused" }, "victim");
        await stage.sends();
        const told = stage.sent.map(({ body }) => {
          const { type, data } = JSON.parse(body) as { type: string; data: { pool: string } };
          return `${data.pool} ${type}`;
        });
        expect(told).toHaveLength(42);
        expect(told.indexOf("victim spending.paused")).toBeLessThan(6);
        expect(told.indexOf("evil spending.paused")).toBeLessThan(6);
      },
    ));
});
