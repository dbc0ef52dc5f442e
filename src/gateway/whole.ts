/**
 * A whole answer: read to its end, booked, and only then given. If the caller goes meanwhile it is read to its end all
 * the same, because the provider bills it all the same, and only its end says how much.
 */
import { joined } from "../http/body.ts";
import { limits } from "../protocol/limits.ts";
import { confidenceAt, writtenIn } from "../providers/confidence.ts";
import { estimateTokens } from "../providers/estimate.ts";
import type { ModelRequest } from "../providers/request.ts";
import { fieldOf, jsonIn } from "../providers/shape.ts";
import { usageIn } from "../providers/usage.ts";
import type { Ending } from "./settlement.ts";

/** Reads an answer as far as it comes, up to its limit; `onPiece` hears of each piece. */
export async function readWhole(
  body: ReadableStream<Uint8Array>,
  onPiece: () => void,
): Promise<{ bytes: Uint8Array; isWhole: boolean }> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let isWhole = true;
  try {
    for await (const chunk of body) {
      onPiece();
      length += chunk.byteLength;
      if (length > limits.gatewayAnswerBytes) {
        isWhole = false;
        break;
      }
      chunks.push(chunk);
    }
  } catch {
    isWhole = false;
  }
  return { bytes: joined(chunks), isWhole };
}

/** What a whole answer says of its use; without a report, an estimate of what went in and what came out. */
export function endingOf(
  bytes: Uint8Array,
  asked: ModelRequest,
  confidencePath: string | null,
  headers: Headers,
): Ending {
  const text = new TextDecoder().decode(bytes);
  const body = jsonIn(text);
  const reported = usageIn(asked.dialect, body);
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
    atLeast: reported,
    model: typeof model === "string" ? model : undefined,
    confidence:
      confidencePath === null
        ? undefined
        : confidenceAt(confidencePath, writtenIn(body), body, (name) => headers.get(name)),
  };
}
