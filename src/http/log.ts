/**
 * What is logged of a request: these fields and no others. Never a body, a key, a token, a header or a query, because
 * they may hold private data.
 */

export type Entry = {
  readonly event: "request" | "internal_error";
  readonly request_id: string;
  readonly method: string;
  /** The route's pattern, not the path. */
  readonly route: string;
  readonly status: number;
  /** A problem's code. */
  readonly code?: string | undefined;
  readonly tenant?: string | undefined;
  readonly key_id?: string | undefined;
  readonly pool?: string | undefined;
  readonly duration_ms: number;
  /** Of an internal error: its name and where it was thrown. Its message may quote what was sent. */
  readonly error?: string | undefined;
  readonly stack?: string | undefined;
};

/** Logs a gateway call that could not be settled: when its lease ends, its hold is booked whole. */
export function logUnsettled(reservation: string, why: string): void {
  console.error(JSON.stringify({ event: "unsettled", reservation, why }));
}

/** Logs a request. `setting` is BURSAR_LOG: `problems` (the default), `all` or `none`. Internal errors are always logged. */
export function log(entry: Entry, setting: string | undefined): void {
  if (entry.event === "internal_error") console.error(JSON.stringify(entry));
  else if (setting === "all" || (setting !== "none" && entry.status >= 400)) console.log(JSON.stringify(entry));
}

/** Fields that have been logged by this isolate: each is worth one line. */
const logged = new Set<string>();
const mostLogged = 1_000;

/** Fields of a call that this version does not know, each once, without their values. */
export function logUnknownFields(
  pool: string,
  unknown: readonly { readonly field: string }[],
  setting: string | undefined,
): void {
  if (setting === "none") return;
  // Places in lists differ from call to call.
  const fields = unknown.map(({ field }) => field.replaceAll(/\/\d+(?=\/|$)/g, "/*"));
  const first = fields.filter((field) => !logged.has(`${pool} ${field}`));
  if (first.length === 0) return;
  if (logged.size >= mostLogged) logged.clear();
  for (const field of first) logged.add(`${pool} ${field}`);
  console.log(JSON.stringify({ event: "unknown_fields", pool, fields: first }));
}
