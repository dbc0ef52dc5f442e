/** The size of metadata, counted without making its text. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { metadataBytes } from "../../src/protocol/metadata.ts";

it("is that of its JSON in UTF-8, whatever is in it", () => {
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }));
  fc.assert(
    fc.property(fc.dictionary(text, text), (metadata) => {
      const plain = { ...metadata };
      expect(metadataBytes(plain)).toBe(new TextEncoder().encode(JSON.stringify(plain)).length);
    }),
  );
});

it.each(["", "a", "\u0001", '\n"\\', "é", "語", "😀", "\ud800", "\udc00x", "\ud800\ud800\udc00"])(
  "is that of its JSON in UTF-8: %j",
  (value) => {
    const bytes = new TextEncoder().encode(JSON.stringify({ label: value })).length;
    expect(metadataBytes({ label: value })).toBe(bytes);
  },
);
