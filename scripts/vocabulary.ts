/**
 * Part of `npm run build`: writes what the estimator knows of o200k_base, the vocabulary of OpenAI's models, as the
 * package `tiktoken` (MIT, OpenAI) has it: `src/providers/vocabulary.ts`, and the beginning of it that every client
 * carries, `src/providers/vocabulary-start.ts`. Like the prices they are built, not kept in the repository.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Vocabulary } from "../src/providers/estimate.ts";
import { merges, tableOf } from "../test/support/vocabulary.ts";

const providers = join(import.meta.dirname, "../src/providers");

const origin = `/**
 * Written by \`npm run build\`. Made of o200k_base, which the package tiktoken carries: MIT,
 * Copyright (c) 2022 OpenAI, Shantanu Jain.
 */`;

export function writeVocabulary(): void {
  const start = { ...tableOf(merges.start), pieces: "" };
  write("vocabulary", "vocabulary", tableOf(merges.vocabulary));
  write("vocabulary-start", "start", start);
}

/**
 * Writes a table, unless that is what is there: `npx bursar` builds each time, and a file that seems changed would make
 * `wrangler dev` start the Worker anew.
 */
function write(file: string, name: string, table: Vocabulary): void {
  const path = join(providers, `${file}.ts`);
  const fields = Object.entries(table).map(([key, text]) => `  ${key}:\n    ${JSON.stringify(text)},\n`);
  const text = `${origin}\nexport const ${name} = {\n${fields.join("")}};\n`;
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
}

if (process.argv[1] === import.meta.filename) writeVocabulary();
