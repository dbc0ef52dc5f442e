/**
 * Estimates the tokens of a text without a tokenizer: one pass over its characters, by class. Linear whatever the
 * text is; exact byte-pair encoders take seconds on hostile input (200 kB of spaces: 16 s), which would be a way to
 * stop a governor. Weights were fitted against o200k on Markdown, TypeScript, JSON and JavaScript, and then rounded
 * up: a reservation that is a little too large returns its rest, one that is too small becomes an overage.
 */

/** Tokens per run or per character of each class. */
const weights = {
  /** A run of letters of one case pattern, such as `word` or `Word`: mostly one token with the space before it. */
  word: 0.95,
  /** … or inside an identifier, a hash or base64, where no vocabulary helps. */
  fragment: 1.4,
  /** Each letter of a run beyond the eighth … */
  longLetter: 0.125,
  /** … and beyond the twentieth, where no language has words. */
  randomLetter: 0.5,
  /** Up to three digits. */
  digits: 1.25,
  /** A run of white space that is more than the one space before a word. */
  space: 0.8,
  spaceChar: 0.01,
  /** … and where it changes its kind, from tabs to line breaks for example. */
  spaceChange: 0.6,
  /** A run of ASCII punctuation, and each character of it after the first. */
  punctuation: 1.1,
  punctuationChar: 0.1,
  /** … and where it changes; beyond the fourth change, where no language has such a sign. */
  punctuationChange: 0.2,
  randomPunctuation: 0.8,
  /** A character that controls something, and has no look. */
  control: 1,
  /** Per UTF-16 unit of other scripts. */
  latin: 0.4,
  cyrillic: 0.45,
  /** Arabic, Hebrew, Devanagari, Thai and their neighbours. */
  abugida: 0.6,
  /** Chinese, Japanese, Korean. */
  east: 0.95,
  /** Typographic signs. */
  sign: 1,
  /** Emoji: halves of pairs. */
  pair: 1,
  /** Scripts that vocabularies hardly know: several bytes, each a token. */
  rare: 2.5,
} as const;

const lettersInWord = 8;
const lettersAtMost = 20;
const changesInSign = 4;

/** Estimated tokens of `text`, rounded up. An empty text has none. */
export function estimateTokens(text: string): number {
  let tokens = 0;
  let afterBreak = true;
  for (let i = 0; i < text.length;) {
    const code = text.charCodeAt(i);
    const end = endOfRun(text, i, code);
    const length = end - i;
    if (isLetter(code)) {
      tokens += afterBreak ? weights.word : weights.fragment;
      tokens += Math.min(Math.max(0, length - lettersInWord), lettersAtMost - lettersInWord) * weights.longLetter;
      tokens += Math.max(0, length - lettersAtMost) * weights.randomLetter;
    } else if (isDigit(code)) {
      tokens += Math.ceil(length / 3) * weights.digits;
    } else if (isSpace(code)) {
      if (length > 1 || code !== 0x20) {
        tokens += weights.space + length * weights.spaceChar;
        // A break and the indent that follows it are one token.
        tokens += Math.max(0, changesIn(text, i, end) - 1) * weights.spaceChange;
      }
    } else if (isControl(code)) {
      tokens += weights.control;
    } else if (code < 0x80) {
      const changes = changesIn(text, i, end);
      tokens += weights.punctuation + (length - 1) * weights.punctuationChar;
      tokens += Math.min(changes, changesInSign) * weights.punctuationChange;
      tokens += Math.max(0, changes - changesInSign) * weights.randomPunctuation;
    } else {
      tokens += weightOf(code);
    }
    afterBreak = !isLetter(code) && !isDigit(code);
    i = end;
  }
  return Math.ceil(tokens);
}

/** Runs are of one class: letters (an upper-case start, then one case), digits, white space, ASCII punctuation. */
function endOfRun(text: string, start: number, first: number): number {
  let i = start + 1;
  if (isLetter(first)) {
    let lower = isLower(first);
    for (; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (isLower(code)) lower = true;
      else if (lower || !isLetter(code)) break;
    }
    return i;
  }
  const sameClass = isDigit(first)
    ? isDigit
    : isSpace(first)
      ? isSpace
      : isPunctuation(first)
        ? isPunctuation
        : undefined;
  if (sameClass !== undefined) while (i < text.length && sameClass(text.charCodeAt(i))) i++;
  return i;
}

/** The blocks that vocabularies know, by where they end; the rest is rare. */
function weightOf(code: number): number {
  if (code < 0x180) return weights.latin;
  if (code < 0x370) return weights.rare;
  if (code < 0x530) return weights.cyrillic;
  if (code < 0x590) return weights.rare;
  // Hebrew and Arabic; Devanagari to Malayalam; Thai and Lao; Georgian.
  if (code < 0x700 || (code >= 0x900 && code < 0xd80) || (code >= 0xe00 && code < 0xf00)) return weights.abugida;
  if (code >= 0x10a0 && code < 0x1100) return weights.abugida;
  // Dashes, quotes, arrows, boxes.
  if (code >= 0x2000 && code < 0x2700) return weights.sign;
  if ((code >= 0x3000 && code < 0x3130) || (code >= 0x4e00 && code < 0xa000)) return weights.east;
  if ((code >= 0xac00 && code < 0xd7b0) || (code >= 0xff00 && code < 0xfff0)) return weights.east;
  return code >= 0xd800 && code < 0xe000 ? weights.pair : weights.rare;
}

/** How often a character differs from the one before it. */
function changesIn(text: string, start: number, end: number): number {
  let changes = 0;
  for (let i = start + 1; i < end; i++) if (text.charCodeAt(i) !== text.charCodeAt(i - 1)) changes++;
  return changes;
}

function isControl(code: number): boolean {
  return (code < 0x20 && !isSpace(code)) || code === 0x7f;
}

function isLower(code: number): boolean {
  return code >= 0x61 && code <= 0x7a;
}

function isLetter(code: number): boolean {
  return isLower(code) || (code >= 0x41 && code <= 0x5a);
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

function isPunctuation(code: number): boolean {
  return code < 0x80 && !isLetter(code) && !isDigit(code) && !isSpace(code) && !isControl(code);
}
