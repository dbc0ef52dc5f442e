/** A call of a model through the gateway, as it came and once it is admitted. */
import type { AnswerMeter } from "../calls/answer.ts";
import type { Ending } from "../calls/ending.ts";
import type { Env } from "../env.ts";
import type { Tariff } from "../pricing/tariff.ts";
import type { ReservationResult } from "../protocol/reservation.ts";
import type { ModelRequest } from "../providers/request.ts";
import type { CallPricing } from "./call-pricing.ts";
import type { Credentials, Spender } from "./credentials.ts";
import type { GatewayRoute } from "./routes.ts";
import type { CallTrace } from "./trace.ts";

export type ModelCall = {
  readonly env: Env;
  readonly request: Request;
  readonly route: GatewayRoute;
  readonly credentials: Credentials;
  readonly spender: Spender;
  readonly asked: ModelRequest;
  /** Tokens that each answer may have: what the caller said, or what is allowed for. */
  readonly limit: number;
  /** How long it may wait in line for budget. */
  readonly waitMs: number;
  readonly upstream: string;
  readonly waitUntil: (promise: Promise<unknown>) => void;
  readonly trace: CallTrace;
  /** Remembers what the provider keeps of an answer. */
  readonly keep: (meter: AnswerMeter, ending: Ending) => void;
};

export type Admitted = {
  readonly pricing: CallPricing;
  readonly tariff: Tariff;
  readonly reservation: ReservationResult;
  readonly ttlMs: number;
};
