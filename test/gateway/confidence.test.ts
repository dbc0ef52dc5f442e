/** An agent's gate closes by what its answers state, without a line of code in the agent. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call, type DialectName, dialects, type Stage, settled, startStage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
}, 90_000);
afterAll(() => stage?.stop());

const names = Object.keys(dialects) as DialectName[];
const contract = { confidence_threshold: 0.9, confidence_path: "/confidence" };

describe.each(names)("an answer of %s", (dialect) => {
  it.each([
    ["what it wrote", "stand-in:sure", "/confidence", 0.93],
    ["a header", "stand-in:header", "x-confidence", 0.91],
    // The Responses API's calls of functions are told apart from its text; the stand-in writes text only.
    ...(dialect === "responses" ? [] : [["the tool that it calls", "stand-in:tool", "/confidence", 0.97] as const]),
  ] as const)("closes the gate by %s, whole and streamed", async (_, model, path, confidence) => {
    for (const stream of [false, true]) {
      const { pool, key } = await stage.newPool({ ...contract, confidence_path: path });
      await (await call(stage, key, dialect, model, { body: { stream } })).text();
      expect(await settled(pool)).toMatchObject({ gate: "closed", confidence });
      const refused = await call(stage, key, dialect, model);
      expect([refused.status, await refused.json()]).toEqual([
        402,
        expect.objectContaining({
          error: expect.objectContaining({ bursar: expect.objectContaining({ code: "confidence_reached" }) }),
        }),
      ]);
    }
  });

  it("that states none leaves the gate open", async () => {
    for (const [model, path] of [
      ["stand-in", "/confidence"],
      ["stand-in:sure", "/nowhere"],
      ["stand-in:sure", "/answer"],
      ["stand-in", "x-confidence"],
    ] as const) {
      const { pool, key } = await stage.newPool({ ...contract, confidence_path: path });
      await (await call(stage, key, dialect, model, { body: { stream: true } })).text();
      expect(await settled(pool)).toMatchObject({ gate: "open", confidence: null });
    }
  });

  it("that breaks off has stated none, however sure it was", async () => {
    const { pool, key } = await stage.newPool(contract);
    const cut = { chat: 4, responses: 7, messages: 6 }[dialect];
    await (
      await call(stage, key, dialect, `stand-in:sure:cut-${cut}`, { body: { stream: true } })
    )
      .text()
      .catch(() => "");
    expect(await settled(pool)).toMatchObject({ gate: "open", confidence: null });
  });
});

describe("a contract without a path", () => {
  it("takes no confidence from an answer", async () => {
    const { pool, key } = await stage.newPool({ confidence_threshold: 0.5 });
    await (await call(stage, key, "chat", "stand-in:sure")).text();
    expect(await settled(pool)).toMatchObject({ gate: "open", confidence: null });
  });
});
