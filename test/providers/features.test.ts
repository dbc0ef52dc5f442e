/** What of a request costs tokens only, what is priced by use, what stands for content elsewhere, and what is refused. */
import { describe, expect, it } from "vitest";
import type { DialectName } from "../../src/providers/dialect.ts";
import { faultIn, inspected, requestIn } from "../support/requests.ts";

const known: Readonly<Record<DialectName, string>> = {
  "openai-chat": `model messages frequency_penalty function_call functions logit_bias logprobs max_completion_tokens
    max_tokens metadata n parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_options
    prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier stop store stream
    stream_options temperature tool_choice tools top_logprobs top_p user verbosity min_p repetition_penalty top_k`,
  "openai-responses": `model client_metadata input include instructions max_output_tokens max_tool_calls metadata
    parallel_tool_calls prompt_cache_key prompt_cache_options prompt_cache_retention reasoning safety_identifier
    service_tier store stream stream_options temperature text tool_choice tools top_logprobs top_p truncation user
    context_management previous_response_id conversation`,
  "openai-embeddings": "model input dimensions encoding_format user",
  "gemini-generate": "model contents systemInstruction tools toolConfig safetySettings generationConfig labels",
  "anthropic-messages": `model messages max_tokens cache_control inference_geo mcp_servers metadata output_config
    output_format service_tier speed stop_sequences stream system temperature thinking tool_choice tools top_k top_p`,
};
const dialects = Object.keys(known) as DialectName[];
const user = (content: unknown) => [{ role: "user", content }];

describe("a field", () => {
  it.each(dialects.flatMap((dialect) => known[dialect].split(/\s+/).map((name) => [dialect, name] as const)))(
    "of %s is known: %s",
    (dialect, name) => {
      const { refused, unknown } = inspected(dialect, { [name]: name === "model" ? "gpt-5" : "any" });
      expect({ refused, unknown }).toEqual({ refused: undefined, unknown: [] });
    },
  );

  it.each(dialects)("of %s that is not known is named, unless it is off or empty", (dialect) => {
    const message = "is not known to this version of Bursar";
    const { refused, unknown } = inspected(dialect, { surprise: 1, toString: 2, off: null, no: false, none: [] });
    expect(refused).toBeUndefined();
    expect(unknown).toEqual([
      { field: "/surprise", message },
      { field: "/toString", message },
    ]);
  });

  it.each<[DialectName, string, unknown]>([
    ["openai-chat", "modalities", ["text", "audio"]],
    ["openai-chat", "modalities", "text"],
    ["openai-chat", "audio", { voice: "x" }],
    ["openai-chat", "best_of", 2],
    ["openai-chat", "web_search_options", {}],
    ["openai-responses", "background", true],
    ["anthropic-messages", "thread", { type: "create" }],
    ["anthropic-messages", "context_management", { edits: [{ type: "compact_20260112" }] }],
    ["anthropic-messages", "context_management", { edits: "all" }],
    ["anthropic-messages", "container", { skills: [{ skill_id: "pdf" }] }],
  ])("of %s that can't be metered is refused: %s", (dialect, name, value) => {
    expect(faultIn(dialect, { [name]: value })?.field).toBe(`/${name}`);
    expect(faultIn(dialect, { [name]: null })).toBeUndefined();
  });

  it("with a name that no header can hold is named as far as it can", () => {
    const odd = { "\u00fc\n,x": 1, ["y".repeat(500)]: 1 };
    expect(inspected("openai-chat", odd).unknown.map(({ field }) => field)).toEqual(["/???x", `/${"y".repeat(127)}`]);
  });

  it("names as many unknown ones as say what is wrong, and no more", () => {
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`f${at}`, 1]));
    expect(inspected("openai-chat", many).unknown).toHaveLength(16);
  });
});

