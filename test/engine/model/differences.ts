/** Compares what the model says with what was observed: every field that the model names must be there and the same. */
export function differencesIn(path: string, expected: unknown, observed: unknown): string[] {
  if (Object.is(expected, observed)) return [];
  if (!isObject(expected) || !isObject(observed)) {
    return [`${path}: the model says ${JSON.stringify(expected)}, the engine ${JSON.stringify(observed)}`];
  }
  if (Array.isArray(expected) && (!Array.isArray(observed) || observed.length !== expected.length)) {
    return [`${path}: the model says ${JSON.stringify(expected)}, the engine ${JSON.stringify(observed)}`];
  }
  const found: string[] = [];
  for (const key in expected) found.push(...differencesIn(`${path}.${key}`, expected[key], observed[key]));
  return found;
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null;
}
