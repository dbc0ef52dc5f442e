/** Compares what the model says with what was observed: every field that the model names must be there and the same. */
export function differencesIn(path: string, expected: unknown, observed: unknown): string[] {
  // Nearly always they are the same, and a proof asks a hundred million times: no path is written until it is needed.
  return isSame(expected, observed) ? [] : describe(path, expected, observed);
}

function isSame(expected: unknown, observed: unknown): boolean {
  if (Object.is(expected, observed)) return true;
  if (!isObject(expected) || !isObject(observed) || !areAlike(expected, observed)) return false;
  for (const key in expected) if (!isSame(expected[key], observed[key])) return false;
  return true;
}

function describe(path: string, expected: unknown, observed: unknown): string[] {
  if (Object.is(expected, observed)) return [];
  if (!isObject(expected) || !isObject(observed) || !areAlike(expected, observed)) {
    return [`${path}: the model says ${JSON.stringify(expected)}, the engine ${JSON.stringify(observed)}`];
  }
  return Object.keys(expected).flatMap((key) => describe(`${path}.${key}`, expected[key], observed[key]));
}

type Fields = { readonly [key: string]: unknown };

/** A list is compared with a list that is as long. */
function areAlike(expected: Fields, observed: Fields): boolean {
  return !Array.isArray(expected) || (Array.isArray(observed) && observed.length === expected.length);
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}
