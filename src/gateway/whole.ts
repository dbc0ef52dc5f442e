/**
 * A whole answer: read to its end, booked, and only then given. If the caller goes meanwhile it is read to its end all
 * the same, because the provider bills it all the same, and only its end says how much.
 */
import { limits } from "../protocol/limits.ts";
import { confidenceAt, writtenIn } from "../providers/confidence.ts";
import { estimateTokens } from "../providers/estimate.ts";
import type { ModelRequest } from "../providers/request.ts";
import { fieldOf } from "../providers/shape.ts";
import { usageOf } from "../providers/usage.ts";
import type { Ending } from "./settlement.ts";

/** Reads a body up to its limit; undefined if it is longer. */
export async function readWhole(body: ReadableStream<Uint8Array>): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > limits.gatewayAnswerBytes) return undefined;
    chunks.push(chunk);
  }
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

/** What a whole answer says of its use; without a report, an estimate of what went in and what came out. */
export function endingOf(
  bytes: Uint8Array,
  asked: ModelRequest,
  confidencePath: string | null,
  headers: Headers,
): Ending {
  const text = new TextDecoder().decode(bytes);
  const body = parse(text);
  const reported = usageOf(body);
  const model = fieldOf(body, "model");
  const usage = reported ?? {
    input: asked.prompt,
    output: asked.dialect === "openai-embeddings" ? 0 : estimateTokens(text),
    cacheRead: 0,
    cacheWrite: 0,
    reasoning: 0,
  };
  return {
    usage,
    isReported: reported !== undefined,
    model: typeof model === "string" ? model : undefined,
    confidence:
      confidencePath === null
        ? undefined
        : confidenceAt(confidencePath, writtenIn(body), body, (name) => headers.get(name)),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
