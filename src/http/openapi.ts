/**
 * The OpenAPI document, made of the same routes and schemas that serve requests. `npm run build` writes it to an
 * asset, so that the Worker carries none of it.
 */

import * as z from "zod";
import { createDocument, type ZodOpenApiObject, type ZodOpenApiOperationObject } from "zod-openapi";
import { modelNameSchema, nameSchema } from "../protocol/common.wire.ts";
import { healthSchema, problemSchema } from "../protocol/problem.wire.ts";
import { finish } from "./openapi-finish.ts";
import { type Route, routes } from "./routes.ts";

const tags = [
  { name: "Tenants", description: "For the operator: who owns pools and keys." },
  { name: "Keys", description: "Signed capabilities: scopes, bindings to pools and agents, revocation." },
  { name: "Prices", description: "What models cost, for pools that count microusd." },
  { name: "Webhooks", description: "Where a tenant's notifications are sent: thresholds, closed gates, overages." },
  { name: "Pools", description: "A budget shared by agents, in one unit." },
  { name: "Agents", description: "Spenders in a pool, each under a contract." },
  { name: "Spending", description: "Reserve before a call, commit after it." },
  { name: "Watching", description: "Reports, the journal and metrics of a pool, and its audit." },
] as const;

/** Problems of every route; the codes are listed in docs/reference/errors.md. */
const problems: Readonly<Record<string, string>> = {
  "400": "The request is not valid; `errors` names every field at fault",
  "401": "The key is missing, invalid, expired or revoked",
  "403": "The key's scope, pool or agent does not allow this",
  "404": "It does not exist, or not for this key",
  "410": "It existed and is gone",
  "413": "The body is too large",
  "415": "The body is not plain JSON",
  "429": "A limit or rate limit is reached; retry after Retry-After",
  "500": "An internal error",
  "503": "Nothing was stored; repeat the same request after Retry-After",
};

const conflicts: Readonly<Record<string, string>> = {
  "402": "The budget does not allow it",
  "409": "It conflicts with the current state",
  "410": "The idempotency key is older than what is remembered",
  "422": "The idempotency key was used with other content, or the amount is in another unit",
};

export function openApiDocument(version: string): ReturnType<typeof createDocument> {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  paths["/healthz"] = { get: healthz };
  const document: ZodOpenApiObject = {
    openapi: "3.1.1",
    info: {
      title: "Bursar",
      version,
      summary: "A strongly consistent governor of LLM token budgets for multi-agent systems, at the edge",
      description:
        "Reserve before a call, commit what it really used; in the same atomic step spare budget flows from less important agents to the one that needs it.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{ key: [] }],
    tags: [...tags],
    paths,
    components: {
      securitySchemes: {
        key: { type: "http", scheme: "bearer", description: "A key, or for /v1/tenants the operator's token" },
      },
    },
  };
  const created = createDocument(document, {
    // To JSON Schema `readOnly` is what only the server may set; zod says it of every array that is not to be changed.
    override: ({ jsonSchema }) => delete jsonSchema.readOnly,
  });
  finish(created);
  return created;
}

function operationOf(route: Route): ZodOpenApiOperationObject {
  const path = Object.fromEntries(
    [...route.path.matchAll(/:(\w+)/g)].map(([, key = ""]) => [key, key === "model" ? modelNameSchema : nameSchema]),
  );
  return {
    operationId: route.name,
    summary: route.summary,
    description: `Requires a key of scope ${route.right.scopes.map((scope) => `\`${scope}\``).join(", ")}.`,
    tags: [tagOf(route)],
    requestParams: { path: z.object(path), query: route.query },
    ...(route.body === undefined
      ? undefined
      : {
          requestBody: {
            required: !route.body.safeParse({}).success,
            content: { "application/json": { schema: route.body } },
          },
        }),
    responses: {
      [String(route.status) as "200"]: successOf(route),
      ...problemResponses(route.method !== "GET" ? { ...problems, ...conflicts } : problems),
    },
  };
}

function successOf({ status, answer, media }: Route) {
  if (answer === undefined) return { description: "The connection becomes a session (docs/reference/sessions.md)" };
  return { description: status === 201 ? "Done" : "OK", content: { [media]: { schema: answer } } };
}

const healthz: ZodOpenApiOperationObject = {
  operationId: "getHealth",
  summary: "Whether the Worker can answer requests",
  tags: ["Watching"],
  security: [],
  responses: {
    "200": {
      description: "It can answer requests. `degraded`: some settings can't be used; `errors` names them",
      content: { "application/json": { schema: healthSchema } },
    },
    ...problemResponses({ "405": "It takes GET", "500": problems["500"] ?? "", "503": "Required secrets are missing" }),
  },
};

function problemResponses(described: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(described).map(([status, description]) => [
      status,
      { description, content: { "application/problem+json": { schema: problemSchema } } },
    ]),
  );
}

/** The group that a route is listed in. */
function tagOf({ path }: Route): (typeof tags)[number]["name"] {
  if (path.startsWith("/v1/tenants")) return "Tenants";
  if (path.startsWith("/v1/keys")) return "Keys";
  if (path.startsWith("/v1/prices")) return "Prices";
  if (path.startsWith("/v1/webhooks")) return "Webhooks";
  if (path.includes("/agents/")) return "Agents";
  if (/\/(journal|export|archive|periods|audit|report|snapshot|metrics)$/.test(path)) return "Watching";
  return /\/(reservations|usage|reallocations|batch)/.test(path) ? "Spending" : "Pools";
}
