/**
 * Secrets are planted wherever a request or a binding can carry one, and looked for in all that comes out: log lines,
 * bodies, headers, and what is exported of a pool. Only ids and metadata come back, and only to those who may read them.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/env.ts";
import { createApp } from "../../src/http/app.ts";
import { routes } from "../../src/http/routes.ts";
import { signKey } from "../../src/http/signature.ts";
import { startWorkerd, type Workerd } from "../support/workerd.ts";

// The app is made in Node here, too, where the platform has no spans.
vi.mock("cloudflare:workers", () => ({ tracing: { getActiveSpan: () => undefined } }));

const bindings = {
  BURSAR_OPERATOR_TOKEN: "planted-operator-token-0123456789abcdefghij",
  BURSAR_KEY_SECRET: "planted-key-secret-0123456789abcdefghijklmn",
  BURSAR_KEY_SECRET_PREVIOUS: "planted-previous-secret-0123456789abcdefgh",
};
const admin = await signKey(
  { tenant: "acme", key_id: "0199f3c2-0a1b-7c3d-8e4f-5a6b7c8d9e0f", scope: "admin" },
  bindings,
);
const spend = await signKey(
  { tenant: "acme", key_id: "0199f3c2-0a1b-7c3d-8e4f-5a6b7c8d9e10", scope: "spend", pool: "p" },
  bindings,
);

/** What must come out nowhere. */
const planted: Readonly<Record<string, string>> = {
  "the operator's token": bindings.BURSAR_OPERATOR_TOKEN,
  "the secret that signs": bindings.BURSAR_KEY_SECRET,
  "the secret that signed before": bindings.BURSAR_KEY_SECRET_PREVIOUS,
  "an admin key": admin,
  "a spend key": spend,
  "a prompt in a field that we don't know": "planted-prompt: my diagnosis is confidential",
  "a provider's key in a header": "sk-planted-header-AAAAAAAAAAAAAAAAAAAA",
  "a key in the query": "sk-planted-query-AAAAAAAAAAAAAAAAAAAAA",
  "a key in a field of the body": "sk-planted-body-AAAAAAAAAAAAAAAAAAAAAA",
  "a session in a cookie": "planted-cookie-AAAAAAAAAAAAAAAAAAAAAAAA",
  "a user agent": "planted-agent-AAAAAAAAAAAAAAAAAAAAAAAAA",
  "an address that the caller came from": "planted-referer-AAAAAAAAAAAAAAAAAAAAA",
  "a password": "planted-password-AAAAAAAAAAAAAAAAAAAA",
};
/** What its owner stored, and may read again; no log has it. */
const stored: Readonly<Record<string, string>> = {
  metadata: "planted-metadata-AAAAAAAAAAAAAAAAAAAAA",
  "an id that looks like a key": "bursar_planted-id.AAAAAAAAAAAAAAAAAAAA",
  "an agent that is named like a key": "sk-planted-agent-name-AAAAAAAAAAAAAAAA",
};
const [metadata = "", id = "", agent = ""] = Object.values(stored);
const secret = (name: string): string => planted[name] ?? "";

/** Names of secrets in `text`, also where only a part of one is there, or it is encoded. */
function foundIn(text: string, secrets: Readonly<Record<string, string>>): string[] {
  return Object.entries(secrets)
    .filter(([, value]) => {
      const parts = [value, value.slice(-24), encodeURIComponent(value), btoa(value)];
      // All keys of a tenant begin alike; what is secret of them is their end.
      if (value !== admin && value !== spend) parts.push(value.slice(0, 24), btoa(value).slice(0, 24));
      return parts.some((part) => text.includes(part));
    })
    .map(([name]) => name);
}

/** What every request carries beside what it is about. */
const carried = {
  "x-api-key": secret("a provider's key in a header"),
  "openai-organization": secret("a provider's key in a header"),
  "proxy-authorization": `Basic ${btoa(`user:${secret("a password")}`)}`,
  cookie: `session=${secret("a session in a cookie")}`,
  "user-agent": secret("a user agent"),
  referer: `https://example.test/?t=${secret("an address that the caller came from")}`,
};

const bodies: Readonly<Record<string, Record<string, unknown>>> = {
  "POST /v1/tenants": { id: "acme" },
  "POST /v1/tenants/:tenant/keys": {},
  "POST /v1/keys": { scope: "read" },
  "PUT /v1/pools/:pool": {},
  "POST /v1/pools/:pool/funds": { tokens: 1 },
  "PUT /v1/pools/:pool/agents/:agent": { priority: 1, max_tokens: 1_000 },
  "POST /v1/pools/:pool/agents/:agent/reopen": {},
  "POST /v1/pools/:pool/agents/:agent/reset": {},
  "POST /v1/pools/:pool/reservations": { agent, tokens: 5, id, metadata: { note: metadata } },
  "POST /v1/pools/:pool/reservations/:id/commit": { tokens: 5 },
  "POST /v1/pools/:pool/reservations/:id/release": {},
  "POST /v1/pools/:pool/reservations/:id/extend": { ttl_ms: 500_000 },
  "POST /v1/pools/:pool/usage": { agent, tokens: 5, metadata: { note: metadata } },
  "POST /v1/pools/:pool/reallocations": { agent, tokens: 5 },
  "POST /v1/pools/:pool/batch": { commands: [{ op: "record", id: `${id}-2`, agent, tokens: 1 }] },
};

