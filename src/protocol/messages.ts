/** What is said of a value that does not fit, for the person who sent it: zod's own words speak of its types. */
import type * as z from "zod";

const kinds: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "an object",
  record: "an object",
  array: "an array",
};

/** The message of an issue; undefined where zod's own will do. */
export function messageFor(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type": {
      const kind = kinds[issue.expected];
      if (issue.input === undefined) return "is missing";
      return kind === undefined ? undefined : `must be ${kind}`;
    }
    case "invalid_value": {
      if (issue.input === undefined) return "is missing";
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    }
    case "too_small":
      return `must ${bound("at least", issue.origin, issue.minimum)}`;
    case "too_big":
      return `must ${bound("at most", issue.origin, issue.maximum)}`;
    default:
      return undefined;
  }
}

function bound(which: string, origin: string, limit: number | bigint): string {
  if (origin === "string") return `have ${which} ${limit} characters`;
  if (origin === "array") return `have ${which} ${limit} items`;
  return `be ${which} ${limit}`;
}
