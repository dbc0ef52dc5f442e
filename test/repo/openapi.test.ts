/** The API's document: what a public linter says of it, and that it is of the routes that there are. */
import { Validator } from "@cfworker/json-schema";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { describe, expect, it } from "vitest";
import { openApiDocument } from "../../src/http/openapi.ts";
import { routes } from "../../src/http/routes.ts";
import { eventTraits } from "../../src/protocol/events.ts";
import { read } from "../support/tree.ts";

const document = JSON.parse(JSON.stringify(openApiDocument(JSON.parse(read("package.json")).version)));

type Schema = {
  readonly type?: string;
  readonly properties?: object;
  readonly anyOf?: readonly { readonly type?: string }[];
  readonly oneOf?: readonly { readonly type?: string }[];
  readonly enum?: readonly unknown[];
};
type Body = { readonly of: string; readonly schema: Schema; readonly example: unknown };

/** The JSON bodies of requests and of successes. */
const bodies: readonly Body[] = Object.values(
  document.paths as Record<string, Record<string, { operationId: string; requestBody?: object; responses: object }>>,
).flatMap((operations) =>
  Object.values(operations).flatMap(({ operationId, requestBody, responses }) => {
    const success = Object.entries(responses).find(([status]) => status.startsWith("2"))?.[1];
    return [
      [`${operationId} request`, requestBody] as const,
      [`${operationId} response`, success as object | undefined] as const,
    ].flatMap(([of, body]) => {
      const json = Object(Object(body).content)["application/json"];
      return json === undefined ? [] : [{ of, schema: json.schema, example: json.example }];
    });
  }),
);

function allOf<T>(value: unknown, find: (value: Record<string, unknown>) => readonly T[]): T[] {
  if (typeof value !== "object" || value === null) return [];
  return [
    ...(Array.isArray(value) ? [] : find(value as Record<string, unknown>)),
    ...Object.values(value).flatMap((one) => allOf(one, find)),
  ];
}

function isDescribed(schema: unknown): boolean {
  const { $ref, description, anyOf } = schema as { $ref?: string; description?: string; anyOf?: { $ref?: string }[] };
  return description !== undefined || $ref !== undefined || anyOf?.some((one) => one.$ref !== undefined) === true;
}

describe("the OpenAPI document", () => {
  it("is clean to a public linter", async () => {
    const config = await createConfig({ extends: ["recommended-strict"] });
    const all = await lintFromString({ source: JSON.stringify(document), config });
    // Opening a session succeeds with 101, which the rule does not know.
    const problems = all.filter(
      ({ ruleId, location }) => ruleId !== "operation-2xx-response" || !location[0]?.pointer?.includes("session"),
    );
    expect(problems.map(({ ruleId, message, location }) => `${ruleId} ${message} ${location[0]?.pointer}`)).toEqual([]);
  });

  it("lists every route and no other", () => {
    const listed = Object.entries(document.paths as Record<string, object>).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`),
    );
    const there = ["GET /healthz", ...routes.map(({ method, path }) => `${method} ${path}`)];
    expect(listed.toSorted((a, b) => a.localeCompare(b))).toEqual(there.toSorted((a, b) => a.localeCompare(b)));
  });

  it("gives every operation a name of its own", () => {
    const names = Object.values(document.paths as Record<string, Record<string, { operationId: string }>>).flatMap(
      (operations) => Object.values(operations).map(({ operationId }) => operationId),
    );
    expect(new Set(names).size).toBe(names.length);
  });

  it("describes at least nine in ten properties", () => {
    const properties = allOf(document, (value) =>
      value["type"] === "object" ? Object.entries(Object(value["properties"])) : [],
    );
    const bare = properties.filter(([, schema]) => !isDescribed(schema)).map(([name]) => name);
    expect(properties.length).toBeGreaterThan(500);
    expect(bare.length / properties.length, bare.join(" ")).toBeLessThan(0.1);
  });

  it("names every object, union and enum, so that a generated client need not make names up", () => {
    const unnamed = (value: unknown, at: string, isNamed: boolean): string[] => {
      if (typeof value !== "object" || value === null) return [];
      const { properties, anyOf, oneOf, enum: values } = value as Schema;
      const options = (anyOf ?? oneOf ?? []).filter(({ type }) => type !== "null");
      const needsName = Object.keys(properties ?? {}).length > 0 || options.length > 1 || values !== undefined;
      return [
        ...(needsName && !isNamed ? [at] : []),
        ...Object.entries(value).flatMap(([key, one]) =>
          key === "example" ? [] : unnamed(one, `${at}/${key}`, at === "/components/schemas"),
        ),
      ];
    };
    expect(unnamed(document, "", false)).toEqual([]);
  });

  it("says by which field the options of a union are told apart", () => {
    const { schemas } = document.components;
    const unions = Object.entries(schemas as Record<string, { oneOf?: object; discriminator?: object }>).filter(
      ([, { oneOf }]) => oneOf !== undefined,
    );
    expect(unions.length).toBeGreaterThan(5);
    expect(unions.filter(([, { discriminator }]) => discriminator === undefined).map(([name]) => name)).toEqual([]);
    expect(schemas.Event.discriminator.propertyName).toBe("type");
    expect(Object.keys(schemas.Event.discriminator.mapping)).toEqual(Object.keys(eventTraits));
  });

  it("describes numbers and flags of queries as what they are", () => {
    const parameters = allOf(document.paths, (value) => (value["in"] === "query" ? [value] : []));
    const types = new Map(parameters.map(({ name, schema }) => [name, Object(schema).type]));
    expect(types.get("limit")).toBe("integer");
    expect(types.get("until")).toBe("integer");
    expect(types.get("force")).toBe("boolean");
  });

  it("has an example of every body, which its schema takes", () => {
    const wrong = bodies.flatMap(({ of, schema, example }) => {
      if (example === undefined) return [`${of} has none`];
      const { valid, errors } = new Validator(
        { ...(schema as object), components: document.components },
        "2020-12",
      ).validate(example);
      return valid
        ? []
        : [`${of}: ${errors.map(({ instanceLocation, error }) => `${instanceLocation} ${error}`).join("; ")}`];
    });
    expect(wrong).toEqual([]);
  });

  it("has an example of every request that the route takes", () => {
    const wrong = routes.flatMap(({ name, body }) => {
      if (body === undefined) return [];
      const example = bodies.find(({ of }) => of === `${name} request`)?.example;
      const parsed = body.safeParse(example);
      return parsed.success
        ? []
        : [`${name}: ${parsed.error.issues.map(({ path, message }) => `/${path.join("/")} ${message}`).join("; ")}`];
    });
    expect(wrong).toEqual([]);
  });

  it("has a schema for every type of event", () => {
    const { oneOf } = document.components.schemas.Event;
    expect(oneOf).toHaveLength(Object.keys(eventTraits).length);
    for (const { $ref } of oneOf) expect(document.components.schemas).toHaveProperty($ref.split("/").at(-1));
  });

  it("is what the Worker serves", () => {
    expect(JSON.parse(read("dist/assets/openapi.json"))).toEqual(document);
  });
});
