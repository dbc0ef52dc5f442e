/** Texts of every class that has been cheaper to estimate than to send: random ones, by a seed, and ordinary ones. */
import { languages } from "./languages.ts";
import { randomOf } from "./random.ts";

type Random = () => number;

const lower = "abcdefghijklmnopqrstuvwxyz";
const upper = lower.toUpperCase();
const digits = "0123456789";
const signs = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

const below = (random: Random, limit: number): number => Math.floor(random() * limit);
const times = (count: number, make: () => string, between = ""): string =>
  Array.from({ length: count }, make).join(between);
const oneOf = <T>(random: Random, all: readonly T[]): T => all[below(random, all.length)] as T;
const from = (random: Random, alphabet: string, length: number): string => {
  const letters = Array.from(alphabet);
  return times(length, () => oneOf(random, letters));
};
const words = (random: Random, alphabet: string, length: number, count = 40): string =>
  times(count, () => from(random, alphabet, length), " ");
const between = (first: number, last: number) => (random: Random) =>
  times(200, () => String.fromCodePoint(first + below(random, last - first + 1)));

/** Words that people know but that are joined anew, as hostnames, handles and long compounds are. */
const syllables = "ba ke li mo nu ra se ti vo zu pro con ing er ation ment able ity ph str sch qu ex un".split(" ");
const emoji = "😀 🎉 🚀 👩‍💻 🔥 ✅ 👍🏽 🇩🇪 🏳️‍🌈 ❤️ 🧑‍🤝‍🧑 ☕".split(" ");
const names =
  "Kowalczyk Nguyễn O'Brien Müller-Lüdenscheidt Þórarinsson Rodríguez Szczepański McAllister Abdulrahman Wojciechowski Papadopoulos Jayawardene Zhāng Oyelaran".split(
    " ",
  );

/** Each class, made of chance. Those of reported attacks are first. */
export const classes: Readonly<Record<string, (random: Random) => string>> = {
  "random upper-case words of 8": (random) => words(random, upper, 8),
  "random lower-case words of 8": (random) => words(random, lower, 8),
  "protein in blocks of 10": (random) => words(random, "ACDEFGHIKLMNPQRSTVWY", 10),
  "DNA in blocks of 10": (random) => words(random, "acgt", 10),
  "DNA, upper case": (random) => words(random, "ACGT", 10),
  "DNA without blocks": (random) => times(6, () => from(random, "ACGT", 70), "\n"),
  "Latin-1 letters": between(0xc0, 0xff),
  "bytes read as Latin-1": (random) =>
    from(random, "éáñüçãабвгд中文字", 120).replaceAll(/./gu, (letter) => Buffer.from(letter).toString("latin1")),
  "random accented words": (random) => words(random, "àáâãäåçèéêëìíîïñòóôõöùúûüýÿ", 7),
  "random Hangul": between(0xac00, 0xd7a3),
  "rare Han": between(0x9000, 0x9fff),
  "any Han": between(0x4e00, 0x9fff),
  "Han beyond the first plane": between(0x20000, 0x2a6df),
  "random Cyrillic words": (random) => words(random, "абвгдежзийклмнопрстуфхцчшщъыьэюя", 8),
  "random Greek words": (random) => words(random, "αβγδεζηθικλμνξοπρστυφχψωάέήίόύώ", 8),
  "random Georgian": between(0x10d0, 0x10f0),
  "random Arabic words": (random) => words(random, "ابتثجحخدذرزسشصضطظعغفقكلمنهوي", 6),
  "random words of 3": (random) => words(random, lower, 3),
  "random words of 5": (random) => words(random, lower, 5),
  "random words of 12": (random) => words(random, lower, 12, 25),
  "random letters in one run": (random) => from(random, lower, 120),
  "mixed case": (random) => words(random, lower + upper, 8),
  camelCase: (random) => times(30, () => from(random, lower, 1 + below(random, 5)) + from(random, upper, 1)),
  "made-up words": (random) => times(40, () => times(2 + below(random, 3), () => oneOf(random, syllables)), " "),
  names: (random) => times(40, () => oneOf(random, names), " "),
  base64: (random) => times(4, () => from(random, `${lower + upper + digits}+/`, 76), "\n"),
  hexadecimal: (random) => words(random, `${digits}abcdef`, 32, 10),
  identifiers: (random) => times(12, () => times(5, () => from(random, `${digits}abcdef`, 8), "-"), "\n"),
  numbers: (random) => times(60, () => String(random() * 10 ** below(random, 9)), " "),
  table: (random) => times(40, () => times(6, () => from(random, digits, 1 + below(random, 6)).padStart(9), "|"), "\n"),
  "random signs": (random) => from(random, signs, 300),
  "signs and letters": (random) => times(100, () => from(random, signs, 1) + from(random, lower, 1 + below(random, 3))),
  "mixed white space": (random) => from(random, " \t\n\r", 300),
  "rare white space": (random) =>
    from(random, " \t\n\v\f\r\u0085\u00a0\u1680\u2000\u2003\u2028\u2029\u202f\u205f\u3000\ufeffa", 200),
  indents: (random) => times(60, () => " ".repeat(below(random, 100)) + from(random, "{};a", 1), "\n"),
  rulers: (random) =>
    times(20, () => oneOf(random, ["-", "=", "*", "#", "_", ".", "/"]).repeat(below(random, 120)), "\n"),
  "control characters": between(0, 0x1f),
  "emoji, joined and coloured": (random) => times(60, () => oneOf(random, emoji)),
  "any emoji": between(0x1f300, 0x1faff),
  "mathematical letters": between(0x1d400, 0x1d7ff),
  "typographic signs": between(0x2010, 0x27bf),
  "marks upon marks": (random) =>
    times(60, () => from(random, lower, 1) + times(3, () => between(0x300, 0x36f)(random).charAt(0))),
  "any character of the first plane": (random) => times(200, () => String.fromCharCode(1 + below(random, 0xd7ff))),
  "private use": between(0xe000, 0xf8ff),
  "halves of pairs": between(0xd800, 0xdfff),
  "escaped text": (random) => times(60, () => `\\u${from(random, `${digits}abcdef`, 4)}`),
  contractions: (random) =>
    times(
      80,
      () => from(random, lower, 1 + below(random, 4)) + oneOf(random, ["'s", "'t", "'re", "'LL", "'d", "’s"]),
      " ",
    ),
};

/** A mixture of `parts` pieces of all classes and all languages, joined by nothing or by what joins texts. */
export function mixtureOf(seed: number, parts = 40): string {
  const random = randomOf(seed);
  const makers = Object.values(classes);
  const scripts = Object.values(languages);
  return times(parts, () => {
    const text = random() < 0.5 ? oneOf(random, makers)(random) : oneOf(random, scripts);
    const start = below(random, text.length);
    return (
      text.slice(start, start + 1 + below(random, 60)) + oneOf(random, ["", "", " ", "\n", ", ", "\t", '":"', "</"])
    );
  });
}
