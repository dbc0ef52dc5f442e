/**
 * The straight line of a governed call: bound it, reserve, forward, meter, book. Nothing is forwarded without a
 * reservation, and none is made that does not end: `on_expiry: "charge"` from the start, so that whatever happens to
 * this Worker from here on, the call is paid for.
 */
import type { Env } from "../env.ts";
import { DoorError } from "../http/problems.ts";
import type { Tariff } from "../pricing/tariff.ts";
import { limits } from "../protocol/limits.ts";
import { type Problem, refusalProblem } from "../protocol/problems.ts";
import type { Answer, ReservationResult } from "../protocol/results.ts";
import { uuid7 } from "../protocol/uuid.ts";
import { leastLimit, type ModelRequest } from "../providers/request.ts";
import { Books, isAnotherUnit } from "./books.ts";
import type { Credentials } from "./credentials.ts";
import { forward } from "./forward.ts";
import type { GatewayRoute } from "./routes.ts";

export type ModelCall = {
  readonly env: Env;
  readonly request: Request;
  readonly route: GatewayRoute;
  readonly credentials: Credentials;
  readonly spender: { readonly pool: string; readonly agent: string };
  readonly asked: ModelRequest;
  /** Tokens that each answer may have: what the caller said, or what is allowed for. */
  readonly limit: number;
  /** How long it may wait in line for budget. */
  readonly waitMs: number;
  readonly upstream: string;
  readonly waitUntil: (promise: Promise<unknown>) => void;
};

export type Admitted = {
  readonly books: Books;
  readonly tariff: Tariff;
  readonly reservation: ReservationResult;
  readonly confidencePath: string | null;
  readonly ttlMs: number;
};

/** Makes the call, if it is admitted; its answer, or the problem that kept it from being made. */
export async function callModel(call: ModelCall): Promise<Response | Problem> {
  const admitted = await admit(call);
  return admitted.ok ? forward(call, admitted.result) : refusalProblem(admitted.refusal);
}

async function admit(call: ModelCall): Promise<Answer<Admitted>> {
  const { env, route, spender, asked, limit, waitMs } = call;
  const books = new Books(env, call.credentials.capability, spender.pool);
  const ttlMs = Number(env.BURSAR_GATEWAY_TTL_MS ?? "") || limits.gatewayTtlMs;
  const id = uuid7();
  for (let tries = 0; ; tries++) {
    const counted = await books.tariff(route.provider, asked.model);
    if (!counted.ok) return counted;
    const tariff = counted.result;
    const bound = Math.max(1, tariff.bound(asked, limit));
    if (bound > limits.amount) {
      throw new DoorError("invalid_request", `This call may use ${bound} ${tariff.unit}: more than any call may.`);
    }
    const least = Math.min(bound, Math.max(1, tariff.bound(asked, Math.min(limit, leastLimit(asked)))));
    const { outcome, confidence_path: confidencePath } = await books.ask((pool) =>
      pool.admit(
        books.caller,
        {
          op: "reserve",
          id,
          agent: spender.agent,
          amount: bound,
          unit: tariff.unit,
          at_least: least,
          ttl_ms: ttlMs,
          on_expiry: "charge",
          metadata: { gateway: route.provider, model: asked.model },
        },
        waitMs,
      ),
    );
    if (outcome.ok) {
      const reservation = outcome.result as ReservationResult;
      return { ok: true, result: { books, tariff, reservation, confidencePath, ttlMs } };
    }
    if (!isAnotherUnit(outcome.refusal) || tries > 0) return outcome;
    books.forget();
  }
}
