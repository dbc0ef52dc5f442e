/** What the gateway takes: calls of models, which are governed, and questions that cost nothing, which are passed on. */
import type { Dialect } from "../providers/dialect.ts";
import { dialects } from "../providers/registry.ts";
import { dialectOf } from "../providers/request.ts";
import { type Upstream, upstreamOfPath, upstreams } from "../providers/upstreams.ts";

export type Provider = Upstream["name"];

export type GatewayRoute = {
  readonly provider: Provider;
  readonly upstream: Upstream;
  /** As it is logged. */
  readonly pattern: string;
  readonly method: "GET" | "POST";
  /** Of a call that is governed; undefined for a question that is free. */
  readonly dialect: Dialect | undefined;
  /** What follows the provider's upstream. */
  readonly upstreamPath: string;
  /** What the path says of the call, where the body does not. */
  readonly call: { readonly model: string; readonly stream: boolean } | undefined;
};

/** Which part of a path is the caller's free choice: a model's name. */
const segment = "[A-Za-z0-9._:@-]+(?:/[A-Za-z0-9._:@-]+){0,3}";

const table: readonly (readonly [Provider, GatewayRoute["method"], string])[] = [
  ["openai", "POST", "/openai/v1/chat/completions"],
  ["openai", "POST", "/openai/v1/responses"],
  ["openai", "POST", "/openai/v1/embeddings"],
  ["openai", "POST", "/openai/v1/responses/input_tokens"],
  ["openai", "POST", "/openai/v1/moderations"],
  ["openai", "GET", "/openai/v1/models"],
  ["openai", "GET", "/openai/v1/models/{model}"],
  ["anthropic", "POST", "/anthropic/v1/messages"],
  ["anthropic", "POST", "/anthropic/v1/messages/count_tokens"],
  ["anthropic", "GET", "/anthropic/v1/models"],
  ["anthropic", "GET", "/anthropic/v1/models/{model}"],
  ["google", "POST", "/gemini/{version}/models/{model}:generateContent"],
  ["google", "POST", "/gemini/{version}/models/{model}:streamGenerateContent"],
  ["google", "POST", "/gemini/{version}/models/{model}:countTokens"],
  ["google", "GET", "/gemini/{version}/models"],
  ["google", "GET", "/gemini/{version}/models/{model}"],
];

const routes = table.map(([provider, method, pattern]) => ({
  provider,
  method,
  pattern,
  matches: new RegExp(`^${pattern.replace("{model}", `(${segment})`).replace("{version}", "v1(?:beta|alpha)?")}$`),
}));

/** Whether a path is the gateway's to answer. */
export function isGatewayPath(pathname: string): boolean {
  return upstreamOfPath(pathname) !== undefined;
}

/** The route of a request; otherwise what is wrong with it: its path, or its method. */
export function routeOf(method: string, pathname: string): GatewayRoute | "route_not_found" | "method_not_allowed" {
  const found = routes.filter(({ matches }) => matches.test(pathname));
  const route = found.find((one) => one.method === method);
  if (route === undefined) return found.length === 0 ? "route_not_found" : "method_not_allowed";
  const { provider, pattern } = route;
  const upstream: Upstream | undefined = upstreams.find(({ name }) => name === provider);
  if (upstream === undefined) throw new Error(`the route ${pattern} has no upstream`);
  const [, model = ""] = route.matches.exec(pathname) ?? [];
  return {
    provider,
    upstream,
    pattern,
    method: route.method,
    dialect: route.method === "POST" ? dialectOf(pattern, dialects) : undefined,
    upstreamPath: pathname.slice(upstream.prefix.length),
    call: provider === "google" ? { model, stream: pattern.endsWith(":streamGenerateContent") } : undefined,
  };
}
