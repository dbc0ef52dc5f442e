/**
 * Who may do what: every route, asked by everybody, about what is theirs and what is not. The routes come from the
 * registry; what must come of it stands in the tables below and nowhere else, so that a route nobody thought about
 * has no line here and fails.
 */
import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { routes } from "../../src/http/routes.ts";
import { signKey } from "../../src/http/signature.ts";
import { randomOf } from "../support/random.ts";
import { api, type Json, keyOf, must, newTenant, operatorToken, type Reply } from "./api.ts";

const principals = [
  "nobody",
  "garbage",
  "operator",
  "admin",
  "admin of mine",
  "admin of elsewhere",
  "spend",
  "spend of mine",
  "spend of elsewhere",
  "spend as a",
  "spend as b",
  "spend as a of mine",
  "read",
  "read of mine",
  "read as a",
  "gateway",
  "gateway as a",
  "expired admin",
  "revoked admin",
  "forged admin",
  "stranger's admin",
] as const;
type Principal = (typeof principals)[number];

const kinds = [
  "operate",
  "keys",
  "list",
  "manage",
  "spend",
  "settle",
  "batch",
  "read",
  "agent",
  "hold",
  "session",
  "price",
  "prices",
] as const;
type Kind = (typeof kinds)[number];

/**
 * Every route (`price` is whatever concerns the tenant as a whole and is its admins' alone): what kind of thing it does, what its success is,
 * and a body that it takes.
 */
const table: Readonly<Record<string, readonly [kind: Kind, status: 101 | 200 | 201, body?: (target: string) => Json]>> =
  {
    "POST /v1/tenants": ["operate", 201, () => ({ id: newTenant() })],
    "GET /v1/tenants": ["operate", 200],
    "POST /v1/tenants/:tenant/keys": ["operate", 201, () => ({})],
    "POST /v1/keys": ["keys", 201, () => ({ scope: "read" })],
    "GET /v1/keys": ["keys", 200],
    "DELETE /v1/keys/:key_id": ["keys", 200],
    "GET /v1/prices": ["prices", 200],
    "GET /v1/prices/:model": ["prices", 200],
    "PUT /v1/prices/:model": ["price", 200, () => ({ input: 1, output: 2 })],
    "DELETE /v1/prices/:model": ["price", 200],
    "POST /v1/webhooks": ["price", 201, () => ({ url: "https://hooks.example.com/bursar" })],
    "GET /v1/webhooks": ["price", 200],
    "GET /v1/webhooks/:webhook": ["price", 200],
    "PUT /v1/webhooks/:webhook": ["price", 200, () => ({ url: "https://hooks.example.com/other" })],
    "DELETE /v1/webhooks/:webhook": ["price", 200],
    "POST /v1/webhooks/:webhook/rotate": ["price", 200, () => ({})],
    "POST /v1/webhooks/:webhook/enable": ["price", 200, () => ({})],
    "POST /v1/webhooks/:webhook/ping": ["price", 200, () => ({})],
    "GET /v1/webhooks/:webhook/deliveries": ["price", 200],
    "POST /v1/webhooks/:webhook/redeliver": ["price", 200, () => ({ since: 0 })],
    "GET /v1/metrics": ["list", 200],
    "GET /v1/pools": ["list", 200],
    "PUT /v1/pools/:pool": ["manage", 200, () => ({ default_ttl_ms: 5_000 })],
    "DELETE /v1/pools/:pool": ["manage", 200],
    "POST /v1/pools/:pool/funds": ["manage", 201, () => ({ tokens: 10, id: "f" })],
    "PUT /v1/pools/:pool/agents/:agent": ["manage", 200, () => ({ priority: 9, max_tokens: 2_000 })],
    "DELETE /v1/pools/:pool/agents/:agent": ["manage", 200],
    "POST /v1/pools/:pool/agents/:agent/reopen": ["manage", 200, () => ({ id: "o" })],
    "POST /v1/pools/:pool/agents/:agent/pause": ["manage", 200, () => ({})],
    "POST /v1/pools/:pool/agents/:agent/resume": ["manage", 200, () => ({})],
    "POST /v1/pools/:pool/pause": ["manage", 200, () => ({})],
    "POST /v1/pools/:pool/resume": ["manage", 200, () => ({})],
    "POST /v1/pools/:pool/reset-period": ["manage", 200, () => ({ id: "y" })],
    "POST /v1/pools/:pool/agents/:agent/reset": ["manage", 200, () => ({ id: "x" })],
    "POST /v1/pools/:pool/reservations": ["spend", 201, (agent) => ({ agent, tokens: 5, id: "new" })],
    "POST /v1/pools/:pool/usage": ["spend", 201, (agent) => ({ agent, tokens: 5, id: "new" })],
    "POST /v1/pools/:pool/reallocations": ["spend", 200, (agent) => ({ agent, tokens: 5, id: "new" })],
    "POST /v1/pools/:pool/reservations/:id/commit": ["settle", 200, () => ({ tokens: 5 })],
    "POST /v1/pools/:pool/reservations/:id/release": ["settle", 200, () => ({})],
    "POST /v1/pools/:pool/reservations/:id/extend": ["settle", 200, () => ({ ttl_ms: 9_000_000 })],
    "POST /v1/pools/:pool/batch": [
      "batch",
      200,
      (agent) => ({ commands: [{ op: "reserve", agent, tokens: 5, id: "new" }] }),
    ],
    "GET /v1/pools/:pool": ["read", 200],
    "GET /v1/pools/:pool/report": ["read", 200],
    "GET /v1/pools/:pool/metrics": ["read", 200],
    "GET /v1/pools/:pool/journal": ["read", 200],
    "GET /v1/pools/:pool/journal/export": ["read", 200],
    "GET /v1/pools/:pool/archive": ["read", 200],
    "POST /v1/pools/:pool/archive": ["manage", 200, () => ({})],
    "POST /v1/pools/:pool/restore": ["manage", 201, () => ({})],
    "GET /v1/pools/:pool/periods": ["read", 200],
    "GET /v1/pools/:pool/snapshot": ["read", 200],
    "GET /v1/pools/:pool/audit": ["read", 200],
    "GET /v1/pools/:pool/agents/:agent": ["agent", 200],
    "GET /v1/pools/:pool/reservations/:id": ["hold", 200],
    "GET /v1/pools/:pool/session": ["session", 101],
  };

