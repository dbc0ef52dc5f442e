/** The providers that the gateway forwards to, as data: where they are, whose key pays, and how they say an error. */
import type { ErrorShape } from "./refusal.ts";

export type Upstream = {
  /** As it is journaled, and in prices. */
  readonly name: "openai" | "anthropic" | "google";
  /** As people write it. */
  readonly title: string;
  /** What comes before the provider's own path. OpenAI's base address ends in /v1, the others' don't: each as its SDK has it. */
  readonly prefix: string;
  readonly address: string;
  /** The settings of another address, and of the Worker's own key. */
  readonly addressSetting: "OPENAI_UPSTREAM" | "ANTHROPIC_UPSTREAM" | "GEMINI_UPSTREAM";
  readonly secret: "OPENAI_API_KEY" | "ANTHROPIC_API_KEY" | "GEMINI_API_KEY";
  /** The header that its SDK sends the key in; `authorization` takes it as a bearer token. */
  readonly keyHeader: "authorization" | "x-api-key" | "x-goog-api-key";
  readonly errors: ErrorShape;
};

export const upstreams = [
  {
    name: "openai",
    title: "OpenAI",
    prefix: "/openai/v1",
    address: "https://api.openai.com/v1",
    addressSetting: "OPENAI_UPSTREAM",
    secret: "OPENAI_API_KEY",
    keyHeader: "authorization",
    errors: "openai",
  },
  {
    name: "anthropic",
    title: "Anthropic",
    prefix: "/anthropic",
    address: "https://api.anthropic.com",
    addressSetting: "ANTHROPIC_UPSTREAM",
    secret: "ANTHROPIC_API_KEY",
    keyHeader: "x-api-key",
    errors: "anthropic",
  },
  {
    name: "google",
    title: "Gemini",
    prefix: "/gemini",
    address: "https://generativelanguage.googleapis.com",
    addressSetting: "GEMINI_UPSTREAM",
    secret: "GEMINI_API_KEY",
    keyHeader: "x-goog-api-key",
    errors: "gemini",
  },
] as const satisfies readonly Upstream[];

/** The upstream of a path of the gateway; undefined for any other path. */
export function upstreamOfPath(pathname: string): Upstream | undefined {
  return upstreams.find(({ prefix }) => {
    const root = `/${prefix.split("/")[1] ?? ""}`;
    return pathname === root || pathname.startsWith(`${root}/`);
  });
}