type Sent = { readonly method: string; readonly path: string; readonly init: RequestInit };

/** Every route, asked well and badly: by the wrong people, with fields and parameters too many, in broken JSON. */
function requests(): Sent[] {
  const tokens = [
    admin,
    spend,
    bindings.BURSAR_OPERATOR_TOKEN,
    `${admin}x`,
    bindings.BURSAR_KEY_SECRET_PREVIOUS,
    secret("a provider's key in a header"),
  ];
  return routes.flatMap(({ method, path }) => {
    const at = path
      .replace(":pool", "p")
      .replace(":agent", agent)
      .replace(":id", id)
      .replace(":tenant", "acme")
      .replace(":key_id", "k-none");
    const body = bodies[`${method} ${path}`];
    const query = `?key=${secret("a key in the query")}&key=${secret("a key in the query")}`;
    const texts =
      body === undefined
        ? [undefined]
        : [
            { ...body },
            { ...body, api_key: secret("a key in a field of the body") },
            { ...body, prompt: secret("a prompt in a field that we don't know") },
            { ...body, agent: { secret: secret("a key in a field of the body") } },
          ].map((one) => JSON.stringify(one));
    const broken =
      body === undefined ? [] : [`{"api_key":"${secret("a key in a field of the body")}",`, `"${secret("a password")}`];
    return tokens.flatMap((token) =>
      [...texts, ...broken].flatMap((text) =>
        [at, `${at}${query}`, `${at}?after=${encodeURIComponent(`${secret("a key in the query")} `)}`].map((to) => ({
          method,
          path: to,
          init: {
            method,
            headers: {
              ...carried,
              authorization: `Bearer ${token}`,
              ...(text === undefined ? undefined : { "content-type": "application/json" }),
            },
            ...(text === undefined ? undefined : { body: text }),
          },
        })),
      ),
    );
  });
}

/** A response whole: what its reader could see of it. */
async function whole(response: Response): Promise<string> {
  return `${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`;
}

describe("a governor that logs all it does", () => {
  let workerd: Workerd;
  const answers: string[] = [];
  let refused = 0;

  beforeAll(async () => {
    workerd = await startWorkerd(
      { bursar: "PoolObject" },
      { settings: { ...bindings, BURSAR_LOG: "all" }, isQuiet: true },
    );
    const made = [
      ["PUT", "/v1/pools/p", {}],
      ["PUT", `/v1/pools/p/agents/${agent}`, { priority: 1, max_tokens: 100_000 }],
    ] as const;
    for (const [method, path, body] of made) {
      const headers = { ...carried, authorization: `Bearer ${admin}`, "content-type": "application/json" };
      const response = await fetch(workerd.urls.bursar + path, { method, headers, body: JSON.stringify(body) });
      expect(response.status).toBe(200);
    }
    // What deletes comes last, so that there is something to be read before.
    const sent = requests().toSorted((a, b) => Number(a.method === "DELETE") - Number(b.method === "DELETE"));
    for (const { path, init } of sent) {
      const response = await fetch(workerd.urls.bursar + path, init);
      if (response.status >= 400) refused++;
      answers.push(await whole(response));
    }
  }, 60_000);

  afterAll(() => workerd.stop());

  it("answers many requests of both kinds", () => {
    expect(refused).toBeGreaterThan(500);
    expect(answers.length - refused).toBeGreaterThan(20);
    expect(answers.filter((answer) => answer.startsWith("5"))).toEqual([]);
  });

  it("has none of the secrets in an answer, neither in its body nor in a header", () => {
    const leaks = answers.filter((answer) => foundIn(answer, planted).length > 0);
    expect(leaks.map((answer) => [foundIn(answer, planted), answer.slice(0, 400)])).toEqual([]);
  });

  it("gives back what was stored to those who may read it", () => {
    const text = answers.join("\n");
    expect(foundIn(text, stored)).toEqual(Object.keys(stored));
    // And to nobody else: not one answer to a caller that we don't know has anything of it.
    expect(answers.filter((answer) => answer.startsWith("401") && foundIn(answer, stored).length > 0)).toEqual([]);
  });

  it("has none of them in its log, and nothing that was stored either", async () => {
    const last = await fetch(`${workerd.urls.bursar}/v1/pools`, {
      headers: { ...carried, authorization: `Bearer ${admin}` },
    });
    const lastId = last.headers.get("x-request-id") ?? "none";
    for (let tries = 0; tries < 500 && !workerd.said().includes(lastId); tries++)
      await fetch(`${workerd.urls.bursar}/healthz`);
    const said = workerd.said();
    expect(said).toContain(lastId);
    expect(said.split("\n").filter((line) => line.includes('"event":"request"')).length).toBeGreaterThan(
      answers.length,
    );
    expect(foundIn(said, { ...planted, ...stored })).toEqual([]);
  });

  it("has none of them in what is exported of a pool", async () => {
    const headers = { authorization: `Bearer ${admin}` };
    const put = { headers: { ...headers, ...carried, "content-type": "application/json" }, method: "PUT", body: "{}" };
    await fetch(`${workerd.urls.bursar}/v1/pools/q`, put);
    const body = JSON.stringify({ priority: 1, max_tokens: 1_000 });
    await fetch(`${workerd.urls.bursar}/v1/pools/q/agents/${agent}`, { ...put, body });
    const reserve = JSON.stringify({ agent, tokens: 5, id, metadata: { note: metadata } });
    await fetch(`${workerd.urls.bursar}/v1/pools/q/reservations`, { ...put, method: "POST", body: reserve });
    const exports = await Promise.all(
      ["report", "journal", "audit"].map(async (what) => {
        const response = await fetch(`${workerd.urls.bursar}/v1/pools/q/${what}`, { headers });
        expect(response.status).toBe(200);
        return response.text();
      }),
    );
    expect(foundIn(exports.join("\n"), planted)).toEqual([]);
    expect(foundIn(exports.join("\n"), stored)).toContain("an id that looks like a key");
  });
});

