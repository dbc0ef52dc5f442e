/** The operator's tool as its user runs it: the built program, against a real governor. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Governor, startGovernor } from "../support/governor.ts";

const program = join(import.meta.dirname, "../../dist/cli/bursar.js");
const directory = mkdtempSync(join(tmpdir(), "bursar-cli-"));
let governor: Governor;
let operatorToken = "";
let adminKey = "";

type Run = { readonly code: number; readonly out: string; readonly err: string };

function bursar(args: string, environment: Record<string, string> = {}): Promise<Run> {
  const env = { ...process.env, BURSAR_URL: governor.url, BURSAR_KEY: adminKey, ...environment };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args.split(" ")], { env }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

/** What a command prints with --json, when it must succeed. */
async function json(args: string): Promise<Record<string, unknown>> {
  const { code, out, err } = await bursar(`${args} --json`);
  if (code !== 0) throw new Error(`${args}: ${code} ${err}`);
  return JSON.parse(out);
}

beforeAll(async () => {
  governor = await startGovernor(directory);
  operatorToken = governor.operatorToken;
  const { out } = await bursar("init --tenant acme --pool work --json", { BURSAR_KEY: operatorToken });
  adminKey = JSON.parse(out).key;
}, 90_000);

afterAll(async () => {
  await governor?.stop();
  rmSync(directory, { recursive: true, force: true });
});

