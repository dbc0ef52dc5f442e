/**
 * Finishes the OpenAPI document: every property and parameter is described and every operation has an example, both by the names of
 * the properties (`openapi-words.ts`), and every request has a name that a generated client can use.
 */
import { words } from "./openapi-words.ts";

/** A JSON schema, as far as is looked at here. */
type Schema = {
  $ref?: string;
  type?: string | readonly string[];
  const?: unknown;
  enum?: readonly unknown[];
  description?: string;
  properties?: Record<string, Schema>;
  required?: readonly string[];
  items?: Schema;
  anyOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  additionalProperties?: Schema | boolean;
  minimum?: number;
};
type Content = Record<string, { schema?: Schema; example?: unknown }>;
type Operation = {
  operationId: string;
  parameters?: { name: string; description?: string }[];
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content }>;
};
type Document = {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};

/** Of fields of which one must be given, the one that examples give. */
const preferred = ["tokens", "max_tokens", "message"];

export function finish(given: unknown): void {
  const document = given as Document;
  for (const operation of operationsOf(document)) {
    const name = `${operation.operationId.charAt(0).toUpperCase()}${operation.operationId.slice(1)}`;
    nameBody(document, operation.requestBody?.content, `${name}Request`);
  }
  describeAll(document, new Set());
  for (const parameter of operationsOf(document).flatMap(({ parameters = [] }) => parameters)) {
    const [description] = words[parameter.name] ?? [];
    if (description !== undefined) parameter.description ??= description;
  }
  for (const operation of operationsOf(document)) {
    const contents = [
      operation.requestBody?.content,
      ...Object.entries(operation.responses).map(([status, { content }]) => (status.startsWith("2") ? content : {})),
    ];
    for (const content of contents) {
      for (const one of Object.values(content ?? {})) {
        if (one.schema !== undefined) one.example = exampleOf(document, one.schema);
      }
    }
  }
}

function operationsOf({ paths }: Document): Operation[] {
  return Object.values(paths).flatMap((methods) => Object.values(methods));
}

/** Moves an object that stands in a request's body among the named schemas; answers have names of their own. */
function nameBody({ components }: Document, content: Content | undefined, name: string): void {
  for (const one of Object.values(content ?? {})) {
    if (one.schema === undefined || one.schema.$ref !== undefined || typeOf(one.schema) !== "object") continue;
    components.schemas[name] = one.schema;
    one.schema = { $ref: `#/components/schemas/${name}` };
  }
}

function describeAll(value: unknown, seen: Set<object>): void {
  if (typeof value !== "object" || value === null || seen.has(value)) return;
  seen.add(value);
  const { properties } = value as Schema;
  if (properties !== undefined && typeOf(value) === "object") {
    for (const [name, schema] of Object.entries(properties)) {
      const [description] = words[name] ?? [];
      // What a named schema is, it says itself.
      if (description !== undefined && schema.$ref === undefined) schema.description ??= description;
    }
  }
  for (const one of Object.values(value)) describeAll(one, seen);
}

function typeOf({ type }: Schema): string | undefined {
  return typeof type === "string" ? type : type?.find((one) => one !== "null");
}

function exampleOf(document: Document, schema: Schema, name = ""): unknown {
  if (schema.$ref !== undefined) {
    const target = document.components.schemas[schema.$ref.split("/").at(-1) ?? ""];
    return target === undefined ? undefined : exampleOf(document, target, name);
  }
  if (schema.const !== undefined) return schema.const;
  const [, example] = words[name] ?? [];
  if (schema.enum !== undefined) return schema.enum.includes(example) ? example : schema.enum[0];
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) {
    if (example === null && options.some(({ type }) => type === "null")) return null;
    const first = options.find(({ type }) => type !== "null");
    return first === undefined ? null : exampleOf(document, first, name);
  }
  if (example !== undefined && isOf(example, schema)) return example;
  switch (typeOf(schema)) {
    case "object":
      return exampleOfObject(document, schema);
    case "array":
      return [exampleOf(document, schema.items ?? {})];
    case "integer":
    case "number":
      return Math.max(1, schema.minimum ?? 1);
    case "boolean":
      return false;
    default:
      return name === "" ? "text" : name;
  }
}

function exampleOfObject(
  document: Document,
  { properties = {}, required = [], additionalProperties }: Schema,
): Record<string, unknown> {
  const shown = Object.entries(properties).filter(([name]) => required.includes(name) || preferred.includes(name));
  const found = Object.fromEntries(shown.map(([name, schema]) => [name, exampleOf(document, schema, name)]));
  return typeof additionalProperties === "object" && shown.length === 0
    ? { researcher: exampleOf(document, additionalProperties) }
    : found;
}

/** Whether the example that goes by the name is of the schema's type: a name may have two. */
function isOf(example: unknown, { type }: Schema): boolean {
  const types = typeof type === "string" ? [type] : (type ?? []);
  if (example === null) return types.includes("null");
  if (Array.isArray(example)) return types.includes("array");
  if (typeof example === "number") return types.includes("number") || types.includes("integer");
  return types.includes(typeof example);
}
