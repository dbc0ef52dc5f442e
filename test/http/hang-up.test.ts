/** A caller that has gone before its reserve is asked for: the pool hears of that first, and grants nothing. */
import { expect, it } from "vitest";
import { whileConnected } from "../../src/http/hang-up.ts";
import type { Outcome } from "../../src/protocol/commands.ts";
import { anybody, newPool, onlyOne, reserve } from "../pool/stage.ts";

it("grants nothing to a caller that had gone before the pool was asked", async () => {
  const stub = await newPool();
  const outcome = await whileConnected(
    { signal: AbortSignal.abort(), waitUntil: () => undefined },
    async (ticket): Promise<Outcome> => {
      const { outcomes } = await stub.raw.execute(anybody, [reserve("r", "boss", 10)], { wait_ms: 60_000, ticket });
      return onlyOne(outcomes);
    },
    async (ticket) => stub.raw.leave("r", ticket),
  );
  expect(outcome).toMatchObject({ ok: false, refusal: { code: "reservation_settled", state: "released" } });
  expect(await stub.report()).toMatchObject({ result: { held: 0 } });
});