describe("a model", () => {
  it.each([
    "gpt-4o-search-preview",
    "GPT-4O-SEARCH-PREVIEW",
    "gpt-audio-mini",
    "gpt-realtime",
    "gpt-4o-transcribe",
    "gpt-4o-mini-tts",
    "o3-deep-research",
    "ft:gpt-4o-audio:acme::id",
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
  const own = {
    "openai-responses": `function custom local_shell apply_patch computer computer_use_preview tool_search mcp`,
    "anthropic-messages": `custom bash_20250124 text_editor_20250728 computer_20250124 memory_20250818
      tool_search_tool_regex_20251119 mcp_toolset`,
  } as const;
  const names = Object.entries(own).flatMap(([dialect, types]) => types.split(/\s+/).map((type) => [dialect, type]));

  it.each(names)("of %s that costs tokens only is let in: %s", (dialect = "", type = "") => {
    const { refused, unknown, tools } = inspected(dialect as DialectName, { tools: [{}, { type, name: "x" }] });
    expect({ refused, unknown, tools }).toEqual({ refused: undefined, unknown: [], tools: [] });
  });

  it.each<[DialectName, object, string, number | undefined]>([
    ["openai-responses", { type: "web_search" }, "web_search", undefined],
    ["openai-responses", { type: "web_search_preview_2025_03_11" }, "web_search", undefined],
    ["openai-responses", { type: "file_search", vector_store_ids: ["v"] }, "file_search", undefined],
    ["openai-responses", { type: "code_interpreter" }, "code_interpreter", undefined],
    ["openai-responses", { type: "image_generation" }, "image_generation", undefined],
    ["openai-responses", { type: "shell", environment: { type: "container_auto" } }, "code_interpreter", undefined],
    ["anthropic-messages", { type: "web_search_20250305", max_uses: 3 }, "web_search", 3],
    ["anthropic-messages", { type: "web_fetch_20260209" }, "web_fetch", undefined],
    ["anthropic-messages", { type: "code_execution_20250825" }, "code_execution", undefined],
  ])("of %s that the provider runs is priced by use: %j", (dialect, tool, name, most) => {
    expect(inspected(dialect, { tools: [tool] })).toMatchObject({ refused: undefined, tools: [{ name, most }] });
  });

  it("of the provider's adds what it may find to the prompt, as often as the request allows", () => {
    const prompt = (body: object) => requestIn("openai-responses", { model: "gpt-5", input: "hi", ...body }).prompt;
    const search = { tools: [{ type: "web_search" }] };
    expect(prompt({ ...search, max_tool_calls: 2 }) - prompt({ ...search, max_tool_calls: 1 })).toBe(10_000);
    expect(prompt(search)).toBeGreaterThan(50_000);
  });

  it("that asks another model is refused; one that is not known is named", () => {
    expect(faultIn("anthropic-messages", { tools: [{ type: "advisor_20260301" }] })?.field).toBe("/tools/0/type");
    for (const type of ["hover_board", 5, null]) {
      const { refused, unknown } = inspected("openai-responses", { tools: [{ type: "function" }, { type }] });
      expect(refused).toBeUndefined();
      expect(unknown[0]?.field).toBe("/tools/1/type");
    }
    expect(inspected("openai-responses", { tools: [{ type: "x".repeat(200) }] }).unknown[0]?.message).toContain(
      `${"x".repeat(64)} is`,
    );
  });

  it("is looked for in groups, in items, and in what a search has found", () => {
    const search = { type: "web_search" };
    const group = { type: "namespace", name: "n", tools: [search] };
    for (const body of [
      { tools: [group] },
      { input: [{ type: "additional_tools", tools: [search] }] },
      { input: [{ type: "tool_search_output", tools: [group] }] },
    ]) {
      expect(inspected("openai-responses", body).tools).toEqual([{ name: "web_search", most: undefined }]);
    }
  });

  it("in an object, where a list is due, is refused: so are messages and content", () => {
    const message = "must be an array";
    for (const dialect of ["openai-chat", "openai-responses", "anthropic-messages"] as const) {
      expect(faultIn(dialect, { tools: { 0: { type: "web_search" } } })).toEqual({ field: "/tools", message });
    }
    expect(faultIn("openai-chat", { messages: { 0: {} } })).toEqual({ field: "/messages", message });
    expect(faultIn("openai-responses", { input: { 0: {} } })).toEqual({ field: "/input", message });
    expect(faultIn("anthropic-messages", { system: {} })).toEqual({ field: "/system", message });
    expect(faultIn("openai-chat", { messages: user({}) })).toEqual({ field: "/messages/0/content", message });
  });
});

describe("a request to Gemini", () => {
  const parts = (...all: object[]) => ({ contents: [{ role: "user", parts: all }] });

  it("may have functions, code and pages read; searches are priced by use, and sound is refused", () => {
    const own = [{ functionDeclarations: [{ name: "f" }] }, { codeExecution: {} }, { urlContext: {} }];
    expect(inspected("gemini-generate", { tools: own })).toMatchObject({ refused: undefined, unknown: [], tools: [] });
    const { tools, unknown } = inspected("gemini-generate", { tools: [{ googleSearch: {} }, { hoverBoard: {} }] });
    expect(tools).toEqual([{ name: "google_search", most: undefined }]);
    expect(unknown[0]?.field).toBe("/tools/1/hoverBoard");
    const sound = parts({ inlineData: { mimeType: "audio/wav", data: "AAAA" } });
    expect(faultIn("gemini-generate", sound)?.field).toBe("/contents/0/parts/0");
    const picture = { generationConfig: { responseModalities: ["TEXT", "IMAGE"] } };
    expect(faultIn("gemini-generate", picture)?.field).toBe("/generationConfig/responseModalities");
  });

  it("counts a picture as one, a file of Google's as a reference, and has its limit and answers in its configuration", () => {
    const prompt = (body: object) => requestIn("gemini-generate", body).prompt;
    const picture = { inlineData: { mimeType: "image/png", data: "A".repeat(100_000) } };
    expect(prompt(parts(picture))).toBeLessThan(7_000);
    expect(prompt(parts({ fileData: { fileUri: "https://files/x", mimeType: "application/pdf" } }))).toBeGreaterThan(
      32_000,
    );
    const config = { candidateCount: 2, maxOutputTokens: 70, thinkingConfig: { thinkingBudget: 30 } };
    expect(requestIn("gemini-generate", { ...parts({ text: "hi" }), generationConfig: config })).toMatchObject({
      limit: 70,
      answers: 2,
      thinking: 30,
    });
  });
});

describe("content that only the provider has", () => {
  it.each<[DialectName, object, object]>([
    ["openai-responses", { previous_response_id: "resp_1" }, { kind: "history", id: "resp_1" }],
    ["openai-responses", { conversation: "conv_1" }, { kind: "history", id: "conv_1" }],
    ["openai-responses", { conversation: { id: "conv_1" } }, { kind: "history", id: "conv_1" }],
    ["openai-responses", { prompt: { id: "pmpt_1" } }, { kind: "history", id: "pmpt_1" }],
    ["openai-responses", { input: [{ type: "item_reference", id: "rs_1" }] }, { kind: "item", id: "rs_1" }],
    ["openai-responses", { input: [{ id: "msg_1" }] }, { kind: "item", id: "msg_1" }],
    ["openai-responses", { input: [{ type: "reasoning", id: "rs_1", summary: [] }] }, { kind: "item", id: "rs_1" }],
    [
      "openai-responses",
      { input: [{ type: "message", content: [{ type: "input_file", file_id: "f" }] }] },
      { kind: "file", id: "f" },
    ],
    [
      "openai-responses",
      { input: [{ type: "computer_call_output", output: { type: "computer_screenshot", file_id: "f" } }] },
      { kind: "file", id: "f" },
    ],
    ["openai-chat", { messages: user([{ type: "file", file: { file_id: "f" } }]) }, { kind: "file", id: "f" }],
    [
      "anthropic-messages",
      { messages: user([{ type: "document", source: { type: "url", url: "https://x" } }]) },
      { kind: "file", id: "https://x" },
    ],
    ["anthropic-messages", { messages: user([{ type: "container_upload", file_id: "f" }]) }, { kind: "file", id: "f" }],
  ])("of %s is a reference: %j", (dialect, body, reference) => {
    expect(inspected(dialect, body)).toMatchObject({ refused: undefined, unknown: [], references: [reference] });
    expect(requestIn(dialect, body).prompt).toBeGreaterThan(4_000);
  });

  it.each<[DialectName, object]>([
    ["openai-responses", { input: [{ type: "reasoning", id: "rs_1", encrypted_content: "abc", summary: [] }] }],
    ["openai-responses", { input: [{ type: "web_search_call", id: "ws_1", status: "completed" }] }],
    ["openai-responses", { input: [{ type: "compaction", encrypted_content: "abc" }] }],
    ["openai-responses", { input: [{ type: "agent_message", content: "done" }] }],
    ["openai-chat", { messages: user([{ type: "image_url", image_url: { url: "https://x" } }]) }],
    ["anthropic-messages", { messages: user([{ type: "image", source: { type: "url", url: "https://x" } }]) }],
    ["anthropic-messages", { messages: user([{ type: "search_result", source: "https://x", content: [] }]) }],
    ["anthropic-messages", { messages: user([{ type: "web_search_tool_result", content: [{ type: "x" }] }]) }],
    ["anthropic-messages", { messages: user([{ type: "tool_reference", tool_name: "x" }]) }],
  ])("is not what a request of %s shows: %j", (dialect, body) => {
    expect(inspected(dialect, body)).toMatchObject({ refused: undefined, unknown: [], references: [], tools: [] });
  });

  it("has the size that was remembered of it, and a flat one otherwise", () => {
    const body = { input: [{ type: "item_reference", id: "rs_1" }] };
    const flat = requestIn("openai-responses", body).prompt;
    expect(requestIn("openai-responses", body, (id) => (id === "rs_1" ? 70 : undefined)).prompt).toBe(
      flat - 4_000 + 70,
    );
  });

  it("may not be audio", () => {
    const audio = { messages: [{ role: "assistant", audio: { id: "a" } }] };
    expect(faultIn("openai-chat", audio)?.field).toBe("/messages/0/audio");
    expect(faultIn("openai-chat", { messages: user([{ type: "input_audio" }]) })?.field).toBe("/messages/0/content/0");
    expect(faultIn("openai-chat", { messages: [{ role: "assistant", audio: null }] })).toBeUndefined();
  });
});