/**
 * What each may do in the pool `mine`, by kind: `ok`; `a` or `b`, in that agent's name or with its reservations alone;
 * `no`, which is 403; `gone`, the 404 of a pool that isn't there; `dead`, a revoked key; `who`, nobody that we know.
 */
const rightsOf = `
                    operate keys list manage spend settle batch read agent hold session price prices
nobody              who     who  who  who    who   who    who   who  who   who  who who   who
garbage             who     who  who  who    who   who    who   who  who   who  who who   who
operator            ok      no   no   no     no    no     no    no   no    no   no no    no
admin               no      ok   ok   ok     ok    ok     ok    ok   ok    ok   ok ok    ok
admin of mine       no      ok   no   ok     ok    ok     ok    ok   ok    ok   ok no    ok
admin of elsewhere  no      ok   no   gone   gone  gone   gone  gone gone  gone gone no    ok
spend               no      no   ok   no     ok    ok     ok    ok   ok    ok   ok no    ok
spend of mine       no      no   no   no     ok    ok     ok    ok   ok    ok   ok no    ok
spend of elsewhere  no      no   no   no     gone  gone   gone  gone gone  gone gone no    ok
spend as a          no      no   no   no     a     a      a     no   a     a    ok no    ok
spend as b          no      no   no   no     b     b      b     no   b     b    ok no    ok
spend as a of mine  no      no   no   no     a     a      a     no   a     a    ok no    ok
read                no      no   ok   no     no    no     no    ok   ok    ok   ok no    ok
read of mine        no      no   no   no     no    no     no    ok   ok    ok   ok no    ok
read as a           no      no   no   no     no    no     no    no   a     a    ok no    ok
gateway             no      no   no   no     no    no     no    no   no    no   no no    no
gateway as a        no      no   no   no     no    no     no    no   no    no   no no    no
expired admin       who     who  who  who    who   who    who   who  who   who  who who   who
revoked admin       no      dead dead dead   dead  dead   dead  dead dead  dead dead dead  dead
forged admin        who     who  who  who    who   who    who   who  who   who  who who   who
stranger's admin    no      ok   ok   gone   gone  gone   gone  gone gone  gone gone ok    ok
`;

