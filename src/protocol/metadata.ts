/** The size of metadata as it is stored: as JSON, in UTF-8. */
import type { Metadata } from "./reservation.ts";

/** Bytes of `JSON.stringify(metadata)` in UTF-8, without making the text. */
export function metadataBytes(metadata: Metadata): number {
  let bytes = 2;
  let count = 0;
  for (const key in metadata) {
    bytes += stringBytes(key) + stringBytes(metadata[key] ?? "") + 1;
    count++;
  }
  return bytes + Math.max(0, count - 1);
}

function stringBytes(text: string): number {
  let bytes = 2;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20) bytes += shortEscapes.has(code) ? 2 : 6;
    else if (code === 0x22 || code === 0x5c) bytes += 2;
    else if (code < 0x80) bytes += 1;
    else if (code < 0x800) bytes += 2;
    else if (code < 0xd800 || code > 0xdfff) bytes += 3;
    else if (isPair(code, text.charCodeAt(i + 1))) {
      bytes += 4;
      i++;
    } else bytes += 6;
  }
  return bytes;
}

/** Half a pair is written as \udXXX. */
function isPair(high: number, low: number): boolean {
  return high < 0xdc00 && low >= 0xdc00 && low <= 0xdfff;
}

/** \b \t \n \f \r; every other control character is \u00XX. */
const shortEscapes = new Set([8, 9, 10, 12, 13]);
