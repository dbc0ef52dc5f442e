/** What Anthropic's messages take, and what of it is billed by more than the tokens that can be counted here. */
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
  shown,
} from "./inspection.ts";
import { countOf, fieldOf } from "./shape.ts";

/** What is wrong with a request, and what it asks for beside tokens. */
export function inspectMessage(body: Body, model: string): Inspection {
  const found = new Inspection();
  checkModel(model, found);
  checkFields(body, fields, found);
  checkList(body["tools"], "/tools", tool, found);
  checkList(body["messages"], "/messages", message, found);
  checkList(body["system"], "/system", part, found);
  return found;
}

const fields: Readonly<Record<string, Check>> = {
  ...freeFields(`model messages max_tokens cache_control diagnostics inference_geo mcp_servers metadata output_config
    output_format service_tier speed stop_sequences stream system temperature thinking tool_choice tools top_k top_p`),
  // Clearing what was said before lowers the input; compacting it is a call of its own, which is billed besides.
  context_management: (value, field, found) => {
    const edits = fieldOf(value, "edits") ?? [];
    const isClear = (edit: unknown): boolean => /^clear_[a-z_]+_\d{8}$/.test(String(fieldOf(edit, "type")));
    if (!Array.isArray(edits) || !edits.every(isClear)) {
      found.refuse(field, "may only have edits that clear: compacting is a call of its own");
    }
  },
  container: (value, field, found) => {
    if (fieldOf(value, "skills") === undefined) return free(value, field, found);
    found.refuse(field, "has skills, which run in a container that is billed by time");
  },
  workspace_id: (_, field, found) => found.refuse(field, "chooses the account that pays"),
  // The SDK's tool runner goes on without one where the provider says that it has none.
  thread: (_, field, found) => found.refuse(field, "is not supported: its history is kept by the provider"),
};

/** Tools that the caller runs, and tools of the provider's that cost tokens only. */
const ownTools = /^(custom|(bash|text_editor|computer|memory)_\d{8}|tool_search_tool_[a-z0-9_]+|mcp_toolset)$/;
const providerTools = /^(web_search|web_fetch|code_execution)_\d{8}$/;

const tool: Check = (value, field, found) => {
  const type = fieldOf(value, "type");
  if (type === undefined) return;
  if (typeof type === "string" && ownTools.test(type)) return;
  const [, name] = typeof type === "string" ? (providerTools.exec(type) ?? []) : [];
  if (name !== undefined) return found.runs(name, countOf(value, "max_uses"));
  if (typeof type === "string" && type.startsWith("advisor_")) {
    return found.refuse(`${field}/type`, "asks another model, at that model's price");
  }
  found.notKnown(`${field}/type`, `${shown(type)} is not a tool that this version of Bursar knows`);
};

const message: Check = (value, field, found) => checkList(fieldOf(value, "content"), `${field}/content`, part, found);

const part: Check = (value, field, found) => {
  const type = fieldOf(value, "type");
  if (type === "container_upload") return found.refersTo("file", fieldOf(value, "file_id"));
  const source = fieldOf(value, "source");
  // A search result's source is its name.
  if (type !== "search_result") checkFile(source, type === "image", found);
  // What tools gave back may be one object, which is text.
  const content = fieldOf(value, "content");
  if (Array.isArray(content) || type === "tool_result") checkList(content, `${field}/content`, part, found);
  checkList(fieldOf(source, "content"), `${field}/source/content`, part, found);
};
