/** Who is let in: nobody without a key, and no tenant sees what another has. */
import { describe, expect, it } from "vitest";
import { adminKey, api, must, newPath, newPool, newTenant, operatorToken, problem } from "./api.ts";
import { shown } from "./corpus.ts";

const token = await adminKey();

describe("a caller without a key", () => {
  it.each([
    "",
    "Bearer",
    "Bearer ",
    token,
    `Basic ${token}`,
    `Token ${token}`,
    `Bearer${token}`,
    `Bearer  ${token}`,
    `Bearer\t${token}`,
    `Bearer: ${token}`,
    `Bearer=${token}`,
    `Bearer "${token}"`,
    `Bearer <${token}>`,
    `Bearer ${token},`,
    `Bearer ${token}, Bearer ${token}`,
    `Bearer x, Bearer ${token}`,
    `Bearer ${token};`,
    `Bearer ${token} x`,
    `Bearer ${token}=`,
    `Bearer ${token.slice(0, -1)}`,
    `Bearer ${token.slice(1)}`,
    `Bearer ${token}0`,
    `Bearer ${token.toUpperCase()}`,
    `Bearer ${token.replace("b", "B")}`,
    `Bearer ${token.replace("u", "\u00fe")}`,
    `Bearer ${encodeURIComponent(`${token} `)}`,
    `Bearer ${btoa(token)}`,
    `Bearer ${"x".repeat(token.length)}`,
    `Bearer ${"x".repeat(1_536)}`,
    `Bearer ${"x".repeat(1_537)}`,
    `Bearer ${"x".repeat(8_192)}`,
    `Bearer ${token}${" ".repeat(8_192)}x`,
    "Bearer null",
    "Bearer undefined",
    "Bearer *",
    "Bearer ' OR '1'='1",
    "Bearer __proto__",
    "Bearer ../../etc/passwd",
    "Digest username=admin",
    "AWS4-HMAC-SHA256 Credential=x",
  ])("is turned away with %s", async (authorization) => {
    const pool = await newPool();
    const asked = api("DELETE", `${pool}?force=true`, { headers: { authorization } });
    expect(await problem(asked, 401, "unauthorized"), shown(authorization)).toEqual({});
    expect((await asked).headers.get("www-authenticate")).toBe("Bearer");
    expect(await must(api("GET", pool))).toMatchObject({ seq: 1 });
  });

  it("is turned away when there is no header, or two", async () => {
    const pool = await newPool();
    await problem(api("GET", pool, { token: null }), 401, "unauthorized");
    const twice = new Headers([
      ["authorization", `Bearer ${token}`],
      ["authorization", `Bearer ${token}`],
    ]);
    await problem(api("GET", pool, { headers: twice }), 401, "unauthorized");
  });

  it("is turned away before the body is looked at, and learns of no pool", async () => {
    const pool = await newPool();
    for (const path of [pool, newPath()]) {
      for (const body of ["{", '{"budget":-1}', "x".repeat(70_000)]) {
        expect(await problem(api("PUT", path, { token: null, body }), 401, "unauthorized")).toEqual({});
      }
    }
  });

  it("finds the token nowhere else: not in the query, a cookie, the body or another header", async () => {
    const pool = await newPool();
    const headers = { cookie: `token=${token}`, "x-api-key": token, "proxy-authorization": `Bearer ${token}` };
    await problem(api("GET", `${pool}?access_token=${token}`, { token: null, headers }), 401, "unauthorized");
    await problem(api("PUT", pool, { token: null, body: { token } }), 401, "unauthorized");
  });

  it("may still ask whether the service is up", async () => {
    expect(await api("GET", "/healthz", { token: null })).toMatchObject({ status: 200, body: { status: "ok" } });
  });
});

describe("a caller with a key", () => {
  it.each(["Bearer", "bearer", "BEARER", "bEaReR"])("is let in with the scheme spelt %s", async (scheme) => {
    const pool = await newPool();
    expect(await must(api("GET", pool, { headers: { authorization: `${scheme} ${token}` } }))).toMatchObject({
      seq: 1,
    });
  });

  it("is let in with spaces around the header's value, which HTTP takes away", async () => {
    const pool = await newPool();
    const headers = { authorization: ` \tBearer ${token}  ` };
    expect(await must(api("GET", pool, { headers }))).toMatchObject({ seq: 1 });
  });
});

