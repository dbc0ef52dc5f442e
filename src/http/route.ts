/** A route: method, path, right, schemas and handler. */
import type * as z from "zod";
import { emptyQuery } from "../protocol/common.wire.ts";
import { limits } from "../protocol/limits.ts";
import type { Result } from "../protocol/refusals.ts";
import { parseBody, parseQuery } from "./body.ts";
import type { RequestContext } from "./request-context.ts";
import { mustBeOwn, mustHave, type Right } from "./rights.ts";
import { numberOf } from "./settings.ts";

export type Route = {
  /** The operation's name in the OpenAPI document: the method's name in generated clients. */
  readonly name: string;
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  readonly path: string;
  readonly summary: string;
  /** 101: the answer is a session. */
  readonly status: 101 | 200 | 201;
  readonly right: Right;
  readonly body: z.ZodType | undefined;
  readonly query: z.ZodObject;
  /** The schema of a successful response; a session has none. */
  readonly answer: z.ZodType | undefined;
  /** The media type of the response. */
  readonly media: string;
  readonly run: (call: RequestContext) => Promise<Result<unknown> | Response>;
};

type Spec<B, Q> = {
  readonly status?: 101 | 200 | 201;
  readonly answer?: z.ZodType;
  readonly media?: string;
  readonly body?: z.ZodType<B>;
  readonly query?: z.ZodObject & z.ZodType<Q>;
  /** The agents that the request acts for; a key that is bound to one may act for no other. */
  readonly agents?: (call: RequestContext, body: B) => readonly string[];
  readonly run: (call: RequestContext, body: B, query: Q) => Promise<Result<unknown> | Response>;
};

/** A route that authorizes the key, then validates query and body, before its handler runs. */
export function route<B = unknown, Q = unknown>(
  name: string,
  method: Route["method"],
  path: string,
  right: Right,
  summary: string,
  { status = 200, body, query, answer, media = "application/json", agents, run }: Spec<B, Q>,
): Route {
  return {
    name,
    method,
    path,
    summary,
    status,
    right,
    body,
    query: query ?? emptyQuery,
    answer,
    media,
    run: async (call) => {
      mustHave(right, call.principal);
      if (call.isForeignPool()) return poolNotFound;
      const parsedQuery = parseQuery(call.url, (query ?? emptyQuery) as z.ZodType<Q>);
      const parsedBody =
        body === undefined
          ? (undefined as B)
          : await parseBody(call.request, body, numberOf(call.env, "BURSAR_BODY_BYTES", limits.bodyBytes));
      if (agents !== undefined) mustBeOwn(call.capability, agents(call, parsedBody));
      return run(call, parsedBody, parsedQuery);
    },
  };
}

const poolNotFound: Result<unknown> = { ok: false, refusal: { code: "pool_not_found" } };

/** Only the pool knows which agent a reservation belongs to (`pool/rights.ts`); the request names none. */
export function checkedByThePool(): readonly string[] {
  return [];
}

export function ok(result: unknown): Result<unknown> {
  return { ok: true, result };
}
