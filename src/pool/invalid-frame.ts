/** The problem that answers a session's invalid frame. */
import { type Problem, problemOf } from "../protocol/problems.ts";

/** `field` is a JSON pointer into the frame; "" is the frame itself. */
export function invalidFrame(field: string, message: string): Problem {
  const detail = `${field === "" ? "The frame" : field} ${message}.`;
  return problemOf("invalid_request", detail, { errors: [{ field, message }] });
}
