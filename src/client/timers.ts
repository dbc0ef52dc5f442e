/** Timers that keep no program running: Node's can be told so, other runtimes have nothing to be told. */
import { fieldOf } from "../providers/shape.ts";

export function unref(timer: unknown): void {
  const release = fieldOf(timer, "unref");
  if (typeof release === "function") release.call(timer);
}
