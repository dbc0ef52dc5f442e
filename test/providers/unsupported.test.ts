/** What the gateway lets through and what it refuses, name by name: this list is the specification. */
import { describe, expect, it } from "vitest";
import type { DialectName, Unsupported } from "../../src/providers/dialect.ts";
import { faultIn } from "../support/requests.ts";

const allowed: Readonly<Record<DialectName, string>> = {
  "openai-chat": `model messages frequency_penalty function_call functions logit_bias logprobs max_completion_tokens
    max_tokens metadata n parallel_tool_calls presence_penalty prompt_cache_key prompt_cache_options
    prompt_cache_retention reasoning_effort response_format safety_identifier seed stop store stream stream_options
    temperature tool_choice tools top_logprobs top_p user verbosity min_p repetition_penalty top_k`,
  "openai-responses": `model input include instructions max_output_tokens max_tool_calls metadata parallel_tool_calls
    prompt_cache_key prompt_cache_options prompt_cache_retention reasoning safety_identifier store stream stream_options
    temperature text tool_choice tools top_logprobs top_p truncation user`,
  "openai-embeddings": "model input dimensions encoding_format user",
  "anthropic-messages": `model messages max_tokens cache_control metadata output_config output_format stop_sequences
    stream system temperature thinking tool_choice tools top_k top_p`,
};
const dialects = Object.keys(allowed) as DialectName[];

describe("a field", () => {
  it.each(dialects.flatMap((dialect) => allowed[dialect].split(/\s+/).map((name) => [dialect, name] as const)))(
    "of %s may be %s",
    (dialect, name) => {
      expect(faultIn(dialect, { [name]: name === "model" ? "gpt-5" : "any" })).toBeUndefined();
    },
  );

  it.each(dialects)("of %s that nobody knows is refused, unless it is off", (dialect) => {
    const message = "is not known to be billed by what can be seen here";
    expect(faultIn(dialect, { surprise: 1 })).toEqual({ field: "/surprise", message });
    expect(faultIn(dialect, { surprise: null, another: false })).toBeUndefined();
  });

  const tier = "may be auto or default or flex: anything else is billed above the price list";
  const text = "may only be text: other output has other prices";
  it.each<[DialectName, string, readonly unknown[], readonly unknown[], string]>([
    ["openai-chat", "service_tier", ["auto", "default", "flex"], ["priority", 1], tier],
    ["openai-responses", "service_tier", ["auto", "default", "flex"], ["priority", ""], tier],
    ["openai-chat", "modalities", [["text"], []], [["text", "audio"], "text"], text],
    ["openai-chat", "best_of", [1], [2, "1"], "may be 1: anything else is billed above the price list"],
    [
      "anthropic-messages",
      "service_tier",
      ["auto", "standard_only"],
      ["priority"],
      "may be auto or standard_only: anything else is billed above the price list",
    ],
    [
      "anthropic-messages",
      "inference_geo",
      ["global"],
      ["us"],
      "may be global: anything else is billed above the price list",
    ],
    [
      "anthropic-messages",
      "speed",
      ["standard"],
      ["fast"],
      "may be standard: anything else is billed above the price list",
    ],
  ])("of %s, %s, may have some values and no others", (dialect, name, good, bad, message) => {
    for (const value of good) expect(faultIn(dialect, { [name]: value })).toBeUndefined();
    for (const value of bad) expect(faultIn(dialect, { [name]: value })).toEqual({ field: `/${name}`, message });
  });
});

describe("a model", () => {
  it.each([
    "gpt-4o-search-preview",
    "search-model",
    "gpt-audio",
    "gpt-audio-mini",
    "gpt-realtime",
    "gpt-4o-transcribe",
    "gpt-4o-mini-tts",
    "o3-deep-research",
    "ft:gpt-4o-audio:acme::id",
    "my-search-ft:gpt-4o",
  ])("that is billed by more than tokens is refused: %s", (model) => {
    expect(faultIn("openai-chat", { model })).toEqual({
      field: "/model",
      message: `${model} is billed by more than tokens`,
    });
  });

  it.each(["gpt-5", "research", "ft:gpt-4o:search-team:audio:id", "audiobook", "xsearch", "claude-opus-5", "ft:"])(
    "that only looks like one is not: %s",
    (model) => expect(faultIn("openai-chat", { model })).toBeUndefined(),
  );
});

