/** What Gemini's API takes, and what of it is billed by more than the tokens that can be counted here. */
import type { Body } from "./dialect.ts";
import { type Check, checkFields, checkList, checkModel, freeFields, Inspection } from "./inspection.ts";
import { fieldOf } from "./shape.ts";

/** What is wrong with a request, and what it asks for beside tokens. */
export function inspectGemini(body: Body, model: string): Inspection {
  const found = new Inspection();
  checkModel(model, found);
  checkFields(body, fields, found);
  checkList(body["tools"], "/tools", tool, found);
  checkList(body["contents"], "/contents", content, found);
  return found;
}

const config: Check = (value, field, found) => {
  const modalities = fieldOf(value, "responseModalities") ?? fieldOf(value, "response_modalities");
  if (Array.isArray(modalities) && modalities.some((one) => String(one).toUpperCase() !== "TEXT")) {
    found.refuse(`${field}/responseModalities`, "asks for output other than text, which has prices of its own");
  }
};

const cached: Check = (value, _, found) => found.refersTo("history", value);

const fields: Readonly<Record<string, Check>> = {
  // `model` and `stream` come from the path.
  ...freeFields(`model stream contents systemInstruction system_instruction tools toolConfig tool_config safetySettings
    safety_settings labels store serviceTier service_tier`),
  generationConfig: config,
  generation_config: config,
  cachedContent: cached,
  cached_content: cached,
};

/** Tools of Google's that are billed by use, by what their price is listed as. The others cost tokens. */
const providerTools: Readonly<Record<string, string>> = {
  googleSearch: "google_search",
  google_search: "google_search",
  googleSearchRetrieval: "google_search",
  google_search_retrieval: "google_search",
  googleMaps: "google_maps",
  google_maps: "google_maps",
};
const ownTools =
  /^(functionDeclarations|function_declarations|codeExecution|code_execution|urlContext|url_context|computerUse|computer_use|fileSearch|file_search)$/;

const tool: Check = (value, field, found) => {
  for (const name of Object.keys(typeof value === "object" && value !== null ? value : {})) {
    const priced = providerTools[name];
    if (priced !== undefined) found.runs(priced);
    else if (!ownTools.test(name))
      found.notKnown(`${field}/${name}`, "is not a tool that this version of Bursar knows");
  }
};

const content: Check = (value, field, found) => checkList(fieldOf(value, "parts"), `${field}/parts`, part, found);

const part: Check = (value, field, found) => {
  const inline = fieldOf(value, "inlineData") ?? fieldOf(value, "inline_data");
  const file = fieldOf(value, "fileData") ?? fieldOf(value, "file_data");
  const type = fieldOf(inline ?? file, "mimeType") ?? fieldOf(inline ?? file, "mime_type");
  if (typeof type === "string" && /^(audio|video)\//.test(type)) {
    found.refuse(field, "is audio or video, whose length can't be seen");
  }
  if (file !== undefined) found.refersTo("file", fieldOf(file, "fileUri") ?? fieldOf(file, "file_uri"));
};
