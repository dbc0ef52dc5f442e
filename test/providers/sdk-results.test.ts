/** What SDKs and agent frameworks give back is booked at what they report, told by its shape. */
import { describe, expect, it } from "vitest";
import { usageOf } from "../../src/providers/sdk-results.ts";
import { settledResults } from "../answers/results.ts";

const none = { cacheRead: 0, cacheWrite: 0, cacheWrite1h: 0, reasoning: 0 };

describe.each(settledResults)("$name", ({ result, usage }) => {
  it(usage === null ? "reports nothing" : "is booked as reported", () => {
    const found = usageOf(result);
    expect(found && { ...none, ...found }).toEqual(usage === null ? undefined : { ...none, ...usage });
  });
});
