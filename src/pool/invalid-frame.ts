/** What a session's frame is told when it is not valid. */
import { type Problem, problemOf } from "../protocol/problems.ts";

/** `field` is a JSON pointer into the frame; "" is the frame itself. */
export function invalidFrame(field: string, message: string): Problem {
  const detail = `${field === "" ? "The frame" : field} ${message}.`;
  return problemOf("invalid_request", detail, { errors: [{ field, message }] });
}