describe("a tool", () => {
  const openAi = ["function", "custom", "local_shell", "apply_patch", "computer", "computer_use_preview"];
  const anthropic = ["custom", "bash_20250124", "text_editor_20250728", "computer_20250124", "memory_20250818"];
  const known = [
    ...openAi.flatMap((type) => [["openai-chat", type] as const, ["openai-responses", type] as const]),
    ...anthropic.map((type) => ["anthropic-messages", type] as const),
  ];

  it.each(known)("of %s that the caller runs may be %s", (dialect, type) => {
    expect(faultIn(dialect, { tools: [{}, { type, name: "x" }] })).toBeUndefined();
  });

  it.each([
    ["openai-chat", "web_search"],
    ["openai-responses", "file_search"],
    ["openai-responses", "xfunction"],
    ["openai-responses", "functions"],
    ["openai-responses", "bash_20250124"],
    ["anthropic-messages", "web_search_20250305"],
    ["anthropic-messages", "function"],
    ["anthropic-messages", "bash_2025"],
    ["anthropic-messages", "bash_202501245"],
    ["anthropic-messages", "xbash_20250124"],
    ["anthropic-messages", "customs"],
  ] as const)("of %s that the provider runs, %s, is refused, and which it is is said", (dialect, type) => {
    const fault = { field: "/tools/1/type", message: `${type} is run by the provider` };
    expect(faultIn(dialect, { tools: [{ name: "own" }, { type }, { type: "other" }] })).toEqual(fault);
  });

  it("of a type that is none is refused; what are no tools is not looked at", () => {
    const fault = { field: "/tools/0/type", message: "this is run by the provider" };
    expect(faultIn("openai-chat", { tools: [{ type: 5 }] })).toEqual(fault);
    expect(faultIn("anthropic-messages", { tools: [{ type: null }] })).toEqual(fault);
    expect(faultIn("openai-chat", { tools: "web_search" })).toBeUndefined();
    expect(faultIn("openai-embeddings", { input: "x" })).toBeUndefined();
  });

  it("in an object, where a list is due, is refused: so are messages and content", () => {
    const message = "must be an array";
    const search = { 0: { type: "web_search" } };
    const file = { type: "file", file: { file_id: "f" } };
    for (const dialect of ["openai-chat", "openai-responses", "anthropic-messages"] as const) {
      expect(faultIn(dialect, { tools: search })).toEqual({ field: "/tools", message });
    }
    expect(faultIn("openai-chat", { messages: { 0: file } })).toEqual({ field: "/messages", message });
    expect(faultIn("openai-responses", { input: { 0: file } })).toEqual({ field: "/input", message });
    expect(faultIn("anthropic-messages", { system: file })).toEqual({ field: "/system", message });
    const messages = [{ role: "user", content: file }];
    for (const dialect of ["openai-chat", "anthropic-messages"] as const) {
      expect(faultIn(dialect, { messages })).toEqual({ field: "/messages/0/content", message });
    }
  });

  it("is that of a model in whatever letters its name is written", () => {
    expect(faultIn("openai-chat", { model: "GPT-4O-SEARCH-PREVIEW" })).toMatchObject({ field: "/model" });
  });

  it("has a name that is shown as far as it is worth showing", () => {
    const fault = faultIn("openai-chat", { tools: [{ type: "x".repeat(200) }] });
    expect(fault?.message).toBe(`${"x".repeat(64)} is run by the provider`);
  });
});

const file = (by: string): string => `names a file by ${by}, which can't be metered; send it inline`;
const unseen = (type: string): string => `${type} is not supported: its cost can't be metered`;

describe("a message of OpenAI's chat", () => {
  const part = (one: unknown): Unsupported | undefined =>
    faultIn("openai-chat", {
      messages: [
        { role: "user", content: "hi" },
        { role: "user", content: ["plain", one] },
      ],
    });

  it.each(
    "text image_url file refusal input_text input_image input_file output_text summary_text reasoning_text".split(" "),
  )("may have a part of type %s, or of none", (type) => {
    expect(part({ type, url: null, file_id: null })).toBeUndefined();
    expect(part({ text: "hi" })).toBeUndefined();
  });

  it.each([
    [{ type: "input_audio" }, unseen("input_audio")],
    [{ type: 7 }, unseen("this")],
    [{ type: "image_url", file_id: "f" }, file("file_id")],
    [{ type: "input_file", file_url: "https://x" }, file("file_url")],
    [{ type: "input_file", url: "https://x" }, file("url")],
    [{ type: "file", file: { url: "https://x" } }, file("url")],
    [{ type: "file", file: { file_id: "f" } }, file("file_id")],
  ])("may not have %j", (one, message) => {
    expect(part(one)).toEqual({ field: "/messages/1/content/1", message });
  });

  it("may not name audio that the provider keeps", () => {
    const fault = { field: "/messages/0/audio", message: "names audio that only the provider has" };
    expect(faultIn("openai-chat", { messages: [{ role: "assistant", audio: { id: "a" } }] })).toEqual(fault);
    expect(faultIn("openai-chat", { messages: [{ role: "assistant", audio: null }] })).toBeUndefined();
    expect(faultIn("openai-chat", { messages: [{ role: "assistant", audio: "none" }] })).toBeUndefined();
    expect(faultIn("openai-chat", { messages: "no list" })).toBeUndefined();
  });
});

