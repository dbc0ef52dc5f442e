/** Documents that are sent inline: PDFs by their pages, texts by their text, and what can't be read by the most it can be. */
import { deflateRawSync, deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { contentTokens, imageTokensOf } from "../../src/providers/content.ts";
import { documentMost, documentTokens } from "../../src/providers/document.ts";
import { estimateTokens } from "../../src/providers/estimate.ts";
import { inflate } from "../../src/providers/inflate.ts";
import { pdfIn } from "../../src/providers/pdf.ts";
import { randomOf } from "../support/random.ts";

const image = 5_000;
const page = image + 3_000;

const base64 = (text: string): string => Buffer.from(text, "latin1").toString("base64");
const flate = (text: string): string => deflateSync(Buffer.from(text, "latin1")).toString("latin1");
const pdf = (...objects: string[]): string =>
  `%PDF-1.7\n${objects.map((object, nth) => `${nth + 1} 0 obj\n${object}\nendobj`).join("\n")}\ntrailer<</Root 1 0 R>>`;
const stream = (data: string, more = "/Filter/FlateDecode"): string =>
  `<<${more}/Length ${data.length}>>\nstream\n${data}\nendstream`;
const tokens = (text: string): number => documentTokens(base64(text), image);
const pagesOf = (text: string): number | undefined => pdfIn(Buffer.from(text, "latin1"))?.pages;

const catalog = "<</Type/Catalog/Pages 2 0 R>>";
const nodeOf = (kids: number, count = kids): string =>
  `<</Type /Pages /Count ${count} /Kids [${Array.from({ length: kids }, (_, nth) => `${nth + 3} 0 R`).join(" ")}]>>`;
const pagesFrom = (first: number, count: number): string[] =>
  Array.from({ length: count }, () => `<</Type /Page /Parent 2 0 R /Contents ${first} 0 R>>`);
const shows = (text: string): string => `BT /F1 9 Tf (${text}) Tj ET`;

describe("a PDF", () => {
  it("of a hundred pages that share one small stream is held by its pages", () => {
    const bomb = pdf(catalog, nodeOf(100), ...pagesFrom(103, 100), stream(flate(shows("word ".repeat(500)))));
    expect(bomb.length).toBeLessThan(20_000);
    expect(tokens(bomb)).toBe(100 * page);
    expect(documentTokens(`data:application/pdf;base64,${base64(bomb)}`, image)).toBe(100 * page);
  });

  it.each([
    ["in plain objects", pdf(catalog, nodeOf(3), ...pagesFrom(9, 3)), 3],
    [
      "in an object stream",
      pdf(catalog, stream(flate([nodeOf(3), ...pagesFrom(9, 3)].join(" ")), "/Type/ObjStm/Filter/FlateDecode")),
      3,
    ],
    ["in a stream that doesn't say that it holds objects", pdf(catalog, stream(flate(nodeOf(7)))), 7],
    [
      "counted, but nowhere to be seen",
      pdf(catalog, "<</Count 40/Kids[3 0 R]/Type/Pages>>", pagesFrom(9, 1)[0] ?? ""),
      40,
    ],
    [
      "listed again and again, though counted once",
      pdf(catalog, `<</Type/Pages/Count 1/Kids[${"3 0 R ".repeat(60)}]>>`),
      60,
    ],
    ["in a tree of nodes", pdf(catalog, nodeOf(2, 4), nodeOf(2), nodeOf(2), ...pagesFrom(9, 4)), 4],
    ["there, though counted less", pdf(catalog, nodeOf(1), ...pagesFrom(9, 5)), 5],
    ["by names that are written by codes", pdf(catalog, "<</T#79pe/#50ages/Co#75nt 8/Kids[3 0 R]>>"), 8],
    [
      "round dictionaries of their own",
      pdf(catalog, "<</Resources<</Font<</F1 9 0 R>>>>/Kids[3 0 R]/Type/Pages/X<</Y 1>>/Count 9>>"),
      9,
    ],
    [
      "but for the entries of an outline",
      pdf(catalog, nodeOf(2), ...pagesFrom(9, 2), "<</Type/Outlines/Count 500>>"),
      2,
    ],
  ])("has the pages that are %s", (_, file, pages) => expect(pagesOf(file)).toBe(pages));

  it("is as dense as the densest of its streams, where that shows more than print does", () => {
    const dense = pdf(catalog, nodeOf(2), ...pagesFrom(5, 2), stream(flate(shows("x".repeat(100_000)))));
    expect(tokens(dense)).toBe(2 * (image + 66_000));
    const coded = pdf(catalog, nodeOf(1), ...pagesFrom(4, 1), stream(flate(`BT <${"0041".repeat(20_000)}> Tj ET`)));
    expect(tokens(coded)).toBeGreaterThan(image + 20_000);
    const plain = pdf(catalog, nodeOf(1), ...pagesFrom(4, 1), stream(shows("x".repeat(100_000)), ""));
    expect(tokens(plain)).toBe(image + 66_000);
  });

  it("may have its streams in base 85, as some libraries write them", () => {
    const data = deflateSync(Buffer.from(shows("x".repeat(50_000))));
    expect(
      tokens(
        pdf(
          catalog,
          nodeOf(1),
          ...pagesFrom(4, 1),
          stream(`${ascii85(data)}~>`, "/Filter[/ASCII85Decode/FlateDecode]"),
        ),
      ),
    ).toBe(image + 33_000);
  });

  it("may have images and fonts, which are not looked into", () => {
    const picture = stream("not deflated", "/Subtype/Image/Filter/FlateDecode");
    const font = stream("not deflated", "/Length1 12/Filter/FlateDecode");
    expect(tokens(pdf(catalog, nodeOf(1), ...pagesFrom(4, 1), picture, font))).toBe(page);
  });

  it.each([
    ["is encrypted", `${pdf(catalog, nodeOf(1), ...pagesFrom(4, 1))}<</Encrypt 9 0 R>>`],
    ["says so by a code", `${pdf(catalog, nodeOf(1), ...pagesFrom(4, 1))}<</Encr#79pt 9 0 R>>`],
    ["has a stream that is damaged", pdf(catalog, nodeOf(1), ...pagesFrom(4, 1), stream("not deflated"))],
    ["is compressed by what is rare", pdf(catalog, nodeOf(1), ...pagesFrom(4, 1), stream("x", "/Filter/LZWDecode"))],
    [
      "hides objects as an image",
      pdf(catalog, nodeOf(1), stream("x", "/Type/ObjStm/Subtype/Image/Filter/FlateDecode")),
    ],
    ["has no pages", pdf(catalog)],
    ["counts its pages elsewhere", pdf(catalog, "<</Type/Pages/Count 7 0 R/Kids[3 0 R]>>", ...pagesFrom(4, 1))],
    ["lists its pages elsewhere", pdf(catalog, "<</Type/Pages/Count 1/Kids 7 0 R>>", ...pagesFrom(4, 1))],
    ["becomes too large", pdf(catalog, nodeOf(1), ...pagesFrom(4, 1), stream(flate("0".repeat(17_000_000))))],
    ["has too many streams", `%PDF-1.7 ${"obj<<>>stream\n".repeat(10_001)}`],
    ["has too many nodes", pdf(catalog, ...Array.from({ length: 501 }, () => nodeOf(1)))],
    ["has a stream of nothing that goes on", pdf(catalog, nodeOf(1), stream(nothing(2_000)))],
  ])("that %s is held by the most that a document can be", (_, file) => expect(tokens(file)).toBe(documentMost));

  it("costs no more than the most, however many pages it counts", () => {
    expect(tokens(pdf(catalog, nodeOf(1, 9_999)))).toBe(documentMost);
  });
});

describe("another document", () => {
  it("is held by its text", () => {
    const text = "Überschrift; Name; Betrag\n".repeat(2_000);
    const data = Buffer.from(text).toString("base64");
    expect(documentTokens(data, image)).toBe(estimateTokens(text));
    expect(documentTokens(`data:text/csv;base64,${data}`, image)).toBe(estimateTokens(text));
    expect(documentTokens("AAAA", image)).toBe(documentMost);
  });

  it("costs at least what a page is looked at for, and at least what it is as text where it is no base64", () => {
    expect(documentTokens(base64("one"), image)).toBe(image);
    const text = "this is not base64! ".repeat(5_000);
    expect(documentTokens(text, image)).toBe(estimateTokens(text));
  });

  it("is an image where it says so", () => {
    expect(documentTokens(`data:image/png;base64,${"A".repeat(400_000)}`, image)).toBe(image);
  });

  it("that is packed can't be counted, and is held by the most that it can be", () => {
    expect(documentTokens(base64("PK\u0003\u0004\u0000\u0000"), image)).toBe(documentMost);
  });

  it("is found wherever a message may have one", () => {
    const data = base64(pdf(catalog, nodeOf(4), ...pagesFrom(9, 4)));
    for (const part of [
      { type: "file", file: { file_data: `data:application/pdf;base64,${data}` } },
      { type: "input_file", file_data: data },
      { type: "document", source: { type: "base64", media_type: "application/pdf", data } },
    ]) {
      const held = contentTokens([part], image);
      expect(held).toBeGreaterThanOrEqual(4 * page);
      expect(held).toBeLessThan(4 * page + 100);
    }
  });
});

describe("an image", () => {
  it.each([
    ["gpt-4o-mini", 50_000],
    ["ft:gpt-4o-mini-2024-07-18:org::id", 50_000],
    ["openai/gpt-4o-mini", 50_000],
    ["openrouter/openai/gpt-4o-mini:online", 50_000],
    ["azure/gpt-4o-mini", 50_000],
    ["GPT-4o-Mini", 50_000],
    ["our-gpt4o-mini", 50_000],
    ["openai/gpt-5.4", 12_000],
    ["ft:gpt-5.6-2026-08-01:org::id", 12_000],
    ["gpt-5.10", 12_000],
    ["azure/gpt-6", 12_000],
    ["gpt-12-pro", 12_000],
    ["gpt-4o", 5_000],
    ["gpt-5-mini", 5_000],
    ["gpt-5.2-2026-01-01", 5_000],
    ["gpt-35-turbo", 5_000],
    ["claude-opus-5", 5_000],
    ["", 5_000],
  ])("of %s is held by %i tokens", (model, held) => expect(imageTokensOf(model)).toBe(held));
});

describe("what is deflated", () => {
  it("is inflated as it was, whatever it is and however it was done", () => {
    const random = randomOf(7);
    for (let nth = 0; nth < 60; nth++) {
      const variety = 1 + Math.floor(random() * 255);
      const length = Math.floor(random() ** 3 * 200_000);
      const data = Buffer.from(Array.from({ length }, () => Math.floor(random() * variety)));
      const options = { level: nth % 10, strategy: nth % 5 };
      expect(Buffer.from(inflate(deflateSync(data, options), 1e6) ?? [1]).equals(data)).toBe(true);
    }
  });

  it("is nothing where it is damaged, cut short, or longer than is wanted", () => {
    const whole = deflateSync(Buffer.from("some text that is repeated, some text that is repeated"));
    expect(inflate(whole, 54)?.length).toBe(54);
    expect(inflate(whole, 53)).toBeUndefined();
    expect(inflate(whole.subarray(0, 20), 1_000)).toBeUndefined();
    expect(inflate(Buffer.alloc(0), 1_000)).toBeUndefined();
    const random = randomOf(11);
    for (let nth = 0; nth < 500; nth++) {
      const noise = Buffer.from(Array.from({ length: 200 }, () => Math.floor(random() * 256)));
      expect(inflate(noise, 10_000)?.length ?? 0).toBeLessThanOrEqual(10_000);
    }
  });
});

function ascii85(data: Buffer): string {
  let text = "";
  for (let at = 0; at < data.length; at += 4) {
    const group = Buffer.concat([data.subarray(at, at + 4), Buffer.alloc(4)]).subarray(0, 4);
    let value = group.readUInt32BE();
    let letters = "";
    for (let digit = 0; digit < 5; digit++) {
      letters = String.fromCharCode(33 + (value % 85)) + letters;
      value = Math.floor(value / 85);
    }
    text += letters.slice(0, 1 + Math.min(4, data.length - at));
  }
  return text;
}

/** Deflated: blocks that hold nothing, `count` of them, and an end. */
function nothing(count: number): string {
  const block = deflateRawSync(Buffer.alloc(0), { level: 0 });
  const open = Buffer.from(block);
  open[0] = 0;
  return Buffer.concat([Buffer.from([0x78, 0x9c]), ...Array.from({ length: count }, () => open), block]).toString(
    "latin1",
  );
}

describe("content", () => {
  it("is counted by another tokenizer, where one is given, all of it", () => {
    const counted: string[] = [];
    const count = (text: string): number => {
      counted.push(text);
      return 0;
    };
    const parts = [
      { type: "text", text: "first" },
      { type: "image_url", image_url: { url: "x", caption: "second" } },
      { type: "document", source: { type: "text", data: "third" }, title: ["fourth", 5] },
      { type: "document", source: { type: "content", content: "sixth" } },
      { type: "document", source: { type: "base64", data: base64("seventh"), more: "eighth" } },
      { type: "file", file: { filename: "ninth", file_data: base64("tenth") } },
      { type: "tool_result", content: [{ type: "text", text: "eleventh" }] },
    ];
    expect(contentTokens(parts, 0, 64, count)).toBeLessThan(50);
    for (const text of "first second third sixth seventh eighth ninth tenth eleventh".split(" ")) {
      expect(counted).toContain(text);
    }
    expect(counted).toContain('["fourth",5]');
  });
});
