/** The documents as their readers see them: code blocks in order, and what they say is printed. */
import { read } from "./tree.ts";

export type Block = {
  /** Where it stands, as an editor takes it: `README.md:12`. */
  readonly at: string;
  readonly language: string;
  readonly text: string;
  /** The heading (`## …`) that it stands under; "" before the first. */
  readonly heading: string;
};

/** The fenced code blocks of a document. */
export function blocksOf(document: string): readonly Block[] {
  const blocks: Block[] = [];
  let heading = "";
  let open: { at: string; language: string; lines: string[] } | undefined;
  for (const [index, line] of read(document).split("\n").entries()) {
    const [, language] = /^ *```(\w*)$/.exec(line) ?? [];
    if (open === undefined) {
      heading = /^## (.+)$/.exec(line)?.[1] ?? heading;
      if (language !== undefined) open = { at: `${document}:${index + 1}`, language, lines: [] };
    } else if (language === "") {
      blocks.push({ at: open.at, language: open.language, text: `${open.lines.join("\n")}\n`, heading });
      open = undefined;
    } else {
      open.lines.push(line);
    }
  }
  return blocks;
}

/** The shell commands under a heading, a line each, of all its blocks. */
export function commandsUnder(document: string, heading: string): readonly string[] {
  const blocks = blocksOf(document).filter((block) => block.language === "sh" && block.heading === heading);
  if (blocks.length === 0) throw new Error(`${document} has no commands under ${heading}`);
  return blocks.flatMap(({ text }) => text.trim().split("\n"));
}

/** What a block of code promises to print, in the comments beside or below its `console.log`. */
export function promisedBy(text: string): string {
  return [...text.matchAll(/console\.log\(.*?\);(?: \/\/ (.*)|\n((?: *\/\/ .*\n)+))/g)]
    .map(([, beside, below = ""]) => beside ?? below.replaceAll(/^ *\/\/ /gm, ""))
    .join("\n");
}

export const squeeze = (text: string): string => text.replaceAll(/\s+/g, " ").trim();