describe("a governor whose objects fail in every call", () => {
  /** Fails with all that it was given, in the message, and in what looks like a line of the stack. */
  function fail(...given: unknown[]): never {
    const all = JSON.stringify([given, planted, stored]);
    const error = new Error(`could not do it: ${all}\n    at ${all}\n${all}`);
    error.cause = all;
    throw error;
  }
  const stub = new Proxy({}, { get: (_, name) => (name === "then" ? undefined : fail) });
  const objects = { idFromName: (name: string) => ({ name }), get: () => stub, jurisdiction: () => objects };

  const lines: string[] = [];
  const keep = (...given: unknown[]): void => void lines.push(given.map(String).join(" "));

  async function answersOf(env: Partial<Env> | Record<string, unknown>): Promise<string[]> {
    for (const method of ["log", "error", "warn", "info", "debug"] as const) {
      vi.spyOn(console, method).mockImplementation(keep);
    }
    const app = createApp();
    const answers: string[] = [];
    const good = requests().filter(({ init }) => {
      const authorization = new Headers(init.headers).get("authorization") ?? "";
      // Node has no comparison in constant time; the operator's own token would need it.
      return !authorization.includes(bindings.BURSAR_OPERATOR_TOKEN);
    });
    for (const { path, init } of good) {
      const request = new Request(`https://bursar.test${path}`, init);
      answers.push(await whole(await app.fetch(request, { ...bindings, BURSAR_LOG: "all", ...env })));
    }
    return answers;
  }

  afterEach(() => {
    lines.length = 0;
    vi.restoreAllMocks();
  });

  it.each([
    ["throw what they were given", { POOLS: objects, TENANTS: objects, DIRECTORY: objects }],
    ["can't be addressed", { POOLS: { idFromName: fail }, TENANTS: { idFromName: fail }, DIRECTORY: {} }],
    ["are missing", {}],
  ])("tells nothing of it to the caller or the log when they %s", async (_, env) => {
    const answers = await answersOf(env);
    expect(answers.filter((answer) => answer.startsWith("500")).length).toBeGreaterThan(20);
    expect(lines.filter((line) => line.includes('"event":"internal_error"')).length).toBeGreaterThan(20);
    const leaks = answers.filter((answer) => foundIn(answer, { ...planted, ...stored }).length > 0);
    expect(leaks.map((answer) => answer.slice(0, 400)).filter((answer) => answer.startsWith("500"))).toEqual([]);
    expect(foundIn(lines.join("\n"), { ...planted, ...stored })).toEqual([]);
  });

  it("logs nothing in a pool's place that is no pool's name, such as a key", async () => {
    for (const method of ["log", "error"] as const) vi.spyOn(console, method).mockImplementation(keep);
    for (const name of [admin, `${spend}/report`, `${secret("a password")}%0a%20at`, `${"x".repeat(5_000)}/journal`]) {
      const request = new Request(`https://bursar.test/v1/pools/${name}`, {
        headers: { authorization: `Bearer ${admin}` },
      });
      const response = await createApp().fetch(request, { ...bindings, BURSAR_LOG: "all", POOLS: objects });
      expect(response.status).toBe(400);
    }
    expect(lines).toHaveLength(4);
    expect(foundIn(lines.join("\n"), planted)).toEqual([]);
    for (const line of lines) expect(line.length).toBeLessThan(1_000);
  });
});
