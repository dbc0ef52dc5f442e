/** What OpenAI's APIs take, and what of it is billed by more than the tokens that can be counted here. */
import type { Body } from "./dialect.ts";
import {
  type Check,
  checkFields,
  checkFile,
  checkList,
  checkModel,
  free,
  freeFields,
  Inspection,
  refusedWith,
  shown,
} from "./inspection.ts";
import { countOf, fieldOf } from "./shape.ts";

/** What is wrong with a chat completion, and what it asks for beside tokens. */
export function inspectChat(body: Body, model: string): Inspection {
  const found = new Inspection();
  checkModel(model, found);
  checkFields(body, chatFields, found);
  checkList(body["tools"], "/tools", tool, found);
  checkList(body["messages"], "/messages", chatMessage, found);
  return found;
}

/** … with a request to the Responses API. */
export function inspectResponse(body: Body, model: string): Inspection {
  const found = new Inspection();
  checkModel(model, found);
  checkFields(body, responseFields, found);
  checkList(body["tools"], "/tools", tool, found);
  checkList(body["input"], "/input", item, found);
  found.limitTools(countOf(body, "max_tool_calls"));
  return found;
}

/** … with a request for embeddings. */
export function inspectEmbedding(body: Body, model: string): Inspection {
  const found = new Inspection();
  checkModel(model, found);
  checkFields(body, embeddingFields, found);
  return found;
}

const otherOutput = "asks for output other than text, which has prices of its own";

const chatFields: Readonly<Record<string, Check>> = {
  ...freeFields(`model messages frequency_penalty function_call functions logit_bias logprobs max_completion_tokens
    max_tokens metadata moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key
    prompt_cache_options prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier stop
    store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity min_p repetition_penalty
    top_k`),
  // What compatible servers add: DeepSeek, OpenRouter, Qwen, vLLM, Groq, Mistral, Ollama.
  ...freeFields(`thinking reasoning include_reasoning usage provider enable_thinking
    chat_template_kwargs guided_json guided_regex guided_choice structured_outputs reasoning_format safe_prompt
    random_seed options keep_alive`),
  modalities: (value, field, found) => {
    if (!Array.isArray(value) || value.some((one) => one !== "text")) found.refuse(field, otherOutput);
  },
  audio: refusedWith(otherOutput),
  best_of: (value, field, found) => {
    if (value !== 1) found.refuse(field, "must be 1: every candidate is billed");
  },
  web_search_options: refusedWith("searches at a price by call, which the answer does not report"),
};

const responseFields: Readonly<Record<string, Check>> = {
  ...freeFields(`model client_metadata input include instructions max_output_tokens max_tool_calls metadata moderation
    parallel_tool_calls prompt_cache_key prompt_cache_options prompt_cache_retention reasoning safety_identifier
    service_tier store stream stream_options temperature text tool_choice tools top_logprobs top_p truncation user`),
  background: refusedWith("is billed while no caller is connected, so the call can't be booked when it ends"),
  context_management: free,
  previous_response_id: (value, _, found) => found.refersTo("history", value),
  conversation: (value, _, found) =>
    found.refersTo("history", typeof value === "string" ? value : fieldOf(value, "id")),
  prompt: (value, _, found) => found.refersTo("history", fieldOf(value, "id")),
};

const embeddingFields = freeFields("model input dimensions encoding_format user input_type truncate prompt task");

/** Tools that the caller runs, and tools of the provider's that cost tokens only. */
const ownTools = /^(function|custom|local_shell|apply_patch|computer|computer_use_preview|tool_search|mcp)$/;
/** Tools that the provider runs and bills by use, by what their price is listed as. */
const providerTools: readonly (readonly [RegExp, string])[] = [
  [/^web_search(_preview)?(_\d{4}_\d\d_\d\d)?$/, "web_search"],
  [/^file_search$/, "file_search"],
  [/^code_interpreter$/, "code_interpreter"],
  [/^image_generation$/, "image_generation"],
];

const tool: Check = (value, field, found) => {
  const type = fieldOf(value, "type");
  if (type === undefined) return;
  if (type === "namespace") return checkList(fieldOf(value, "tools"), `${field}/tools`, tool, found);
  if (typeof type === "string" && ownTools.test(type)) return;
  if (type === "shell") {
    // In the caller's own environment it costs nothing; a container of the provider's is billed by time.
    if (fieldOf(fieldOf(value, "environment"), "type") !== "local") found.runs("code_interpreter");
    return;
  }
  const known = providerTools.find(([pattern]) => typeof type === "string" && pattern.test(type));
  if (known !== undefined) return found.runs(known[1]);
  found.notKnown(`${field}/type`, `${shown(type)} is not a tool that this version of Bursar knows`);
};

const chatMessage: Check = (message, field, found) => {
  if (typeof fieldOf(message, "audio") === "object" && fieldOf(message, "audio") !== null) {
    found.refuse(`${field}/audio`, "refers to audio that only the provider has");
  }
  checkList(fieldOf(message, "content"), `${field}/content`, part, found);
};

const item: Check = (value, field, found) => {
  const type = fieldOf(value, "type");
  const id = fieldOf(value, "id");
  if (type === "item_reference" || (type === undefined && typeof fieldOf(value, "role") !== "string")) {
    return found.refersTo("item", id);
  }
  // A reasoning item whose content stayed with the provider.
  if (type === "reasoning" && typeof fieldOf(value, "encrypted_content") !== "string" && !hasText(value)) {
    found.refersTo("item", id);
  }
  // Tools of this turn on, or those that the caller's search has found.
  checkList(fieldOf(value, "tools"), `${field}/tools`, tool, found);
  checkList(fieldOf(value, "content"), `${field}/content`, part, found);
  const output = fieldOf(value, "output");
  if (Array.isArray(output)) checkList(output, `${field}/output`, part, found);
  else checkFile(output, false, found);
};

function hasText(value: unknown): boolean {
  return ["summary", "content"].some((name) => {
    const list = fieldOf(value, name);
    return Array.isArray(list) && list.length > 0;
  });
}

const part: Check = (value, field, found) => {
  if (typeof value === "string") return;
  if (fieldOf(value, "type") === "input_audio") return found.refuse(field, "is audio, which has prices of its own");
  checkFile(value, false, found);
  checkFile(fieldOf(value, "file"), false, found);
};