/** By principal, the words of its line; a name takes the first 20 characters of it. */
const may: ReadonlyMap<string, readonly string[]> = new Map(
  rightsOf
    .trimEnd()
    .split("\n")
    .slice(2)
    .map((line) => [line.slice(0, 20).trim(), line.slice(20).trim().split(/ +/)]),
);

function allowed(principal: Principal, kind: Kind): string {
  return may.get(principal)?.[kinds.indexOf(kind)] ?? "";
}

/** Two tenants: ours has the pool `mine`, the stranger's has `theirs`, both with agents and reservations of each. */
type World = {
  readonly ours: string;
  readonly strangers: string;
  readonly keys: Readonly<Record<string, string>>;
  /** A webhook of ours. */
  readonly webhook: string;
};

/** The stranger's pool and the keys are left out where nothing asks for them. */
async function newWorld({ withStranger = true, withKeys = true } = {}): Promise<World> {
  const [ours, strangers] = [newTenant(), newTenant()];
  await fill(ours, "mine");
  if (withStranger) await fill(strangers, "theirs");
  const keyIn = async (tenant: string, pool: string): Promise<string> => {
    const { key_id } = await must(api("POST", "/v1/keys", { tenant, body: { scope: "read", pool } }));
    return String(key_id);
  };
  const made = await must(api("POST", "/v1/webhooks", { tenant: ours, body: { url: "https://hooks.example.com/" } }));
  const webhook = String(made["id"]);
  const missing = "no-such-key";
  if (!withKeys) return { ours, strangers, keys: { missing }, webhook };
  const [mine, elsewhere] = [await keyIn(ours, "mine"), await keyIn(ours, "elsewhere")];
  return {
    ours,
    strangers,
    keys: { mine, elsewhere, "stranger's": await keyIn(strangers, "theirs"), missing },
    webhook,
  };
}

async function fill(tenant: string, pool: string): Promise<void> {
  const path = `/v1/pools/${pool}`;
  await must(api("PUT", path, { tenant, body: { budget: 100_000 } }));
  const commands = ["a", "b"].flatMap((agent) => [
    { op: "register", agent, priority: 1, max_tokens: 1_000 },
    { op: "reserve", id: `of-${agent}`, agent, tokens: 10, ttl_ms: 3_600_000 },
  ]);
  await must(api("POST", `${path}/batch`, { tenant, body: { commands } }));
  await must(api("PUT", "/v1/prices/a-model", { tenant, body: { input: 3, output: 4 } }));
}

/** All that a refused request could have changed in a world. */
async function stateOf({ ours, strangers }: World): Promise<string> {
  const state: Json[] = [await must(api("GET", "/v1/tenants?limit=1000", { token: operatorToken() }))];
  for (const [tenant, pool] of [[ours, "mine"] as const, [strangers, "theirs"] as const]) {
    for (const path of [
      "/v1/keys",
      "/v1/prices?limit=1000",
      "/v1/webhooks",
      "/v1/pools",
      `/v1/pools/${pool}/report`,
      `/v1/pools/${pool}/journal`,
    ]) {
      state.push(await must(api("GET", path, { tenant })));
    }
  }
  return JSON.stringify(state);
}

const otherSecrets = { BURSAR_KEY_SECRET: "a-secret-that-this-worker-was-never-given" };
const adminOf = (tenant: string) => ({ tenant, key_id: "forged", scope: "admin" }) as const;

