/**
 * What the gateway refuses because it may be billed by something else than the tokens that can be bounded and seen
 * here: tools that the provider runs, history and files that it keeps, audio, dearer tiers. Fields, tools, items and
 * parts of content are let in by name, because the next one that costs will come with a new name.
 */
import type { Body, DialectName, Unsupported } from "./dialect.ts";
import { fieldOf } from "./shape.ts";

/** The first feature of a chat completion that can't be governed; undefined for none. */
export function unsupportedInChat(body: Body, model: string): Unsupported | undefined {
  return (
    modelIn(model) ??
    fieldsIn(body, fields["openai-chat"]) ??
    toolsIn(body, openAiTools) ??
    listIn(body["messages"], "/messages", chatMessage)
  );
}

/** … of a request to the Responses API. */
export function unsupportedInResponses(body: Body, model: string): Unsupported | undefined {
  return (
    modelIn(model) ??
    fieldsIn(body, fields["openai-responses"]) ??
    toolsIn(body, openAiTools) ??
    listIn(body["input"], "/input", responsesItem)
  );
}

/** … of a request for embeddings. */
export function unsupportedInEmbeddings(body: Body, model: string): Unsupported | undefined {
  return modelIn(model) ?? fieldsIn(body, fields["openai-embeddings"]);
}

/** … of a request to Anthropic's messages. */
export function unsupportedInMessages(body: Body, model: string): Unsupported | undefined {
  return (
    modelIn(model) ??
    fieldsIn(body, fields["anthropic-messages"]) ??
    toolsIn(body, anthropicTools) ??
    listIn(body["messages"], "/messages", anthropicMessage) ??
    listIn(body["system"], "/system", anthropicPart)
  );
}

function modelIn(model: string): Unsupported | undefined {
  const [, base = model] = /^ft:([^:]+)/.exec(model) ?? [];
  return /(^|-)(search|audio|realtime|transcribe|tts|deep-research)(-|$)/i.test(base)
    ? { field: "/model", message: `${model} is billed by more than tokens` }
    : undefined;
}

/** What a field may hold: whatever it likes, or what a check lets pass. A check says what is wrong. */
type Check = (value: unknown) => string | undefined;
type Fields = { readonly free: readonly string[]; readonly checked: Readonly<Record<string, Check>> };

const only =
  (...allowed: readonly unknown[]): Check =>
  (value) =>
    allowed.includes(value)
      ? undefined
      : `may be ${allowed.join(" or ")}: anything else is billed above the price list`;

/** Clearing what was said before lowers the input; compacting it is a call of its own, which is billed besides. */
const onlyClears: Check = (value) => {
  const edits = fieldOf(value, "edits") ?? [];
  const isClear = (edit: unknown): boolean => /^clear_(thinking|tool_uses)_\d{8}$/.test(String(fieldOf(edit, "type")));
  return Array.isArray(edits) && edits.every(isClear)
    ? undefined
    : "may only have edits of type clear_thinking or clear_tool_uses: others are calls of their own";
};

const openAiTier = only("auto", "default", "flex");

const fields: Readonly<Record<DialectName, Fields>> = {
  "openai-chat": {
    free: words(`model messages frequency_penalty function_call functions logit_bias logprobs max_completion_tokens
      max_tokens metadata n parallel_tool_calls presence_penalty prompt_cache_key prompt_cache_options
      prompt_cache_retention reasoning_effort response_format safety_identifier seed stop store stream stream_options
      temperature tool_choice tools top_logprobs top_p user verbosity min_p repetition_penalty top_k`),
    checked: {
      modalities: (value) =>
        Array.isArray(value) && value.every((one) => one === "text")
          ? undefined
          : "may only be text: other output has other prices",
      best_of: only(1),
      service_tier: openAiTier,
    },
  },
  "openai-responses": {
    free: words(`model client_metadata input include instructions max_output_tokens max_tool_calls metadata
      parallel_tool_calls prompt_cache_key prompt_cache_options prompt_cache_retention reasoning safety_identifier store stream
      stream_options temperature text tool_choice tools top_logprobs top_p truncation user`),
    checked: { service_tier: openAiTier },
  },
  "openai-embeddings": { free: words("model input dimensions encoding_format user"), checked: {} },
  "anthropic-messages": {
    free: words(`model messages max_tokens cache_control metadata output_config output_format stop_sequences stream system
      temperature thinking tool_choice tools top_k top_p`),
    checked: {
      context_management: onlyClears,
      service_tier: only("auto", "standard_only"),
      inference_geo: only("global"),
      speed: only("standard"),
    },
  },
};

function words(text: string): readonly string[] {
  return text.split(/\s+/);
}

