/** Addresses that a tenant may not have us send to, in every spelling that we know of, and some that it may. */
import { describe, expect, it } from "vitest";
import { originsIn, validateWebhookUrl } from "../../src/webhooks/address.ts";
import { hostile } from "./hostile.ts";

describe("an address that is hostile", () => {
  it.each(hostile)("is refused: %s", (url) => {
    expect(validateWebhookUrl(url, [])).toMatch(/^must/);
  });

  it("is one of at least 150", () => {
    expect(new Set(hostile).size).toBeGreaterThanOrEqual(150);
  });
});

describe("an address that is public", () => {
  it.each([
    "https://hooks.example.com/",
    "https://hooks.example.com:443/a?b=c",
    "https://example.com:8443",
    "https://EXAMPLE.com/x",
    "https://xn--bcher-kva.example.com/",
    "https://bücher.example.com/hook",
    "https://a-b.c-d.example.co.uk/%7Ehook",
    "https://1.2.3.4.example.com/",
    "https://hooks.slack.com/services/T0/B0/X",
    "https://local.example.com/",
    "https://10-0-0-1.example.com/",
  ])("is taken: %s", (url) => {
    expect(validateWebhookUrl(url, [])).toBeUndefined();
  });
});

describe("an origin that the operator allows", () => {
  const allowedOrigins = originsIn(" http://127.0.0.1:9000, https://hooks.corp.internal ");

  it("may be sent to, and no other of the kind", () => {
    expect(validateWebhookUrl("http://127.0.0.1:9000/hook", allowedOrigins)).toBeUndefined();
    expect(validateWebhookUrl("https://hooks.corp.internal/hook", allowedOrigins)).toBeUndefined();
    expect(validateWebhookUrl("http://127.0.0.1:9001/hook", allowedOrigins)).toMatch(/^must/);
    expect(validateWebhookUrl("https://127.0.0.1:9000/hook", allowedOrigins)).toMatch(/^must/);
    expect(validateWebhookUrl("http://user@127.0.0.1:9000/hook", allowedOrigins)).toMatch(/^must/);
  });

  it("is none unless it is set", () => {
    expect(originsIn(undefined)).toEqual([]);
    expect(originsIn("")).toEqual([]);
  });
});
