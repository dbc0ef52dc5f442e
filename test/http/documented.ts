/** Holds every real answer of this folder's tests against the OpenAPI document. */
import { type Schema, Validator } from "@cfworker/json-schema";
import { openApiDocument } from "../../src/http/openapi.ts";

const document = JSON.parse(JSON.stringify(openApiDocument("0.0.0")));
const validators = new Map<string, Validator>();

/** What the document does not say of this answer; nothing if it is as documented. */
export function undocumented(method: string, path: string, status: number, media: string, body: unknown): string[] {
  const template = templateOf(path);
  const operation = template === undefined ? undefined : document.paths[template][method.toLowerCase()];
  // Where there is no route, or not for this method, there is nothing to document but the problem itself.
  const schema =
    operation === undefined
      ? { $ref: "#/components/schemas/Problem" }
      : operation.responses[String(status)]?.content?.[media]?.schema;
  if (schema === undefined) return [`${method} ${template} does not document ${status} with ${media}`];
  const { valid, errors } = validatorOf(schema).validate(body);
  return valid
    ? []
    : errors.map(({ instanceLocation, error }) => `${method} ${template} ${status} ${instanceLocation}: ${error}`);
}

function validatorOf(schema: object): Validator {
  const key = JSON.stringify(schema);
  const known = validators.get(key);
  if (known !== undefined) return known;
  const whole: Schema = { ...schema, components: document.components };
  const validator = new Validator(whole, "2020-12", false);
  validators.set(key, validator);
  return validator;
}

function templateOf(path: string): string | undefined {
  return Object.keys(document.paths).find((template) =>
    new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path),
  );
}