describe("an item of OpenAI's responses", () => {
  const item = (one: unknown): Unsupported | undefined => faultIn("openai-responses", { input: [one] });
  const types = `message function_call function_call_output custom_tool_call custom_tool_call_output reasoning
    local_shell_call local_shell_call_output apply_patch_call apply_patch_call_output computer_call computer_call_output`;

  it.each(types.split(/\s+/))("may be %s", (type) => {
    expect(item({ type, content: [{ type: "input_text", text: "hi" }], output: "done" })).toBeUndefined();
  });

  it("may be a message without a type", () => {
    expect(item({ role: "user", content: "hi" })).toBeUndefined();
  });

  it.each([
    [{ id: "msg_1" }, "an item without a type references state on the provider's side, which can't be metered"],
    [{ role: 1 }, "an item without a type references state on the provider's side, which can't be metered"],
    [
      { type: "item_reference", id: "msg_1" },
      "item_reference references state on the provider's side, which can't be metered",
    ],
    [{ type: null, role: "user" }, "this references state on the provider's side, which can't be metered"],
  ])("may not be %j", (one, message) => {
    expect(item(one)).toEqual({ field: "/input/0", message });
  });

  it("may not have a file that only the provider has, in its content or its output", () => {
    expect(item({ type: "message", content: [{ type: "input_file", file_id: "f" }] })).toEqual({
      field: "/input/0/content/0",
      message: file("file_id"),
    });
    expect(item({ type: "function_call_output", output: [{ type: "input_image", file_id: "f" }] })).toEqual({
      field: "/input/0/output/0",
      message: file("file_id"),
    });
    expect(item({ type: "computer_call_output", output: { type: "computer_screenshot", file_id: "f" } })).toEqual({
      field: "/input/0/output",
      message: file("file_id"),
    });
    const seen = { type: "computer_screenshot", image_url: "data:image/png;base64,A" };
    expect(item({ type: "computer_call_output", output: seen })).toBeUndefined();
  });
});

describe("a message of Anthropic's", () => {
  const part = (one: unknown): Unsupported | undefined =>
    faultIn("anthropic-messages", { messages: [{ role: "user", content: [one] }] });
  const types = "text image document search_result thinking redacted_thinking tool_use tool_result";

  it.each(types.split(" "))("may have a part of type %s, or of none", (type) => {
    expect(part({ type })).toBeUndefined();
    expect(part({ text: "hi" })).toBeUndefined();
  });

  it("may have an image by its address, and a search result with its source", () => {
    expect(part({ type: "image", source: { type: "url", url: "https://x" } })).toBeUndefined();
    expect(part({ type: "search_result", source: "https://x", content: [{ type: "text" }] })).toBeUndefined();
    expect(part({ type: "search_result", source: { url: "a name" } })).toBeUndefined();
    expect(part({ type: "document", source: { type: "base64", data: "A" } })).toBeUndefined();
  });

  it.each([
    [{ type: "container_upload" }, "", unseen("container_upload")],
    [{ type: "image", source: { type: "file", file_id: "f" } }, "", file("file_id")],
    [{ type: "document", source: { type: "url", url: "https://x" } }, "", file("url")],
    [{ type: "tool_result", content: [{ type: "mcp" }] }, "/content/0", unseen("mcp")],
    [{ type: "document", source: { type: "content", content: [{ type: "mcp" }] } }, "/source/content/0", unseen("mcp")],
  ])("may not have %j", (one, below, message) => {
    expect(part(one)).toEqual({ field: `/messages/0/content/0${below}`, message });
  });

  it("is looked at in the system prompt, too", () => {
    expect(faultIn("anthropic-messages", { system: [{ type: "text" }, { type: "mcp" }] })).toEqual({
      field: "/system/1",
      message: unseen("mcp"),
    });
    expect(faultIn("anthropic-messages", { system: "be kind" })).toBeUndefined();
  });
});
