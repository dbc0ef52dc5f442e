import { describe, expect, it } from "vitest";
import { api, must, newPool } from "./api.ts";

describe("the main job, over HTTP", () => {
  it("reserves before a call, commits what was used, and reports it", async () => {
    const pool = await newPool({}, { researcher: { priority: 3, max_tokens: 4_000 }, critic: { max_tokens: 2_000 } });
    const held = await must(
      api("POST", `${pool}/reservations`, { body: { agent: "researcher", tokens: 500, id: "call-1" } }),
    );
    expect(held).toMatchObject({ id: "call-1", state: "held", granted: 500, transfers: [] });
    const done = await must(api("POST", `${pool}/reservations/call-1/commit`, { body: { tokens: 312 } }));
    expect(done).toMatchObject({ id: "call-1", state: "committed", consumed: 312, overage: 0 });
    expect(await must(api("GET", `${pool}/report`))).toMatchObject({
      unit: "tokens",
      total: 6_000,
      agents: {
        researcher: { allocated: 4_000, consumed: 312, remaining: 3_688, held: 0 },
        critic: { allocated: 2_000, consumed: 0, remaining: 2_000 },
      },
    });
    expect(await must(api("GET", `${pool}/audit`))).toMatchObject({ ok: true, findings: [] });
  });

  it("admits exactly ten of 64 concurrent reserves when there is room for ten", async () => {
    const pool = await newPool({}, { swarm: { max_tokens: 1_000 } });
    const replies = await Promise.all(
      Array.from({ length: 64 }, () => api("POST", `${pool}/reservations`, { body: { agent: "swarm", tokens: 100 } })),
    );
    const statuses = replies.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(10);
    expect(statuses.filter((status) => status === 402)).toHaveLength(54);
  });
});
