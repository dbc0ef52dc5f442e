/**
 * The straight line of a governed call: bound it, reserve, forward, meter, book. Nothing is forwarded without a
 * reservation, and none is made that does not end: `on_expiry: "charge"` from the start, so that whatever happens to
 * this Worker from here on, the call is paid for.
 */
import { boundOf, outputLeast } from "../calls/bound.ts";
import { whileConnected } from "../http/hang-up.ts";
import { logUnknownFields } from "../http/log.ts";
import { ApiError, unsupported } from "../http/problems.ts";
import { numberOf, settingOf } from "../http/settings.ts";
import type { Tariff } from "../pricing/tariff.ts";
import { systemCaller } from "../protocol/caller.ts";
import { limits } from "../protocol/limits.ts";
import { type Problem, refusalProblem } from "../protocol/problems.ts";
import type { Result } from "../protocol/refusals.ts";
import type { ReservationResult, ReserveCommand } from "../protocol/reservation.ts";
import { uuid7 } from "../protocol/uuid.ts";
import { CallPricing, isAnotherUnit } from "./call-pricing.ts";
import { Forwarded } from "./forward.ts";
import type { Admitted, ModelCall } from "./model-call.ts";

/** Makes the call, if it is admitted; its answer, or the problem that kept it from being made. */
export async function callModel(call: ModelCall): Promise<Response | Problem> {
  const { trace } = call;
  const admitted = await admit(call).catch((error: unknown) => {
    trace.end(undefined, error instanceof ApiError ? error.code : "internal_error");
    throw error;
  });
  if (!admitted.ok) {
    trace.end(undefined, admitted.refusal.code);
    return refusalProblem(admitted.refusal);
  }
  trace.admitted(admitted.result.reservation);
  return new Forwarded(call, admitted.result).answer();
}

async function admit(call: ModelCall): Promise<Result<Admitted>> {
  const { env, route, spender, asked } = call;
  const pricing = new CallPricing(env, call.credentials.capability, spender.pool);
  const ttlMs = numberOf(env, "BURSAR_GATEWAY_TTL_MS", limits.gatewayTtlMs);
  const id = uuid7();
  for (let tries = 0; ; tries++) {
    const counted = await pricing.tariff(route.provider, asked.model);
    if (!counted.ok) return counted;
    const tariff = counted.result;
    await checkUnknownFields(call, pricing);
    const command = reserveFor(call, tariff, id, ttlMs);
    const { outcomes } = await whileConnected(
      { signal: call.request.signal, waitUntil: call.waitUntil },
      (ticket) => pricing.ask((pool) => pool.execute(pricing.caller, [command], { wait_ms: call.waitMs, ticket })),
      (ticket) => pricing.ask(async (pool) => pool.leave(id, ticket)),
    ).catch((error: unknown) => {
      // It may have been reserved all the same, and nothing was forwarded: what is held must not be charged.
      call.waitUntil(pricing.ask((pool) => pool.execute(systemCaller, [{ op: "release", id }])).catch(() => undefined));
      throw error;
    });
    const [outcome] = outcomes;
    if (outcome === undefined) throw new Error("the pool gave no outcome");
    if (outcome.ok) {
      const reservation = outcome.result as ReservationResult;
      return { ok: true, result: { pricing, tariff, reservation, ttlMs } };
    }
    if (!isAnotherUnit(outcome.refusal) || tries > 0) return outcome;
    pricing.forget();
  }
}

/** What this version does not know most likely costs nothing. It is logged, and refused where the pool says so. */
async function checkUnknownFields({ asked, spender, env }: ModelCall, pricing: CallPricing): Promise<void> {
  const [first] = asked.inspection.unknown;
  if (first === undefined) return;
  if (await pricing.refusesUnknownFields()) {
    throw unsupported(first.field, `${first.message}, and this pool refuses unknown fields`);
  }
  logUnknownFields(spender.pool, asked.inspection.unknown, settingOf(env, "BURSAR_LOG", "problems"));
}

/** The upper bound of a call, or less where less will do. */
function reserveFor(call: ModelCall, tariff: Tariff, id: string, ttlMs: number): ReserveCommand {
  const { asked, limit, route, spender } = call;
  const { unit } = tariff;
  const { amount, at_least } = boundOf(asked, tariff, limit, asked.thinking + outputLeast);
  if (amount > limits.amount) {
    throw new ApiError(
      "invalid_request",
      `This call may use ${amount} ${unit}, which is above the limit for one call.`,
    );
  }
  return {
    op: "reserve",
    id,
    agent: spender.agent,
    amount,
    unit,
    at_least,
    ttl_ms: ttlMs,
    on_expiry: "charge",
    metadata: { gateway: route.provider, model: asked.model },
  };
}
