/**
 * The body of a call, checked before anything is done with it: only so much as governing needs, because what else is
 * right is the provider's to say. What is sent on is this parsed copy, written anew, so that what was checked is what
 * is sent.
 */
import * as z from "zod";
import { parseBody } from "../http/body.ts";
import { unsupported } from "../http/problems.ts";
import { modelNameSchema } from "../protocol/common.wire.ts";
import { limits } from "../protocol/limits.ts";
import type { Dialect } from "../providers/dialect.ts";
import { type ModelRequest, readRequest, type SizeOf } from "../providers/request.ts";
import type { GatewayRoute } from "./routes.ts";

const outputLimit = z.int().min(1).max(limits.amount).nullish();

const schema = z.looseObject({
  model: modelNameSchema,
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.int().min(1).max(limits.gatewayAnswers).nullish(),
  max_tokens: outputLimit,
  max_completion_tokens: outputLimit,
  max_output_tokens: outputLimit,
  thinking: z.looseObject({ budget_tokens: z.int().min(0).max(limits.amount).nullish() }).nullish(),
});

/**
 * Parses a call's body; throws a 400 that names the field at fault, or the feature that can't be governed. `sizeOf` knows
 * content that only the provider has; `call` is what the path says in place of the body.
 */
export async function parseCall(
  request: Request,
  dialect: Dialect,
  call: GatewayRoute["call"],
  sizeOf: SizeOf,
): Promise<ModelRequest> {
  const given = await parseBody(
    request,
    call === undefined ? schema : z.looseObject({}),
    limits.gatewayBodyBytes,
    limits.gatewayJsonDepth,
  );
  const asked = readRequest(dialect, { ...given, ...call }, sizeOf);
  if (asked === undefined) throw new Error("a parsed body is no object");
  const { refused } = asked.inspection;
  if (refused !== undefined) throw unsupported(refused.field, refused.message);
  return asked;
}

/** The body of a question that costs nothing. */
export async function parseQuestion(request: Request): Promise<string> {
  const body = await parseBody(request, z.looseObject({}), limits.gatewayBodyBytes, limits.gatewayJsonDepth);
  return JSON.stringify(body);
}