/** The key of `principal`; a revoked one is revoked for good in `world`. */
async function tokenOf(principal: Principal, { ours, strangers }: World): Promise<string | null> {
  const key_id = principal.replaceAll(/[^a-z]+/g, "-");
  const key = (more: Parameters<typeof keyOf>[0]) => keyOf({ tenant: ours, key_id, ...more });
  switch (principal) {
    case "nobody":
      return null;
    case "garbage":
      return `bursar_${"A".repeat(80)}.${"A".repeat(43)}`;
    case "operator":
      return operatorToken();
    case "admin":
      return key({});
    case "admin of mine":
      return key({ pool: "mine" });
    case "admin of elsewhere":
      return key({ pool: "elsewhere" });
    case "spend":
      return key({ scope: "spend" });
    case "spend of mine":
      return key({ scope: "spend", pool: "mine" });
    case "spend of elsewhere":
      return key({ scope: "spend", pool: "elsewhere" });
    case "spend as a":
      return key({ scope: "spend", agent: "a" });
    case "spend as b":
      return key({ scope: "spend", agent: "b" });
    case "spend as a of mine":
      return key({ scope: "spend", agent: "a", pool: "mine" });
    case "read":
      return key({ scope: "read" });
    case "read of mine":
      return key({ scope: "read", pool: "mine" });
    case "read as a":
      return key({ scope: "read", agent: "a" });
    case "gateway":
      return key({ scope: "gateway" });
    case "gateway as a":
      return key({ scope: "gateway", agent: "a" });
    case "expired admin":
      return key({ expires_at: 1 });
    case "revoked admin": {
      const made = await must(api("POST", "/v1/keys", { tenant: ours, body: { scope: "admin" } }));
      await must(api("DELETE", `/v1/keys/${String(made["key_id"])}`, { tenant: ours }));
      return String(made["key"]);
    }
    case "forged admin":
      return signKey(adminOf(ours), otherSecrets);
    case "stranger's admin":
      return key({ tenant: strangers });
  }
}

const pools = ["mine", "missing", "theirs"] as const;
type Cell = {
  readonly route: string;
  readonly principal: Principal;
  /** What the path or body names, as far as the route takes it. */
  readonly pool: (typeof pools)[number];
  readonly agent: "a" | "b";
  readonly key: string;
};

/** Every combination that makes a difference to the route. */
function cellsOf(route: string, principal: Principal): Cell[] {
  const [kind] = table[route] ?? [];
  const keys = route.includes(":key_id") ? ["mine", "elsewhere", "stranger's", "missing"] : ["mine"];
  const perAgent = route.includes(":agent") || ["spend", "settle", "batch", "hold"].includes(kind ?? "");
  return (route.includes(":pool") ? pools : (["mine"] as const)).flatMap((pool) =>
    (perAgent ? (["a", "b"] as const) : (["a"] as const)).flatMap((agent) =>
      keys.map((key) => ({ route, principal, pool, agent, key })),
    ),
  );
}