/** Fields that are off (null, false) or empty ask for nothing. */
function fieldsIn(body: Body, { free, checked }: Fields): Unsupported | undefined {
  for (const [name, value] of Object.entries(body)) {
    if (value === null || value === false || isEmpty(value) || free.includes(name)) continue;
    const check = checked[name];
    const message = check === undefined ? "is not known to be billed by what can be seen here" : check(value);
    if (message !== undefined) return { field: `/${name}`, message };
  }
  return undefined;
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** Tools that the caller runs; what they cost is tokens. */
const openAiTools = /^(function|custom|local_shell|apply_patch|computer|computer_use_preview)$/;
const anthropicTools = /^(custom|(bash|text_editor|computer|memory)_\d{8})$/;

function toolsIn(holder: unknown, known: RegExp, field = ""): Unsupported | undefined {
  return listIn(fieldOf(holder, "tools"), `${field}/tools`, (tool, at) => toolIn(tool, known, at));
}

/** A tool without a type is the caller's own. */
function toolIn(tool: unknown, known: RegExp, field: string): Unsupported | undefined {
  const type = fieldOf(tool, "type");
  // OpenAI's: a group of tools, and two that are the caller's only where it says so.
  if (type === "namespace" && known === openAiTools) return toolsIn(tool, known, field);
  const isOwn =
    type === undefined ||
    (typeof type === "string" && known.test(type)) ||
    (type === "tool_search" && fieldOf(tool, "execution") === "client") ||
    (type === "shell" && fieldOf(fieldOf(tool, "environment"), "type") === "local");
  return isOwn ? undefined : { field: `${field}/type`, message: `${shown(type)} is run by the provider` };
}

type Look = (item: unknown, field: string) => Unsupported | undefined;

/** A provider may take an object for a list: what is in it would not be looked at. */
function notListIn(items: unknown, field: string): Unsupported | undefined {
  const isObject = typeof items === "object" && items !== null && !Array.isArray(items);
  return isObject ? { field, message: "must be an array" } : undefined;
}

function listIn(items: unknown, field: string, look: Look): Unsupported | undefined {
  const notList = notListIn(items, field);
  if (notList !== undefined || !Array.isArray(items)) return notList;
  for (const [at, item] of items.entries()) {
    const found = look(item, `${field}/${at}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

const chatMessage: Look = (message, field) =>
  typeof fieldOf(message, "audio") === "object" && fieldOf(message, "audio") !== null
    ? { field: `${field}/audio`, message: "names audio that only the provider has" }
    : listIn(fieldOf(message, "content"), `${field}/content`, openAiPart);

const responsesTypes =
  words(`message function_call function_call_output custom_tool_call custom_tool_call_output reasoning
  local_shell_call local_shell_call_output shell_call shell_call_output apply_patch_call apply_patch_call_output
  computer_call computer_call_output tool_search_call tool_search_output additional_tools configuration_update`);

const responsesItem: Look = (item, field) => {
  const type = fieldOf(item, "type");
  // Without a type it is a message; an id and nothing else stands for an item that the provider keeps.
  const isKnown = type === undefined ? typeof fieldOf(item, "role") === "string" : isOneOf(responsesTypes, type);
  if (!isKnown)
    return { field, message: `${shown(type)} references state on the provider's side, which can't be metered` };
  const output = fieldOf(item, "output");
  return (
    // Tools of this turn on, or those that the caller's search has found.
    toolsIn(item, openAiTools, field) ??
    listIn(fieldOf(item, "content"), `${field}/content`, openAiPart) ??
    (Array.isArray(output) ? listIn(output, `${field}/output`, openAiPart) : fileIn(output, `${field}/output`, false))
  );
};

const openAiTypes = words(
  "text image_url file refusal input_text input_image input_file output_text summary_text reasoning_text",
);

const openAiPart: Look = (part, field) => {
  if (typeof part === "string") return undefined;
  const type = fieldOf(part, "type");
  if (type !== undefined && !isOneOf(openAiTypes, type)) {
    return { field, message: `${shown(type)} is not supported: its cost can't be metered` };
  }
  return fileIn(part, field, false) ?? fileIn(fieldOf(part, "file"), field, false);
};

const anthropicMessage: Look = (message, field) =>
  listIn(fieldOf(message, "content"), `${field}/content`, anthropicPart);

const anthropicTypes = words(
  "text image document search_result thinking redacted_thinking tool_use tool_result tool_reference",
);

const anthropicPart: Look = (part, field) => {
  const type = fieldOf(part, "type");
  if (type !== undefined && !isOneOf(anthropicTypes, type)) {
    return { field, message: `${shown(type)} is not supported: its cost can't be metered` };
  }
  const source = fieldOf(part, "source");
  return (
    // A search result's source is its name.
    (type === "search_result" ? undefined : fileIn(source, field, type === "image")) ??
    listIn(fieldOf(part, "content"), `${field}/content`, anthropicPart) ??
    listIn(fieldOf(source, "content"), `${field}/source/content`, anthropicPart)
  );
};

/** A file that only the provider has, or whose length is not known here. An image costs what images cost, by its address too. */
function fileIn(holder: unknown, field: string, isImage: boolean): Unsupported | undefined {
  const name = ["file_id", "file_url", ...(isImage ? [] : ["url"])].find(
    (one) => fieldOf(holder, one) !== undefined && fieldOf(holder, one) !== null,
  );
  return name === undefined
    ? undefined
    : { field, message: `names a file by ${name}, which can't be metered; send it inline` };
}

function isOneOf(known: readonly string[], type: unknown): boolean {
  return typeof type === "string" && known.includes(type);
}

/** As much of a foreign value as a message should have. */
function shown(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 64) : value === undefined ? "an item without a type" : "this";
}
