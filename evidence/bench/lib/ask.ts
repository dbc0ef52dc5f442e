/** Requests to a governor on plain workerd, as its admin. */
import { key } from "../../../test/support/workerd.ts";

export const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };

/** One request, whose answer must be a success. */
export async function ask(url: string, method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
  const response = await fetch(`${url}${path}`, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}