/** What the tables say of a cell: `ok`, or the code of the problem. */
function expectedOf({ route, principal, pool, agent, key }: Cell): string {
  const [kind = "operate"] = table[route] ?? [];
  const right = allowed(principal, kind);
  const isStranger = principal === "stranger's admin";
  if (right === "who") return "unauthorized";
  if (right === "no") return "forbidden";
  if (right === "dead") {
    // A pool that isn't there knows no keys; making and deleting it goes by the tenant, which does.
    const byTenant =
      ["keys", "list", "price", "prices"].includes(kind) ||
      (kind === "manage" && (route.endsWith("/:pool") || route.endsWith("/restore")));
    return pool === "mine" || byTenant ? "key_revoked" : "pool_not_found";
  }
  if (route.includes(":key_id")) {
    const reached = isStranger ? ["stranger's"] : principal.endsWith("elsewhere") ? ["elsewhere"] : ["mine"];
    return reached.includes(key) || (principal === "admin" && key === "elsewhere") ? "ok" : "key_not_found";
  }
  if (route.includes(":webhook")) return isStranger ? "webhook_not_found" : "ok";
  if (!route.includes(":pool")) return "ok";
  const isThere = isStranger ? pool === "theirs" : pool === "mine" && right !== "gone";
  const isBound = / of (mine|elsewhere)$/.test(principal);
  // Another agent that is named is refused before any pool is looked for; but a pool that the key doesn't reach is not there.
  const reachable = !isBound || pool === "mine";
  if ((right === "a" || right === "b") && right !== agent && reachable && kind !== "settle" && kind !== "hold") {
    return "forbidden";
  }
  // An admin may make the pool that isn't there.
  // Here is no archive; test/archive has one.
  if (route.endsWith("/restore") && (isThere || !isBound)) return "archive_not_found";
  if (!isThere) return route === "PUT /v1/pools/:pool" && !isBound ? "ok" : "pool_not_found";
  if (route === "POST /v1/pools/:pool/archive") return "archive_not_found";
  if ((right === "a" || right === "b") && right !== agent) return "reservation_not_found";
  if (route === "DELETE /v1/pools/:pool") return "contract_conflict";
  return "ok";
}

const statusOf: Readonly<Record<string, number>> = {
  unauthorized: 401,
  key_revoked: 401,
  forbidden: 403,
  key_not_found: 404,
  webhook_not_found: 404,
  archive_not_found: 404,
  pool_not_found: 404,
  reservation_not_found: 404,
  contract_conflict: 409,
};

function ask({ route, pool, agent, key }: Cell, world: World, token: string | null): Promise<Reply> {
  const [, , bodyFor] = table[route] ?? [];
  const [method = "", pattern = ""] = route.split(" ");
  const names: Readonly<Record<string, string | undefined>> = {
    pool,
    agent,
    id: `of-${agent}`,
    key_id: world.keys[key],
    tenant: world.ours,
    model: "a-model",
    webhook: world.webhook,
  };
  const path = pattern.replaceAll(/:(\w+)/g, (_, name: string) => names[name] ?? "");
  if (path.endsWith("/session")) return openSession(path, token);
  const body = bodyFor?.(agent);
  return api(method, path, { token, ...(body === undefined ? {} : { body }) });
}

/** Opens a session and closes it again. */
async function openSession(path: string, token: string | null): Promise<Reply> {
  const headers = { upgrade: "websocket", ...(token === null ? undefined : { authorization: `Bearer ${token}` }) };
  const response = await exports.default.fetch(`https://bursar.test${path}`, { headers });
  response.webSocket?.accept();
  response.webSocket?.close(1000);
  const { status } = response;
  return { status, headers: response.headers, body: status === 101 ? {} : await response.json() };
}

/** What was answered: `ok`, or the code of the problem; of a batch that was let in, what became of its first command. */
function answered({ body }: Reply): string {
  const [first] = Array.isArray(body["results"]) ? body["results"] : [];
  return String(body["code"] ?? first?.problem?.code ?? "ok");
}

function faultsOf(cell: Cell, reply: Reply, expected: string): string[] {
  const about = Object.values(cell).join(", ");
  const got = `${reply.status} ${answered(reply)}`;
  const [, success] = table[cell.route] ?? [];
  const isBatch = Array.isArray(reply.body["results"]);
  const status = expected === "ok" || isBatch ? success : statusOf[expected];
  return got === `${status} ${expected}` ? [] : [`${about}: ${got}, not ${status} ${expected}`];
}

/** Bodies and headers but for what names the request. */
function withoutId({ status, headers, body }: Reply): string {
  const all = [...headers].map((header) => header.join(": ")).filter((line) => !line.startsWith("x-request-id"));
  return JSON.stringify([status, all.sort(), body]);
}

const nameOf = ({ method, path }: { method: string; path: string }): string => `${method} ${path}`;

