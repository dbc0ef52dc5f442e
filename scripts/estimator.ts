/**
 * `npm run estimator`: how far estimates are above what the real tokenizers count, for every class of text, written to
 * docs/estimator.md. `-- --seeds 1000` looks at more texts.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { documentMost, textOfPage, tokensOfCharacter } from "../src/providers/document.ts";
import { estimateTokens, learn } from "../src/providers/estimate.ts";
import { vocabulary } from "../src/providers/vocabulary.ts";
import { languages } from "../test/support/languages.ts";
import { ordinary } from "../test/support/ordinary.ts";
import { randomOf } from "../test/support/random.ts";
import { classes, mixtureOf } from "../test/support/texts.ts";
import { countedBy, type Tokenizer, tokenizers } from "../test/support/tokenizers.ts";
import { root } from "../test/support/tree.ts";
import { mergedTokens, merges } from "../test/support/vocabulary.ts";

const { values } = parseArgs({ options: { seeds: { type: "string", default: "100" } } });
const seeds = Number(values.seeds);

/** Least and greatest of estimate / count, by tokenizer. */
type Range = Record<Tokenizer, { least: number; greatest: number }>;

function rangeOf(texts: readonly string[]): Range {
  const estimates = texts.map(estimateTokens);
  const ranges = tokenizers.map((name) => {
    const ratios = texts.map((text, nth) => (estimates[nth] ?? 0) / countedBy(name, text));
    return [name, { least: Math.min(...ratios), greatest: Math.max(...ratios) }] as const;
  });
  return Object.fromEntries(ranges) as Range;
}

/** Rounded down, so that no figure looks better than it is. */
const shown = (ratio: number): string => (Math.floor(ratio * 100) / 100).toFixed(2);
const span = ({ least, greatest }: Range[Tokenizer]): string =>
  least === greatest ? shown(least) : `${shown(least)}–${shown(greatest)}`;
const row = (name: string, range: Range): string =>
  `| ${[name, ...tokenizers.map((tokenizer) => span(range[tokenizer]))].join(" | ")} |`;
const table = (first: string, rows: readonly string[]): string =>
  [`| ${[first, ...tokenizers].join(" | ")} |`, `|---|${tokenizers.map(() => "---|").join("")}`, ...rows].join("\n");

const numbers = Array.from({ length: seeds }, (_, nth) => nth + 1);

/** Called before anything is awaited, when only the beginning of the vocabulary is there. */
function excess(): string {
  const [first, whole] = [new Map<string, string>(), new Map<string, string>()];
  const measure = (into: Map<string, string>): void => {
    for (const [name, text] of Object.entries(ordinary)) {
      into.set(name, (Math.ceil((100 * estimateTokens(text)) / countedBy("o200k_base", text)) / 100).toFixed(2));
    }
  };
  measure(first);
  learn(vocabulary);
  measure(whole);
  return [
    "| text | the vocabulary | only its beginning |",
    "|---|---|---|",
    ...[...whole].map(([name, ratio]) => `| ${name} | ${ratio} | ${first.get(name)} |`),
  ].join("\n");
}

/** What an attacker finds who knows the vocabulary: its tokens, joined at random, that cost the most for their estimate. */
function attack(seed: number, tries: number): string {
  const random = randomOf(seed);
  const tokens = mergedTokens()
    .slice(0, merges.vocabulary)
    .map((token) => Buffer.from(token, "latin1").toString("utf8"))
    .filter((token) => !token.includes("\ufffd"));
  const worst = new Map(tokenizers.map((name) => [name, { ratio: 0, text: "" }]));
  for (let nth = 0; nth < tries; nth++) {
    const count = 1 + Math.floor(random() * 4);
    const text = Array.from({ length: count }, () => tokens[Math.floor(random() * tokens.length)]).join("");
    const often = text.repeat(20);
    const estimate = estimateTokens(often);
    for (const name of tokenizers) {
      const ratio = countedBy(name, often) / estimate;
      if (ratio > (worst.get(name)?.ratio ?? 0)) worst.set(name, { ratio, text });
    }
  }
  const lines = [...worst].map(
    ([name, { ratio, text }]) =>
      `| ${name} | ${(Math.ceil(ratio * 100) / 100).toFixed(2)} | \`${JSON.stringify(text)}\` |`,
  );
  return ["| tokenizer | count / estimate, at most | of |", "|---|---|---|", ...lines].join("\n");
}

