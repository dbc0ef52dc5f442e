/** Numbers that a caller sets by a header, where its SDK has no field for it. */
import { invalid } from "../http/problems.ts";

/** A whole number from a header; throws a 400 that names the header. */
export function numberIn(request: Request, header: string, most: number): number | undefined {
  const text = request.headers.get(header);
  if (text === null) return undefined;
  const value = wholeNumber(text);
  if (value === undefined || value < 1 || value > most) {
    throw invalid(header, `must be a whole number from 1 to ${most}`);
  }
  return value;
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}