describe("the tables of this test", () => {
  it("have a line for every route, and none for a route that is gone", () => {
    expect(Object.keys(table).toSorted()).toEqual(routes.map(nameOf).toSorted());
  });

  it("say of everybody what they may, kind by kind", () => {
    expect([...may.keys()]).toEqual(principals);
    for (const [name, line] of may) {
      expect(line.join(" "), name).toMatch(/^((ok|no|a|b|gone|dead|who)( |$)){13}$/);
    }
    const cells = Object.keys(table).flatMap((route) => principals.flatMap((principal) => cellsOf(route, principal)));
    expect(cells.length).toBeGreaterThan(1_500);
  });
});

const shared = await newWorld();
const tokens = new Map<Principal, string | null>();
for (const principal of principals) tokens.set(principal, await tokenOf(principal, shared));

describe.each(routes.map(nameOf))("%s", (route) => {
  const cells = principals.flatMap((principal) => cellsOf(route, principal));
  const refused = cells.filter((cell) => expectedOf(cell) !== "ok");

  it("refuses everybody that it must, says why, and changes nothing", async () => {
    const before = await stateOf(shared);
    const faults: string[] = [];
    for (const cell of refused) {
      const reply = await ask(cell, shared, tokens.get(cell.principal) ?? null);
      faults.push(...faultsOf(cell, reply, expectedOf(cell)));
    }
    expect(faults).toEqual([]);
    expect(await stateOf(shared)).toBe(before);
  });

  it("lets everybody in that it must", async () => {
    const faults: string[] = [];
    for (const cell of cells.filter((one) => expectedOf(one) === "ok")) {
      const world = await newWorld({
        withStranger: cell.principal === "stranger's admin",
        withKeys: route.includes(":key_id"),
      });
      if (route.startsWith("POST /v1/tenants/")) {
        await must(api("POST", "/v1/tenants", { token: operatorToken(), body: { id: world.ours } }));
      }
      faults.push(...faultsOf(cell, await ask(cell, world, await tokenOf(cell.principal, world)), "ok"));
    }
    expect(faults).toEqual([]);
  });
});

describe("a stranger's pool", () => {
  it.each(routes.map(nameOf).filter((route) => route.includes(":pool")))(
    "looks like one that isn't there, to the byte: %s",
    async (route) => {
      const cells = principals.flatMap((principal) => cellsOf(route, principal));
      const compared = cells.filter((cell) => cell.pool === "missing" && expectedOf(cell) !== "ok");
      const others = compared.filter(({ principal }) => principal !== "stranger's admin");
      expect(others.length).toBeGreaterThan(10);
      for (const cell of others) {
        const token = tokens.get(cell.principal) ?? null;
        const about = async (pool: Cell["pool"]) => withoutId(await ask({ ...cell, pool }, shared, token));
        const missing = await about("missing");
        expect(await about("theirs"), Object.values(cell).join(", ")).toBe(missing);
        // To a key that is bound to a pool, each of its tenant's other pools looks like none, too.
        if (cell.principal.endsWith("elsewhere")) expect(await about("mine")).toBe(missing);
      }
    },
  );
});

describe("two tenants with a pool of the same name", () => {
  it.each(routes.map(nameOf).filter((route) => route.includes(":pool")))(
    "never meet in it: %s changes one's own alone",
    async (route) => {
      const [ours, others] = [newTenant(), newTenant()];
      await fill(ours, "mine");
      await fill(others, "mine");
      const state = async () => [
        await must(api("GET", "/v1/pools/mine/report", { tenant: others })),
        await must(api("GET", "/v1/pools/mine/journal", { tenant: others })),
        await must(api("GET", "/v1/pools", { tenant: others })),
      ];
      const before = await state();
      const cell: Cell = { route, principal: "admin", pool: "mine", agent: "a", key: "missing" };
      await ask(cell, { ours, strangers: others, keys: {}, webhook: "none" }, await keyOf({ tenant: ours }));
      await must(api("DELETE", "/v1/pools/mine?force=true", { tenant: ours }));
      expect(await state()).toEqual(before);
    },
  );
});

