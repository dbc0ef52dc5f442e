/** The API's document: what a public linter says of it, and that it is of the routes that there are. */
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { describe, expect, it } from "vitest";
import { openApiDocument } from "../../src/http/openapi.ts";
import { routes } from "../../src/http/routes.ts";
import { read } from "./tree.ts";

const document = JSON.parse(JSON.stringify(openApiDocument(JSON.parse(read("package.json")).version)));

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

  it("is what the Worker serves", () => {
    expect(JSON.parse(read("dist/assets/openapi.json"))).toEqual(document);
  });
});
