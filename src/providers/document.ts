/**
 * Tokens of a document that is sent inline. A text costs its text; a PDF costs the text and the image
 * of each page. What can't be read is held at the most that a model takes.
 */
import { type Count, estimateTokens } from "./estimate.ts";
import { latin1, pdfIn } from "./pdf.ts";

/** The largest context window of a model: a provider refuses what does not fit, and bills nothing. */
export const documentMost = 1_000_000;

/** The text of a dense page of print: Anthropic says 1,500 to 3,000 tokens. */
export const textOfPage = 3_000;
/** What a character costs at most, where a page has more text than that: random letters cost no more. */
export const tokensOfCharacter = 0.66;

/** Tokens of a document in base64, or in a data URL, if an image costs `image` tokens. */
export function documentTokens(data: string, image: number, count: Count = estimateTokens): number {
  const [head = "", type = ""] = /^data:([^;,]*)[^,]*,/.exec(data) ?? [];
  if (type.startsWith("image/")) return image;
  const bytes = bytesIn(data.slice(head.length));
  if (bytes === undefined) return Math.max(image, count(data));
  if (latin1(bytes.subarray(0, 1_024)).includes("%PDF-")) {
    const pdf = pdfIn(bytes);
    if (pdf === undefined) return documentMost;
    const text = Math.max(textOfPage, Math.ceil(pdf.densest * tokensOfCharacter));
    return Math.min(documentMost, pdf.pages * (image + text));
  }
  const text = textIn(bytes);
  return text === undefined ? documentMost : Math.max(image, count(text));
}

function bytesIn(base64: string): Uint8Array | undefined {
  try {
    const text = atob(base64);
    const bytes = new Uint8Array(text.length);
    for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
    return bytes;
  } catch {
    return undefined;
  }
}

/** The text that `bytes` are; undefined if they are none. */
function textIn(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}