describe("a Worker whose secrets are missing or could be guessed", () => {
  it.each(["", "short", "x".repeat(31)])("lets nobody in, not even with that token: %s", async (weak) => {
    const asked = api("GET", "/v1/tenants", { bindings: { BURSAR_OPERATOR_TOKEN: weak }, token: weak });
    const message = weak === "" ? "is missing" : "must have at least 32 characters";
    expect(await problem(asked, 503, "misconfigured")).toEqual({
      errors: [{ field: "BURSAR_OPERATOR_TOKEN", message }],
    });
    expect((await asked).headers.get("retry-after")).toBe("1");
    const signed = api("GET", "/v1/pools", { bindings: { BURSAR_KEY_SECRET: weak } });
    expect(await problem(signed, 503, "misconfigured")).toEqual({ errors: [{ field: "BURSAR_KEY_SECRET", message }] });
  });

  it("lets the operator in again with a token of 32 characters", async () => {
    const strong = "x".repeat(32);
    const asked = api("GET", "/v1/tenants", { bindings: { BURSAR_OPERATOR_TOKEN: strong }, token: strong });
    expect(await must(asked)).toHaveProperty("tenants");
    await problem(api("GET", "/v1/tenants", { token: operatorToken().slice(1) }), 401, "unauthorized");
  });

  it("says so on the health check and on the front page, with all that is missing and how to set it", async () => {
    const bindings = { BURSAR_OPERATOR_TOKEN: "", BURSAR_KEY_SECRET: "too-short" };
    const errors = [
      { field: "BURSAR_OPERATOR_TOKEN", message: "is missing" },
      { field: "BURSAR_KEY_SECRET", message: "must have at least 32 characters" },
    ];
    for (const path of ["/healthz", "/", "/v1/pools"]) {
      const asked = await api("GET", path, { bindings, token: null });
      expect(asked).toMatchObject({ status: 503, body: { code: "misconfigured", errors } });
      const { detail } = asked.body as { detail: string };
      expect(detail).toContain("npm run secrets");
      expect(detail).toContain("npx wrangler secret put BURSAR_KEY_SECRET");
    }
  });

  it("answers requests, and says so on the health check, while an optional setting can't be used", async () => {
    const bindings = { BURSAR_BODY_BYTES: "64k", OPENAI_UPSTREAM: "http://example.com", BURSAR_CORS_ORIGINS: "*" };
    expect(await api("GET", "/healthz", { bindings, token: null })).toMatchObject({
      status: 200,
      body: {
        status: "degraded",
        errors: [{ field: "BURSAR_CORS_ORIGINS" }, { field: "BURSAR_BODY_BYTES" }, { field: "OPENAI_UPSTREAM" }],
      },
    });
    expect(await must(api("GET", "/v1/pools", { bindings }))).toHaveProperty("pools");
    const put = api("PUT", newPath(), { bindings, body: {} });
    expect(await problem(put, 503, "misconfigured")).toMatchObject({ errors: [{ field: "BURSAR_BODY_BYTES" }] });
  });
});

describe("the front page", () => {
  it("leads to the dashboard", async () => {
    const asked = await api("GET", "/", { token: null, bindings: {} });
    expect([asked.status, asked.headers.get("location")]).toEqual([302, "/dashboard/"]);
  });
});

describe("a tenant", () => {
  it("has pools of its own, under names that others use too", async () => {
    const [mine, yours] = [newTenant(), newTenant()];
    const path = newPath();
    const name = path.replace("/v1/pools/", "");
    await must(api("PUT", path, { tenant: mine, body: { budget: 100 } }));
    await problem(api("GET", path, { tenant: yours }), 404, "pool_not_found");
    expect(await must(api("GET", "/v1/pools", { tenant: yours }))).toEqual({ pools: [] });

    await must(api("PUT", path, { tenant: yours, body: { budget: 200 } }));
    expect(await must(api("GET", path, { tenant: mine }))).toMatchObject({ budget: 100 });
    await must(api("DELETE", path, { tenant: yours }));
    expect(await must(api("GET", path, { tenant: mine }))).toMatchObject({ budget: 100 });
    expect(await must(api("GET", "/v1/pools", { tenant: mine }))).toMatchObject({ pools: [{ name }] });
  });

  it("can't be reached through the name of another's pool, or a slash in its own", async () => {
    const mine = newTenant();
    await must(api("PUT", "/v1/pools/treasury", { tenant: mine, body: {} }));
    for (const path of [`/v1/pools/${mine}%2Ftreasury`, "/v1/pools/..%2Ftreasury", `/v1/pools/%2F${mine}%2Ftreasury`]) {
      await problem(api("GET", path, { tenant: newTenant() }), 400, "invalid_request");
    }
  });
});