describe("a batch", () => {
  const spending: readonly Json[] = [
    { op: "reserve", id: "new", agent: "a", tokens: 1 },
    { op: "commit", id: "of-a", tokens: 1 },
    { op: "release", id: "of-a" },
    { op: "extend", id: "of-a", ttl_ms: 9_000_000 },
    { op: "record", id: "new", agent: "a", tokens: 1 },
    { op: "reallocate", id: "new", agent: "a", tokens: 1 },
  ];
  const managing: readonly Json[] = [
    { op: "fund", id: "new", tokens: 1 },
    { op: "register", agent: "a", priority: 5, max_tokens: 1_000 },
    { op: "close", agent: "a" },
    { op: "reopen", agent: "a", id: "new" },
    { op: "reset", agent: "a", id: "new" },
  ];
  const batch = (token: string | null, commands: readonly Json[]) =>
    api("POST", "/v1/pools/mine/batch", { token, body: { commands } });
  const ofB = (command: Json): Json => ({
    ...command,
    ...("agent" in command ? { agent: "b" } : undefined),
    ...(command["id"] === "of-a" ? { id: "of-b" } : undefined),
  });

  it.each(principals)("of one command is what that command is to %s", async (principal) => {
    const before = await stateOf(shared);
    const right = allowed(principal, "batch");
    for (const original of [...spending, ...managing]) {
      for (const command of [original, ofB(original)]) {
        const isOfB = command !== original && JSON.stringify(command) !== JSON.stringify(original);
        const isManaging = managing.includes(original);
        const isAgents = right === "a" || right === "b";
        const isOwn = right === "ok" || (isAgents && (right === "b") === isOfB);
        let expected = { ok: "ok", no: "forbidden", gone: "pool_not_found", dead: "key_revoked", who: "unauthorized" }[
          right
        ];
        if (isAgents) expected = isOwn ? "ok" : "agent" in command ? "forbidden" : "reservation_not_found";
        if (isManaging && (right === "ok" || isAgents) && !principal.startsWith("admin")) expected = "forbidden";
        const isDone = expected === "ok";
        const world = isDone ? await newWorld({ withStranger: false, withKeys: false }) : shared;
        const token = isDone ? await tokenOf(principal, world) : (tokens.get(principal) ?? null);
        const reply = await batch(token, [command]);
        expect(answered(reply), JSON.stringify(command)).toBe(expected);
      }
    }
    expect(await stateOf(shared)).toBe(before);
  });

  it.each(["spend as a", "spend as a of mine"] as const)(
    "in which %s names another agent has no effect at all",
    async (principal) => {
      const before = await stateOf(shared);
      const token = tokens.get(principal) ?? null;
      for (const beyond of [...managing, ...spending.map(ofB).filter((command) => "agent" in command)]) {
        for (const commands of [
          [...spending, beyond],
          [beyond, ...spending],
        ]) {
          const reply = await batch(token, commands);
          expect(reply, JSON.stringify(beyond)).toMatchObject({ status: 403, body: { code: "forbidden" } });
        }
      }
      expect(await stateOf(shared)).toBe(before);
    },
  );

  it("of an agent's key settles its own reservations, and finds no other's", async () => {
    const world = await newWorld({ withStranger: false, withKeys: false });
    const token = await tokenOf("spend as a", world);
    const commands = [
      { op: "release", id: "of-b" },
      { op: "release", id: "of-nobody" },
      { op: "commit", id: "of-b", tokens: 3 },
      { op: "extend", id: "of-b", ttl_ms: 9_000_000 },
      { op: "release", id: "of-a" },
    ];
    const { results } = await must(batch(token, commands));
    const statuses = Array.isArray(results) ? results.map(({ status }) => status) : [];
    expect(statuses).toEqual([404, 404, 404, 404, 200]);
    const report = await must(api("GET", "/v1/pools/mine/report", { tenant: world.ours }));
    expect(report).toMatchObject({ agents: { a: { held: 0 }, b: { held: 10, consumed: 0 } } });
  });
});

