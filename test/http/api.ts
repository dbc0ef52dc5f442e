/**
 * Calls the Worker as a client would, and says what every problem must look like. All that these tests know of tokens
 * and tenants is in here, and in `auth.test.ts`.
 */
import { env, exports } from "cloudflare:workers";
import { expect } from "vitest";
import type { Env } from "../../src/env.ts";
import { createApp } from "../../src/http/app.ts";
import { signKey } from "../../src/http/signature.ts";
import type { Capability } from "../../src/protocol/key.ts";
import { undocumented } from "./documented.ts";

export type Json = Record<string, unknown>;
export type Reply = { readonly status: number; readonly headers: Headers; readonly body: Json };

export type Options = {
  /** Sent as JSON; text, bytes and streams are sent as they are. */
  readonly body?: unknown;
  readonly headers?: HeadersInit;
  /** Another key than an admin key of `tenant`; `null` sends none. */
  readonly token?: string | null;
  /** The tenant whose admin key is sent. */
  readonly tenant?: string;
  /** Asks a Worker with these bindings in place of the real ones. */
  readonly bindings?: Partial<Env>;
};

/** What `api` was asked for in this file, so that a route that nobody calls is noticed. */
export const called: { readonly method: string; readonly path: string }[] = [];

export async function api(method: string, path: string, options: Options = {}): Promise<Reply> {
  called.push({ method, path: path.split("?", 1)[0] ?? path });
  const request = await requestOf(method, path, options);
  const { bindings } = options;
  const response = await (bindings === undefined
    ? exports.default.fetch(request)
    : createApp().fetch(request, { ...env, ...bindings }));
  const text = await response.text();
  const media = response.headers.get("content-type") ?? "";
  const isJson = /[/+]json\b/.test(media);
  const body: Json = text === "" ? {} : isJson ? JSON.parse(text) : { text };
  if (text !== "") {
    const { pathname } = new URL(request.url);
    const shown = isJson ? body : text;
    expect(undocumented(request.method, pathname, response.status, media, shown)).toEqual([]);
  }
  return { status: response.status, headers: response.headers, body };
}

async function requestOf(method: string, path: string, { body, headers, token, tenant }: Options): Promise<Request> {
  const all = new Headers(headers);
  const sent = payloadOf(body);
  if (sent !== undefined && !all.has("content-type")) all.set("content-type", "application/json");
  if (token !== null && !all.has("authorization")) {
    all.set("authorization", `Bearer ${token ?? (await adminKey(tenant))}`);
  }
  return new Request(`https://bursar.test${path}`, {
    method,
    headers: all,
    ...(sent === undefined ? undefined : { body: sent }),
  });
}

function payloadOf(body: unknown): BodyInit | undefined {
  if (body === undefined || typeof body === "string") return body;
  if (body instanceof Uint8Array || body instanceof ReadableStream) return body;
  return JSON.stringify(body);
}

/** The token that makes tenants. */
export function operatorToken(): string {
  return env.BURSAR_OPERATOR_TOKEN;
}

/** A key of this tenant's that may do everything there. */
export function adminKey(tenant = "default"): Promise<string> {
  return keyOf({ tenant });
}

/** A key as Bursar would sign it; an admin's unless said otherwise. */
export function keyOf(capability: Partial<Capability>): Promise<string> {
  return signKey({ tenant: "default", key_id: "key-of-the-tests", scope: "admin", ...capability }, env);
}

/** Bindings with which no request may be let in. */
export const misconfigured: Partial<Env> = { BURSAR_OPERATOR_TOKEN: "too-short" };

let tenants = 0;

/** A tenant that has no pools yet. */
export function newTenant(): string {
  return `tenant-${tenants++}`;
}

/** The object of a tenant, as the Worker reaches it. */
export function tenantObject(tenant: string): ReturnType<typeof env.TENANTS.getByName> {
  return env.TENANTS.getByName(tenant);
}

let pools = 0;

/** The path of a pool that does not exist yet. */
export function newPath(): string {
  return `/v1/pools/pool-${pools++}`;
}

/** A new pool with these agents; gives its path. */
export async function newPool(settings: Json = {}, agents: Record<string, Json> = {}): Promise<string> {
  const path = newPath();
  await must(api("PUT", path, { body: settings }));
  for (const [name, contract] of Object.entries(agents)) {
    await must(api("PUT", `${path}/agents/${name}`, { body: { priority: 1, max_tokens: 1_000, ...contract } }));
  }
  return path;
}

/** The body of a reply that must be a success. */
export async function must(reply: Promise<Reply>): Promise<Json> {
  const { status, body } = await reply;
  if (status >= 300) throw new Error(`${status}: ${JSON.stringify(body)}`);
  return body;
}

/** The facts of a reply that must be this problem, in the form that every problem has (RFC 9457). */
export async function problem(asked: Promise<Reply>, status: number, code: string): Promise<Json> {
  const { status: given, headers, body } = await asked;
  const { type, title, status: member, detail, code: named, ...facts } = body;
  expect({ given, type, title, member, named, media: headers.get("content-type") }, JSON.stringify(body)).toEqual({
    given: status,
    type: `urn:bursar:problem:${code}`,
    title: code.replaceAll("_", " "),
    member: status,
    named: code,
    media: "application/problem+json",
  });
  expect(detail).toMatch(/^\S.{10,}\.$/s);
  expect(headers.get("x-request-id")).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  return facts;
}

/** The first field that a 400 names. */
export function fieldOf({ body }: Reply): string | undefined {
  const [first] = Array.isArray(body["errors"]) ? body["errors"] : [];
  return first?.field;
}

/** An agent's entry in the pool's report. */
export async function agentIn(pool: string, name: string): Promise<Record<string, number>> {
  const report = await must(api("GET", `${pool}/report`));
  return Object(Object(report["agents"])[name]);
}

/** Throws what the audit of a pool found. */
export async function audited(pool: string): Promise<void> {
  const audit = await must(api("GET", `${pool}/audit`));
  expect(audit).toMatchObject({ ok: true, findings: [] });
}
