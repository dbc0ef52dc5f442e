/**
 * What a provider's error says of the key and account that pay. Where those are this Worker's, the caller must not learn
 * them: they are taken out, and an error that can't be read as JSON is replaced by one of Bursar's.
 */
import { joined } from "../http/body.ts";
import { errorBody } from "../providers/refusal.ts";
import { fieldOf, jsonIn } from "../providers/shape.ts";
import type { SseEvent } from "../providers/sse.ts";
import type { Upstream } from "../providers/upstreams.ts";
import type { Credentials } from "./credentials.ts";

/** Bytes of an error that are read. Providers' own have some hundreds. */
const errorBytes = 64 * 1024;
/** An organisation or project, and a key of a known form, masked or not. */
const ofAccount = /\b(?:org|proj)[-_][A-Za-z0-9]{6,}|\bsk-[A-Za-z0-9_*.-]{6,}/g;
/** An organisation of Anthropic's. Requests have such names too, but an error can do without. */
const uuid = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi;
/** Providers show the beginning of a key when they mask it. */
const shownLength = 8;
const instead = "[redacted]";

/** Takes one account's key and names out of texts. */
export class Redaction {
  /** The key in each form in which it may stand, and what begins as it does. */
  readonly #forms: readonly string[];
  readonly #beginnings: readonly RegExp[];

  constructor({ providerKey }: Credentials) {
    const keys = Object.values(providerKey).map((value) => value.replace(/^Bearer /, ""));
    // In base64 the last characters depend on what follows.
    this.#forms = keys.flatMap((key) => [key, encodeURIComponent(key), btoa(key).replace(/.{0,2}=*$/, "")]);
    this.#beginnings = keys
      .filter((key) => key.length >= 2 * shownLength)
      .map((key) => new RegExp(`${RegExp.escape(key.slice(0, shownLength))}[^\\s"']*`, "g"));
  }

  /** Whether `text` names the key, or an account in a form that is known. */
  isIn(text: string): boolean {
    return this.#withoutKey(text) !== text;
  }

  text(text: string): string {
    return this.#withoutKey(text).replaceAll(uuid, instead);
  }

  /** The same JSON, in every string of it. Names of fields are strings, too. */
  json(value: unknown): unknown {
    return JSON.parse(JSON.stringify(value), (_, one: unknown) => {
      if (typeof one === "string") return this.text(one);
      if (typeof one !== "object" || one === null || Array.isArray(one)) return one;
      return Object.fromEntries(Object.entries(one).map(([name, field]) => [this.text(name), field]));
    });
  }

  /** An event of a stream as the caller may see it: errors that come after the first words are told in one. */
  event(event: unknown, { data, text }: SseEvent): string {
    if (event === undefined) return data === "[DONE]" || data === "" ? text : this.text(text);
    if (!tellsError(event)) return text;
    const others = text.split(/\r\n|\r|\n/).filter((line) => line !== "" && !line.startsWith("data"));
    return [...others, `data: ${JSON.stringify(this.json(event))}`, "", ""].join("\n");
  }

  /** A whole answer as the caller may see it: some providers tell an error with status 200. */
  answer(bytes: Uint8Array): Uint8Array {
    const body = jsonIn(new TextDecoder().decode(bytes));
    return tellsError(body) ? new TextEncoder().encode(JSON.stringify(this.json(body))) : bytes;
  }

  #withoutKey(text: string): string {
    let left = text;
    for (const form of this.#forms) left = left.replaceAll(form, instead);
    for (const beginning of this.#beginnings) left = left.replaceAll(beginning, instead);
    return left.replaceAll(ofAccount, instead);
  }
}

/** The redaction that a call needs; undefined where the caller's own key pays. */
export function redactionFor(credentials: Credentials): Redaction | undefined {
  return credentials.isOurs ? new Redaction(credentials) : undefined;
}

/** The provider's error as the caller sees it, with the same status; `headers` are those that it may see. */
export async function errorAnswer(
  response: Response,
  headers: Headers,
  upstream: Upstream,
  credentials: Credentials,
): Promise<Response> {
  const { status } = response;
  const redaction = redactionFor(credentials);
  if (redaction === undefined) return new Response(response.body, { status, headers });
  const body = jsonIn(await textOf(response));
  headers.set("content-type", "application/json");
  const detail = `${upstream.title} answered ${status}, with an error that can't be shown.`;
  const shown =
    typeof body === "object" && body !== null
      ? redaction.json(body)
      : errorBody(upstream.errors, { status, code: "upstream_failed", detail });
  return Response.json(shown, { status, headers });
}

/** The text of an error; "" for one that is longer than any, or breaks off. */
async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of response.body ?? []) {
      length += chunk.byteLength;
      // Leaving the loop cancels the rest.
      if (length > errorBytes) return "";
      chunks.push(chunk);
    }
  } catch {
    return "";
  }
  return new TextDecoder().decode(joined(chunks));
}

function tellsError(body: unknown): boolean {
  const isThere = (error: unknown): boolean => error !== undefined && error !== null;
  return (
    fieldOf(body, "type") === "error" ||
    isThere(fieldOf(body, "error")) ||
    isThere(fieldOf(fieldOf(body, "response"), "error"))
  );
}
