/** Reads and validates untrusted input: size, type and encoding first, then JSON, then the route's schema. */
import type * as z from "zod";
import { parseJson, toPointer } from "../protocol/json.ts";
import { ApiError, invalid } from "./problems.ts";

/** The body as `schema` parses it. An empty body counts as `{}`, for routes whose every field may be left out. */
export async function parseBody<T>(
  request: Request,
  schema: z.ZodType<T>,
  maxBytes: number,
  maxDepth?: number,
): Promise<T> {
  const encoding = request.headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity") {
    throw new ApiError("unsupported_media_type", "Send the body without Content-Encoding.");
  }
  const bytes = await readLimited(request, maxBytes).catch((error: unknown) => {
    // It ended before its length, or its chunks are none.
    throw error instanceof ApiError ? error : invalid("", "is truncated");
  });
  if (bytes.byteLength === 0) return parseWith(schema, {});
  const type = request.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw new ApiError("unsupported_media_type", "Send the body as JSON, with Content-Type: application/json.");
  }
  const parsed = parseJson(decode(bytes), maxDepth);
  if (!parsed.ok) throw invalid(parsed.fault.path, parsed.fault.message);
  return parseWith(schema, parsed.value);
}

/** The query string as `schema` parses it; a parameter given twice is refused. */
export function parseQuery<T>(url: URL, schema: z.ZodType<T>): T {
  const names = [...url.searchParams.keys()];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw invalid(twice, "is given more than once");
  return parseWith(schema, Object.fromEntries(url.searchParams));
}

/** Parses, or throws a problem that names every field at fault. */
export function parseWith<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.slice(0, 10).flatMap(({ code, path, message, ...issue }) => {
    const unknown = code === "unrecognized_keys" && "keys" in issue ? issue.keys : [];
    if (unknown.length === 0) return [{ field: toPointer(path), message }];
    return unknown
      .slice(0, 10)
      .map((key) => ({ field: toPointer([...path, key]), message: "is not a field of this request" }));
  });
  const [first = { field: "", message: "is not valid" }] = errors;
  throw new ApiError("invalid_request", `${first.field === "" ? "The body" : first.field}: ${first.message}.`, {
    errors,
  });
}

/**
 * Reads a body of at most so many bytes, counted as they arrive. Content-Length is trusted only where it announces too many;
 * it may be missing or wrong.
 */
async function readLimited(request: Request, maxBytes: number): Promise<Uint8Array> {
  const declared = Number(request.headers.get("content-length") ?? "NaN");
  if (declared > maxBytes) throw tooLarge(maxBytes);
  if (request.body === null) return new Uint8Array();
  // With a length declared and small, HTTP's framing bounds what can arrive.
  if (declared >= 0) {
    const bytes = new Uint8Array(await request.arrayBuffer());
    if (bytes.byteLength > maxBytes) throw tooLarge(maxBytes);
    return bytes;
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body) {
    length += chunk.byteLength;
    if (length > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return joined(chunks);
}

/** The chunks of a body as one. */
export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

function tooLarge(maximum: number): ApiError {
  return new ApiError("body_too_large", `The body is larger than ${maximum} bytes.`, { maximum });
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalid("", "is not valid UTF-8");
  }
}
