/** The bugs that `npm run prove -- --parts bugs` plants: each must still have its one place in the code. */
import { expect, it } from "vitest";
import { bugs } from "../../prove/bugs/bugs.ts";
import { read } from "./tree.ts";

it.each(bugs.map((bug) => [bug.name, bug] as const))("%s: its place is there once", (_, { file, code, becomes }) => {
  expect(read(file).split(code)).toHaveLength(2);
  expect(becomes).not.toBe(code);
});

it("has a name of its own for each bug", () => {
  expect(new Set(bugs.map(({ name }) => name)).size).toBe(bugs.length);
  expect(bugs.length).toBeGreaterThanOrEqual(30);
});
