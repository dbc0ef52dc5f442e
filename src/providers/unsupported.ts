/**
 * What the gateway refuses because it is billed by something else than the tokens that it can bound and see: tools
 * that the provider runs, history and files that it keeps, audio, batches, dearer tiers. Tools are let in by name,
 * because the next one that costs will come with a new name.
 */
import type { ModelRequest } from "./request.ts";
import { fieldOf } from "./shape.ts";

/** A field at fault, as a JSON pointer, and what is wrong with it. */
export type Unsupported = { readonly field: string; readonly message: string };

/** The first feature of `request` that can't be governed, or undefined. */
export function unsupportedIn({ dialect, body, model }: ModelRequest): Unsupported | undefined {
  if (/search-preview|search-api|deep-research|audio|realtime|transcribe|tts/.test(model)) {
    return { field: "/model", message: `${model} is billed by more than tokens` };
  }
  switch (dialect) {
    case "openai-chat":
      return forbidden(body, chatFields) ?? toolsOf(body, ["function", "custom"]) ?? partsIn(body, "/messages");
    case "openai-responses":
      return forbidden(body, responsesFields) ?? toolsOf(body, ["function", "custom"]) ?? partsIn(body, "/input");
    case "anthropic-messages":
      return forbidden(body, messagesFields) ?? toolsOf(body, anthropicTools) ?? partsIn(body, "/messages");
    case "openai-embeddings":
      return undefined;
  }
}

type Fields = Readonly<Record<string, (value: unknown) => string | undefined>>;

const never =
  (message: string) =>
  (value: unknown): string | undefined =>
    value === undefined || value === null || value === false ? undefined : message;
/** Dearer than the price list; the standard and the cheaper ones pass. */
const tier = (value: unknown): string | undefined =>
  value === "priority" || value === "fast" ? `${value} is billed above the price list` : undefined;

const chatFields: Fields = {
  audio: never("is billed by its length; audio can't be bounded"),
  modalities: (value) =>
    Array.isArray(value) && value.some((one) => one !== "text")
      ? "may only be text: other output has other prices"
      : undefined,
  web_search_options: never("is billed by search"),
  prediction: never("is billed for what it did not predict"),
  service_tier: tier,
};

const responsesFields: Fields = {
  background: never("answers when nobody listens; its usage can't be seen"),
  previous_response_id: never("bills a history that can't be seen here; send it as input"),
  conversation: never("bills a history that can't be seen here; send it as input"),
  prompt: never("bills a text that can't be seen here; send it as input"),
  service_tier: tier,
};

const messagesFields: Fields = {
  mcp_servers: never("lets the provider call tools whose results are billed and can't be bounded"),
  container: never("is billed by time"),
  speed: tier,
  service_tier: tier,
  inference_geo: (value) =>
    value === undefined || value === null || value === "global" ? undefined : "is billed above the price list",
};

/** Anthropic's own tools that the caller runs. What they cost is tokens. */
const anthropicTools = ["custom", "bash_", "text_editor_", "computer_", "memory_"];

function forbidden(body: ModelRequest["body"], fields: Fields): Unsupported | undefined {
  for (const [name, check] of Object.entries(fields)) {
    const message = check(body[name]);
    if (message !== undefined) return { field: `/${name}`, message };
  }
  return undefined;
}

/** Tools whose type begins with none of `known`. A tool without a type is the caller's own. */
function toolsOf(body: ModelRequest["body"], known: readonly string[]): Unsupported | undefined {
  const tools = body["tools"];
  if (!Array.isArray(tools)) return undefined;
  const index = tools.findIndex((tool) => {
    const type = fieldOf(tool, "type");
    if (typeof type !== "string") return type !== undefined;
    return !known.some((one) => (one.endsWith("_") ? type.startsWith(one) : type === one));
  });
  return index < 0
    ? undefined
    : {
        field: `/tools/${index}/type`,
        message: `${String(fieldOf(tools[index], "type")).slice(0, 64)} is run by the provider and billed by use`,
      };
}

/** Types of content whose tokens can't be told from the request. */
const unbounded = ["input_audio", "item_reference", "container_upload", "search_result_reference"];

/** Content that names something which only the provider has. Looked for in messages and in the parts of each. */
function partsIn(body: ModelRequest["body"], field: "/messages" | "/input"): Unsupported | undefined {
  const items = body[field.slice(1)];
  if (!Array.isArray(items)) return undefined;
  for (const [at, item] of items.entries()) {
    const found = partAt(item, `${field}/${at}`, 4);
    if (found !== undefined) return found;
  }
  return undefined;
}

function partAt(part: unknown, field: string, depth: number): Unsupported | undefined {
  const type = fieldOf(part, "type");
  if (typeof type === "string" && unbounded.includes(type)) {
    return { field, message: `${type} is billed for what can't be seen here` };
  }
  const holders = [part, fieldOf(part, "file"), fieldOf(part, "source")];
  const isImage = typeof type === "string" && type.includes("image");
  for (const holder of holders) {
    // An image by its address costs what an image costs; a document by its address may have any length.
    for (const name of isImage ? ["file_id"] : ["file_id", "file_url", "url"]) {
      if (typeof fieldOf(holder, name) !== "string" || (name === "url" && holder === part)) continue;
      return { field, message: `names a file by ${name}, which can't be seen here; send it inline` };
    }
  }
  const content = fieldOf(part, "content") ?? fieldOf(part, "output");
  if (!Array.isArray(content) || depth === 0) return undefined;
  for (const [at, inner] of content.entries()) {
    const found = partAt(inner, `${field}/content/${at}`, depth - 1);
    if (found !== undefined) return found;
  }
  return undefined;
}
