/** What coding agents and agent SDKs send by themselves: fields, tools and items that cost tokens and nothing else. */
import { describe, expect, it } from "vitest";
import { faultIn, inspected, requestIn } from "../support/requests.ts";

const messages = (fields: object) =>
  faultIn("anthropic-messages", { model: "claude-opus-5-5", max_tokens: 50, messages: [], ...fields });
const responses = (fields: object) => faultIn("openai-responses", { model: "gpt-5.5", input: "hi", ...fields });
const own = { type: "function", name: "read_file", parameters: { type: "object" } };

describe("Claude Code", () => {
  it("is let in with all of its first request", () => {
    const body = {
      model: "claude-opus-5-5",
      max_tokens: 128_000,
      stream: true,
      metadata: { user_id: "u" },
      system: [{ type: "text", text: "You are an agent.", cache_control: { type: "ephemeral" } }],
      messages: [
        { role: "user", content: [{ type: "text", text: "hi" }] },
        { role: "system", content: "a reminder" },
      ],
      tools: [
        { name: "Bash", input_schema: { type: "object" } },
        { name: "Rare", defer_loading: true, input_schema: { type: "object" } },
      ],
      thinking: { type: "adaptive", display: "omitted" },
      context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
      output_config: { effort: "high" },
    };
    expect(faultIn("anthropic-messages", body)).toBeUndefined();
  });

  it.each([
    { edits: [] },
    {},
    { edits: [{ type: "clear_tool_uses_20250919", trigger: { type: "input_tokens", value: 5 } }] },
    { edits: [{ type: "clear_thinking_20251015" }, { type: "clear_tool_uses_20250919" }] },
  ])("may clear what was said before: %j", (context_management) => {
    expect(messages({ context_management })).toBeUndefined();
  });

  it.each([
    { edits: [{ type: "compact_20260112" }] },
    { edits: [{ type: "clear_thinking_20251015" }, { type: "summarize" }] },
    { edits: [{ type: "xclear_thinking_20251015" }] },
    { edits: [{}] },
    { edits: "clear_thinking_20251015" },
  ])("may not have it compacted, which is a call of its own: %j", (context_management) => {
    expect(messages({ context_management })).toMatchObject({ field: "/context_management" });
  });

  it("may refer to tools that it has deferred: they are in the request", () => {
    const result = { type: "tool_result", tool_use_id: "t", content: [{ type: "tool_reference", tool_name: "Rare" }] };
    expect(messages({ messages: [{ role: "user", content: [result] }] })).toBeUndefined();
  });

  it("asks for nothing where a field is an empty list", () => {
    expect(messages({ mcp_servers: [] })).toBeUndefined();
    expect(inspected("anthropic-messages", { mcp_servers: [], surprise: [] }).unknown).toEqual([]);
  });
});

describe("Codex", () => {
  it("is let in with its labels, the tools of a turn, and a change of its settings", () => {
    const input = [
      { type: "additional_tools", role: "developer", tools: [own, { type: "custom", name: "apply" }] },
      { type: "configuration_update", reasoning: { effort: "low" } },
      { type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] },
    ];
    expect(responses({ client_metadata: { session: "s" }, input })).toBeUndefined();
  });

  it("may group its own functions, and search among its own tools", () => {
    const namespace = { type: "namespace", name: "agents", description: "d", tools: [own, own] };
    expect(responses({ tools: [own, namespace, { type: "tool_search", execution: "client" }] })).toBeUndefined();
    expect(responses({ tools: [{ type: "shell", environment: { type: "local" } }] })).toBeUndefined();
  });

  it("pays for the tools of a turn as for those of the request", () => {
    const description = "what it does, at length ".repeat(100);
    const tools = [{ ...own, description }];
    const prompt = (body: object) => requestIn("openai-responses", body).prompt;
    const inTools = prompt({ input: "hi", tools });
    expect(
      prompt({
        input: [
          { type: "additional_tools", tools },
          { role: "user", content: "hi" },
        ],
      }),
    ).toBeGreaterThan(0.95 * inTools);
    expect(prompt({ input: "hi", tools: [{ type: "namespace", name: "n", tools }] })).toBeGreaterThan(0.95 * inTools);
  });
});

describe("a tool of OpenAI's own", () => {
  it("is not one that Anthropic is known to take", () => {
    const { unknown } = inspected("anthropic-messages", { tools: [{ type: "namespace", tools: [] }] });
    expect(unknown[0]?.field).toBe("/tools/0/type");
  });
});