describe("bursar", () => {
  it("makes a tenant with a pool in one command, and lists it", async () => {
    const { out } = await bursar("tenants ls", { BURSAR_KEY: operatorToken });
    // `npm start` creates the tenant "local" for its own admin key.
    expect(out).toMatch(/^TENANT +JURISDICTION +CREATED\n((acme|local) +– +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n){2}$/);
    expect(out).toMatch(/^acme /m);
    const made = await bursar("tenants create other", { BURSAR_KEY: operatorToken });
    expect(made.out).toMatch(/export BURSAR_KEY=bursar_\S+/);
  });

  it("makes, lists, pings, rotates and deletes webhooks, and says what is wrong with an address", async () => {
    const made = await json(
      "webhooks add https://hooks.example.com/bursar --types agent.overage,period.started --pool books",
    );
    expect(made).toMatchObject({ types: ["agent.overage", "period.started"], pool: "books", state: "enabled" });
    expect(made["secret"]).toMatch(/^whsec_/);
    const id = String(made["id"]);
    expect((await bursar("webhooks ls")).out).toMatch(new RegExp(`${id} +https://hooks.example.com/bursar +healthy`));
    expect((await bursar(`webhooks ping ${id}`)).out).toContain("is on its way");
    expect((await bursar(`webhooks deliveries ${id}`)).out).toMatch(/msg_\S+ +ping/);
    expect(await json(`webhooks redeliver ${id} --since 1h`)).toEqual({ redelivering: 0 });
    expect((await json(`webhooks rotate ${id}`))["secret"]).not.toBe(made["secret"]);
    expect(await json(`webhooks enable ${id}`)).toMatchObject({ state: "enabled" });
    expect(await json(`webhooks rm ${id}`)).toEqual({ deleted: true });
    const wrong = await bursar("webhooks add https://127.0.0.1/");
    expect(wrong).toMatchObject({ code: 1 });
    expect(wrong.err).toContain("must be a name, not an IP address");
    expect(await bursar("webhooks add https://hooks.example.com/ --types everything")).toMatchObject({ code: 1 });
    expect(await bursar(`webhooks redeliver ${id}`)).toMatchObject({ code: 1 });
  });

  it("exports a journal, and verifies it offline, changed or not", async () => {
    await json("pools create kept --budget 1000 --journal-days 30");
    await json("agents set kept a --priority 1 --max 100");
    const file = join(directory, "kept.ndjson");
    expect((await bursar(`pools export kept ${file}`)).out).toContain(`bursar verify ${file}`);
    const verified = await bursar(`verify ${file}`, { BURSAR_URL: "", BURSAR_KEY: "" });
    expect(verified).toMatchObject({ code: 0, err: "" });
    expect(verified.out).toMatch(/^The chain is whole: 1 segments, 2 rows, up to event 2; .*\n\nkept: 1,000 tokens/);
    expect(await json(`verify ${file}`)).toMatchObject({ ok: true, pool: "kept", report: { total: 1_000 } });
    writeFileSync(file, readFileSync(file, "utf8").replace('"max":100', '"max":999'));
    const changed = await bursar(`verify ${file}`);
    expect(changed.code).toBe(2);
    expect(changed.out).toMatch(/^Something is wrong:\n- .*kept.ndjson: its last line does not match/);
    expect(await bursar(`pools export nowhere ${file}`)).toMatchObject({ code: 2 });
    // This governor has no archive; test/archive has one.
    expect(await bursar("pools archive kept")).toMatchObject({ code: 2 });
    expect(await bursar("pools restore kept")).toMatchObject({ code: 2 });
  });

  it("refills a pool and an agent, lists periods, and begins one", async () => {
    const made = await json(
      "pools create monthly --budget 1000 --refill month --time-zone Europe/Berlin --rollover unspent",
    );
    expect(made).toMatchObject({ refill: { every: "month", time_zone: "Europe/Berlin", rollover: "unspent" } });
    const { agent } = await json(
      "agents set monthly a --priority 1 --max 100 --refill 5h --final-reserve 10 --max-per-minute 9",
    );
    expect(agent).toMatchObject({
      contract: { refill: { every: "hours", hours: 5 }, final_reserve: 10, max_reserves_per_minute: 9 },
    });
    expect((await bursar("pools reset-period monthly --yes")).out).toBe("Period 2 of monthly has begun.\n");
    expect((await bursar("pools periods monthly")).out).toMatch(/PERIOD.*\n +1 .* 1,000 +0\n/);
    expect(await bursar("pools create x --refill fortnight")).toMatchObject({ code: 1 });
  });

  it("creates, shows, funds and deletes a pool, and registers, closes and reopens its agents", async () => {
    expect(await json("pools create books --budget 10,000")).toMatchObject({ budget: 10_000, unallocated: 10_000 });
    await json("agents set books boss --priority 5 --max 4000 --threshold 0.9 --ceiling 9000");
    await json("agents set books child --priority 2 --max 500 --parent boss --min-reserve 0");
    expect(await json("pools fund books 2_000")).toMatchObject({ total: 12_000, unallocated: 8_000 });
    const { out } = await bursar("pools show books");
    expect(out).toContain("books: 12,000 tokens, 8,000 not allocated");
    expect(out.split("\n").map((line) => line.trimEnd())).toContain(
      "boss          5      3,500         0     0      3,500",
    );
    expect(await json("agents ls books")).toMatchObject({
      agents: { boss: { priority: 5 }, child: { allocated: 500 } },
    });
    expect(await json("agents reopen books boss")).toMatchObject({ agent: { gate: "open" } });
    expect(await json("agents pause books child")).toMatchObject({ paused: true, agent: { name: "child" } });
    expect(await json("agents resume books child")).toMatchObject({ paused: false });
    expect(await json("pools pause books")).toMatchObject({ paused: true, agent: null });
    expect(await json("pools resume books")).toMatchObject({ paused: false });
    expect(await json("agents close books child --yes")).toMatchObject({ state: "closed" });
    expect(await json("top books --once")).toMatchObject({ pool: "books" });
    expect((await bursar("top books --once")).out).toContain("░░░░");
    expect((await bursar("pools ls")).out).toContain("books");
    expect(await json("pools rm books --yes")).toEqual({ deleted: true });
  });

  it("counts dollars in a pool of microusd", async () => {
    await json("pools create money --unit microusd");
    await json("agents set money writer --priority 1 --max 5000000");
    expect(await json("pools show money")).toMatchObject({ unit: "microusd", total: 5_000_000 });
    expect(await bursar("pools fund money 1000000")).toMatchObject({ code: 0 });
  });

  it("lists, sets and takes away what models cost", async () => {
    expect((await bursar("prices show gpt-4o")).out).toMatch(/gpt-4o +\$2\.5 +\$10 +\$1\.25/);
    const set = await json("prices set my-model --input 0.15 --output 3 --cache-read 0.075");
    expect(set).toMatchObject({ input: 150_000, output: 3_000_000, cache_read: 75_000, source: "tenant" });
    expect((await bursar("prices ls")).out).toContain("my-model");
    expect(await json("prices rm my-model")).toEqual({ deleted: true });
    expect(await bursar("prices show my-model")).toMatchObject({ code: 2 });
    expect(await bursar("prices set my-model --input cheap --output 3")).toMatchObject({ code: 1 });
  });

  it("makes keys, lists them, and revokes one, which is refused from then on", async () => {
    const { key, key_id } = await json("keys create --scope read --pool work --label watcher --expires 12h");
    const own = { BURSAR_KEY: String(key) };
    expect(await bursar("pools show work", own)).toMatchObject({ code: 0 });
    expect((await bursar("keys ls")).out).toMatch(/read +work +– +watcher/);
    expect((await bursar(`keys revoke ${String(key_id)} --yes`)).out).toContain("Revoked; all 1 pools");
    expect(await bursar("pools show work", own)).toMatchObject({
      code: 4,
      err: expect.stringContaining("key_revoked"),
    });
  });

  it("finds nothing wrong with a governor that is in order", async () => {
    const { code, out } = await bursar("doctor", { BURSAR_OPERATOR_TOKEN: operatorToken });
    expect(out).toContain("a forged key is refused");
    expect(out).toMatch(/ok +audit of work +clean/);
    expect(out).toMatch(/ok +the operator's token is taken +3 tenants/);
    expect(code).toBe(0);
  });

  it("says what is wrong with one that is not", async () => {
    const dead = await bursar("doctor --json", { BURSAR_URL: "http://127.0.0.1:1" });
    expect(dead.code).toBe(3);
    expect(JSON.parse(dead.out)).toMatchObject([{ check: "reachable", ok: false }]);
    const stranger = await bursar("doctor", { BURSAR_KEY: "nobody" });
    expect(stranger.code).toBe(4);
    expect(stranger.out).toMatch(/FAILED +the key is taken/);
    const missing = await bursar("doctor --pool nowhere");
    expect([missing.code, missing.out]).toEqual([2, expect.stringMatching(/FAILED +audit of nowhere/)]);
  });

  it("takes a key that is bound to the pool that it looks at", async () => {
    const { key } = JSON.parse((await bursar("keys create --scope read --pool work --json")).out);
    const found = await bursar("doctor --pool work", { BURSAR_KEY: String(key) });
    expect([found.code, found.out]).toEqual([0, expect.stringMatching(/ok +audit of work/)]);
  });
});

describe("a command that is wrong", () => {
  it.each([
    ["pools create work --rollover unspent", "--rollover is part of a refill"],
    ["pools create work --time-zone Europe/Berlin", "--time-zone is part of a refill"],
    ["pools create work --refill 5h --time-zone UTC", "Hours have no --time-zone."],
    ["pools create work --refill day --starts-on sunday", "--starts-on is for --refill week."],
  ])("is not half done: %s", async (command, message) => {
    expect(await bursar(command)).toMatchObject({ code: 1, err: expect.stringContaining(message) });
  });

  it("takes a refill away where that is asked for", async () => {
    const made = await bursar("pools create filled --budget 100 --refill week --starts-on sunday --rollover capped:5");
    expect(made.err).toBe("");
    const before = JSON.parse((await bursar("pools create filled --json")).out);
    expect(before.refill).toMatchObject({ every: "week", starts_on: "sunday", rollover: "capped", rollover_cap: 5 });
    const taken = await bursar("pools create filled --refill none --json");
    expect(taken.err).toBe("");
    const { refill } = JSON.parse(taken.out);
    expect(refill).toBeNull();
    await bursar("pools rm filled --yes");
  });

  it("or an address that is one, says so in words or as JSON", async () => {
    const withPath = await bursar("pools ls", { BURSAR_URL: `${governor.url}/v1` });
    expect(withPath).toMatchObject({ code: 1, err: expect.stringContaining("has no path") });
    expect((await bursar("pools ls", { BURSAR_KEY: "nonsense" })).err).toContain("Set BURSAR_KEY, or give --key");
    const dead = await bursar("pools ls --json", { BURSAR_URL: "http://127.0.0.1:1" });
    expect([dead.code, JSON.parse(dead.err)]).toMatchObject([3, { detail: expect.stringContaining("127.0.0.1:1") }]);
  });
});

describe("a list", () => {
  it("is whole, however long", async () => {
    for (let n = 0; n < 103; n++) await bursar(`prices set many-${n} --input 1 --output 2`);
    const { out } = await bursar("prices ls --json");
    expect(JSON.parse(out).filter(({ model }: { model: string }) => model.startsWith("many-"))).toHaveLength(103);
  });
});

describe("what destroys something", () => {
  it.each(["pools rm work", "pools reset-period work", "agents close work a", "agents reset work a", "keys revoke k"])(
    "is not done unconfirmed: %s",
    async (args) => {
      const { code, err } = await bursar(args);
      expect({ code, err }).toEqual({
        code: 1,
        err: expect.stringContaining("Nothing was done: repeat the command with --yes."),
      });
      expect(await bursar("pools show work")).toMatchObject({ code: 0 });
    },
  );
});

describe("a pool of dollars", () => {
  it("takes and shows dollars, with every setting and every field of a contract", async () => {
    const settings = [
      "--unit microusd --budget $40000 --warn-at 50,90 --default-ttl 5m --equal-priority-donates off",
      "--fallback-price 3,15 --journal-refusals on --journal-days 30 --refill month --rollover capped:$100",
    ].join(" ");
    expect((await bursar(`pools create org ${settings}`)).out).toBe(
      "Pool org counts microusd; its total is $40,000.00, $40,000.00 of it not allocated.\n",
    );
    const contract =
      "--priority 5 --max $1000 --ceiling $2000 --min-reserve $10 --final-reserve $5 --confidence-path /c";
    expect((await bursar(`agents set org team ${contract}`)).out).toBe("team is allocated $1,000.00.\n");
    expect(await json("agents show org team")).toMatchObject({
      contract: { max: 1e9, ceiling: 2e9, min_reserve: 1e7, final_reserve: 5e6, confidence_path: "/c" },
    });
    expect((await bursar("agents show org team")).out).toMatch(/^ceiling +\$2,000\.00$/m);
    expect(await json("pools create org --warn-at 80")).toMatchObject({
      unit: "microusd",
      warn_at: [80],
      default_ttl_ms: 300_000,
      equal_priority_donates: false,
      fallback_price: { input: 3e6, output: 15e6 },
      refill: { every: "month", rollover: "capped", rollover_cap: 1e8 },
    });
    expect((await bursar("pools fund org $-0.25")).out).toContain("$39,999.75");
    expect((await bursar("pools show org")).out).toMatch(/team +5 +\$1,000\.00 +\$0\.00/);
    expect(await bursar("pools fund work $5")).toMatchObject({
      code: 1,
      err: expect.stringContaining("counts tokens"),
    });
    expect((await bursar("agents reset org team --yes")).out).toBe("team was reset.\n");
  });
});

describe("its exit code", () => {
  it("is 2 when the governor refuses, with the reason", async () => {
    const { code, err } = await bursar("pools show nothing");
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining("(pool_not_found)") });
    const asJson = await bursar("pools show nothing --json");
    expect(JSON.parse(asJson.err)).toMatchObject({ code: "pool_not_found", status: 404 });
  });

  it("is 3 when the governor can't be reached", async () => {
    expect(await bursar("pools ls", { BURSAR_URL: "http://127.0.0.1:1" })).toMatchObject({ code: 3 });
  });

  it("is 1 when the command is wrong, and 4 without a key that may, each with what to do", async () => {
    const nowhere = await bursar("pools ls", { BURSAR_URL: "" });
    expect(nowhere).toMatchObject({ code: 1, err: "No address: set BURSAR_URL, or give --url.\n" });
    const keyless = await bursar("pools ls", { BURSAR_KEY: "" });
    expect(keyless).toMatchObject({ code: 4, err: "No key: set BURSAR_KEY, or give --key.\n" });
    expect(await bursar("pools ls", { BURSAR_KEY: "nobody" })).toMatchObject({ code: 4 });
    expect(await bursar("pools fund work much")).toMatchObject({ code: 1 });
    expect(await bursar("keys create --scope king")).toMatchObject({ code: 1 });
    expect(await bursar("nonsense")).toMatchObject({ code: 1 });
  });

  it("is 0 for help, everywhere", async () => {
    for (const args of ["--help", "pools --help", "pools create --help", "keys create --help", "top --help"]) {
      const { code, out } = await bursar(args);
      expect({ args, code, usage: out.startsWith("Usage: bursar") }).toEqual({ args, code: 0, usage: true });
    }
  });
});
