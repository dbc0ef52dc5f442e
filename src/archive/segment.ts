/**
 * A segment: a piece of a pool's journal as a file, newline-delimited JSON. The first line says whose it is and what it
 * follows on, each line after it is a row of the journal as it was stored, and the last one says where it ends, so that
 * neither a changed nor a shortened file passes for whole. Segments that follow on each other are the whole journal.
 */

import type { JournalRow } from "../protocol/journal.ts";
import { hashOf } from "./chain.ts";

/** Says what a segment is a piece of, and what it follows on. */
export type Header = {
  readonly bursar: "segment";
  readonly version: 1;
  readonly tenant: string;
  readonly pool: string;
  readonly first_seq: number;
  /** Hash of the row before, or 64 zeros. */
  readonly previous: string;
};

/** Where a segment ends: its last event, and the hash that what follows must carry. */
export type Footer = { readonly last_seq: number; readonly head: string };

export type Segment = { readonly header: Header; readonly rows: readonly JournalRow[]; readonly footer: Footer };

export const segmentMedia = "application/x-ndjson";

export function headerLine(tenant: string, pool: string, { first_seq, previous }: JournalRow): string {
  const header: Header = { bursar: "segment", version: 1, tenant, pool, first_seq, previous };
  return `${JSON.stringify(header)}\n`;
}

/** Events stand in it as they were stored, character by character: the hash is of those. */
export function rowLine({ first_seq, last_seq, at, previous, events }: JournalRow): string {
  return `{"first_seq":${first_seq},"last_seq":${last_seq},"at":${at},"previous":"${previous}","events":${events}}\n`;
}

export function footerLine(last: JournalRow): string {
  const footer: Footer = { last_seq: last.last_seq, head: hashOf(last) };
  return `${JSON.stringify(footer)}\n`;
}

/** The text of a segment of these rows, of which there must be some. */
export function segmentOf(tenant: string, pool: string, rows: readonly JournalRow[]): string {
  const [first] = rows;
  const last = rows.at(-1);
  if (first === undefined || last === undefined) throw new Error("a segment has at least one row");
  return headerLine(tenant, pool, first) + rows.map(rowLine).join("") + footerLine(last);
}

/** Thrown for a text that is no segment, or a damaged one; the message says what is wrong, and in which line. */
export class SegmentError extends Error {
  override readonly name = "SegmentError";
}

/** Reads a segment and checks every hash in it. */
export function readSegment(text: string): Segment {
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new SegmentError("it is cut off: its last line has no end");
  const header = headerIn(lines[0]);
  const footer = footerIn(lines.at(-1), lines.length);
  let { previous } = header;
  let next = header.first_seq;
  const rows = lines.slice(1, -1).map((line, index) => {
    const row = rowIn(line, index + 2);
    if (row.previous !== previous || row.first_seq !== next) {
      throw new SegmentError(`line ${index + 2}: it does not follow on the row before it`);
    }
    previous = hashOf(row);
    next = row.last_seq + 1;
    return row;
  });
  if (rows.length === 0) throw new SegmentError("it has no rows");
  if (footer.head !== previous || footer.last_seq !== next - 1) {
    throw new SegmentError("its last line does not fit its rows: something was changed or is missing");
  }
  return { header, rows, footer };
}

function headerIn(line: string | undefined): Header {
  const header = parsed(line, 1) as Partial<Header>;
  if (header.bursar !== "segment") throw new SegmentError("line 1: this is no segment of a journal");
  if (header.version !== 1) throw new SegmentError(`line 1: version ${header.version} is not known here`);
  const isWhole = isText(header.tenant) && isText(header.pool) && isText(header.previous) && isSeq(header.first_seq);
  if (!isWhole) throw new SegmentError("line 1: it lacks what a segment says of itself");
  return header as Header;
}

function footerIn(line: string | undefined, number: number): Footer {
  const footer = parsed(line, number) as Partial<Footer>;
  if (!isText(footer.head) || !isSeq(footer.last_seq)) {
    throw new SegmentError("it is cut off: its last line does not say where it ends");
  }
  return footer as Footer;
}

function rowIn(line: string, number: number): JournalRow {
  const { first_seq, last_seq, at, previous, events } = parsed(line, number) as Record<string, unknown>;
  if (!isSeq(first_seq) || !isSeq(last_seq) || !isSeq(at) || !isText(previous) || !Array.isArray(events)) {
    throw new SegmentError(`line ${number}: this is no row of a journal`);
  }
  // What V8 wrote it writes the same again.
  return { first_seq, last_seq, at, previous, events: JSON.stringify(events) };
}

function parsed(line: string | undefined, number: number): object {
  try {
    const value: unknown = JSON.parse(line ?? "");
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Said below.
  }
  throw new SegmentError(`line ${number}: this is not JSON`);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isSeq(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