describe("another agent's reservation", () => {
  it("looks like one that isn't there, to the byte but for its id", async () => {
    const token = tokens.get("spend as a") ?? null;
    for (const route of Object.keys(table).filter((one) => one.includes(":id"))) {
      const [, , bodyFor] = table[route] ?? [];
      const [method = "", pattern = ""] = route.split(" ");
      const about = async (id: string): Promise<string> => {
        const path = pattern.replace(":pool", "mine").replace(":id", id);
        const body = bodyFor?.("a");
        const reply = await api(method, path, { token, ...(body === undefined ? {} : { body }) });
        return withoutId(reply).replaceAll(id, "…");
      };
      expect(await about("of-b"), route).toBe(await about("of-x"));
    }
  });
});

describe("whoever asks for whatever", () => {
  const methods = ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"];
  const words = ["mine", "missing", "theirs", "elsewhere", "a", "b", "of-a", "of-b", "batch", "keys", "..", "%2e", ""];
  const endings = ["", "", "", "/", "?force=true", "?after=a", "?pool=mine", "/.", "/%2e%2e", ";a", "%00"];
  const patterns = new Map(
    Object.entries(table).map(([route, [kind]]) => {
      const [method = "", path = ""] = route.split(" ");
      return [route, { method, kind, path: new RegExp(`^${path.replaceAll(/:\w+/g, "[^/]+")}$`) }] as const;
    }),
  );

  it.each(Array.from({ length: 10 }, (_, index) => index + 1))(
    "gets no error of ours, and nothing that the tables don't allow, seed %i",
    async (seed) => {
      const random = randomOf(seed);
      const pick = <T>(items: readonly T[]): T => {
        const item = items[Math.floor(random() * items.length)];
        if (item === undefined) throw new Error("nothing to pick from");
        return item;
      };
      const world = await newWorld();
      const given = new Map<Principal, string | null>();
      for (const principal of principals) given.set(principal, await tokenOf(principal, world));
      const bodies = Object.values(table).flatMap(([, , bodyFor]) => (bodyFor === undefined ? [] : [bodyFor]));

      for (let n = 0; n < 100; n++) {
        const principal = pick(principals);
        const method = pick(methods);
        const pattern = pick(Object.keys(table)).split(" ")[1] ?? "";
        const path = pattern.replaceAll(/:\w+/g, () => pick(words)) + pick(endings);
        const carries = method !== "GET" && method !== "HEAD" && random() < 0.8;
        const body = carries ? { ...pick(bodies)(pick(["a", "b"])), ...pick([{}, {}, { agent: "b" }]) } : undefined;
        const request = new Request(`https://bursar.test${path}`);
        const reply = await api(method, path, {
          token: given.get(principal) ?? null,
          ...(body === undefined ? {} : { body }),
        });
        const about = `${principal}: ${method} ${path} ${JSON.stringify(body)} → ${reply.status}`;
        expect(reply.status, about).toBeLessThan(500);
        if (reply.status >= 300) continue;
        const { pathname } = new URL(request.url);
        const found = [...patterns.values()].filter(
          (one) => one.method === (method === "HEAD" ? "GET" : method) && one.path.test(pathname),
        );
        expect(found.length, about).toBeGreaterThan(0);
        const rights = found.map(({ kind }) => allowed(principal, kind));
        // A stranger's admin is at home in its own tenant; whoever is bound elsewhere may be asking there.
        const fine = rights.some((right) => ["ok", "a", "b", "gone"].includes(right));
        expect(fine, about).toBe(true);
      }
      // Whatever they did in their own names, the audit of what is left finds nothing wrong.
      for (const [tenant, pool] of [[world.ours, "mine"] as const, [world.strangers, "theirs"] as const]) {
        const { status, body } = await api("GET", `/v1/pools/${pool}/audit`, { tenant });
        if (status !== 404) expect(body).toMatchObject({ ok: true, findings: [] });
      }
    },
  );
});
