/** Where a seeded bug goes: a pattern inside the body of a function or method, in whatever file of `src` that is. */

export type Place = {
  /** The function or method. */
  readonly within: string;
  /** Matches once in its body. */
  readonly pattern: RegExp;
  /** Takes the place of the match, as `String.replace` has it: `$1` is the first group. */
  readonly becomes: string;
};

/** The text with the bug in it, once for each match: a bug has a place where there is exactly one. */
export function plantings(text: string, { within, pattern, becomes }: Place): string[] {
  const every = new RegExp(pattern, `${pattern.flags.replace("g", "")}g`);
  return bodiesOf(text, within).flatMap(([from, to]) => {
    const body = text.slice(from, to);
    return [...body.matchAll(every)].map(({ index, 0: match }) => {
      const changed = match.replace(pattern, becomes);
      return text.slice(0, from + index) + changed + text.slice(from + index + match.length);
    });
  });
}

/**
 * Begin and end of the bodies of what is declared under that name: functions, and methods of classes. Relies on the
 * formatter: a body ends with the first line that closes at the indentation of its declaration.
 */
function bodiesOf(text: string, name: string): [from: number, to: number][] {
  const words = "(?:export |default |async |static |override |get |set |function\\*? )*";
  const declared = new RegExp(`^( *)${words}${name}(?:<[^\\n]*?>)?\\(`, "gm");
  return [...text.matchAll(declared)].flatMap(({ index, 0: head, 1: indent = "" }): [number, number][] => {
    const closed = closingOf(text, index + head.length);
    // A call, and a method of an interface, have no body.
    const opening = /^(?::[^;]*?)? \{\n/.exec(text.slice(closed + 1));
    if (opening === null) return [];
    const from = closed + 1 + opening[0].length - 1;
    const to = text.indexOf(`\n${indent}}`, from);
    return to < 0 ? [] : [[from, to]];
  });
}

/** Where the parenthesis closes that was opened before `from`. */
function closingOf(text: string, from: number): number {
  let open = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === "(") open++;
    else if (text[at] === ")" && --open === 0) return at;
  }
  return text.length;
}