const excesses = excess();
const classRows = Object.entries(classes).map(([name, make]) =>
  row(name, rangeOf(numbers.map((seed) => make(randomOf(seed))))),
);
const languageRows = Object.entries(languages).map(([name, text]) => row(name, rangeOf([text])));
const mixtureRow = row("mixtures of all classes and languages", rangeOf(numbers.map((seed) => mixtureOf(seed))));

const report = `# Estimates of tokens

<!-- Written by \`npm run estimator\`. -->

Bursar holds what a prompt may cost before the prompt is sent. The providers' own tokenizers are too large for
the edge, and slow on hostile text, so Bursar counts an upper bound (\`src/providers/estimate.ts\`).

OpenAI's tokenizer, o200k_base, splits a text into pieces and merges the bytes of each piece by a list of
${mergedTokens().length.toLocaleString("en")} tokens, the earliest in the list first. The estimator does the
same with the first ${merges.vocabulary.toLocaleString("en")} of them. Every later merge makes two tokens one,
so the estimate is never below the tokenizer's count. For o200k_base this is a proof; the figures below only
show how tight it is. Each token is charged what its bytes cost in cl100k_base, which older models and
embeddings use, and, beyond ASCII, in the one tokenizer that Anthropic has published. For these two, the
figures below are all the evidence there is. A piece of more than 128 bytes is charged one token for each
byte, which keeps the time linear.

The client carries the first ${merges.start} merges only, which give a bound as well, but a higher one, and
loads the rest in the background, as a file of its own.

The column \`claude\` is the published tokenizer, of Claude 2. Estimates for Claude's models are multiplied by
a factor (\`src/providers/request.ts\`), which these figures leave out.

## How much too much is held

Estimate / count of o200k_base, for ordinary texts (\`test/support/ordinary.ts\`):

${excesses}

## How much is held at least

Least and greatest estimate / count, for ${seeds} random texts of each class (\`test/support/texts.ts\`):

${table("class", [...classRows, mixtureRow])}

## Languages

Estimate / count of Article 1 of the Universal Declaration of Human Rights:

${table("language", languageRows)}

## Against an attacker who knows the vocabulary

${(200 * seeds).toLocaleString("en")} texts, each of up to four tokens of the vocabulary, joined at random and repeated:

${attack(1, 200 * seeds)}

Against o200k_base there is nothing to find. A text that is chosen against cl100k_base or Claude's tokenizer
may cost as many times its estimate as the table says, before the factor of Claude's models.

## Documents

| what is sent inline | what is held (\`src/providers/document.ts\`) |
|---|---|
| a PDF | for each page an image and ${textOfPage.toLocaleString("en")} tokens of text, or ${tokensOfCharacter} for each character of the densest stream, if that is more |
| a PDF that is encrypted, damaged, compressed in a rare way or slow to read | ${documentMost.toLocaleString("en")} tokens: the largest window of a model |
| a text (CSV, Markdown, source code) | the estimate of its text, and an image at least |
| any other file | ${documentMost.toLocaleString("en")} tokens |

Pages are counted in the file and in its compressed streams: those that are there, those that the page tree
counts, and those that it lists, whichever is most. Text that a PDF draws many times by one stream nested in
others, or whose characters stand for long strings, may cost more than is held.
`;
writeFileSync(join(root, "docs/estimator.md"), report);
console.info(report);
