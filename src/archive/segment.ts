/**
 * A segment: a part of a pool's journal as a file of newline-delimited JSON. The first line names the pool and the hash that
 * the segment continues, each further line is a row of the journal as stored, and the last line says where the segment ends,
 * so that neither a changed nor a truncated file passes for whole. The segments of a pool, in order, are its whole journal.
 */

import type { JournalRow } from "../protocol/journal.ts";
import { hashOf } from "./chain.ts";

/** The first line: which pool the segment belongs to, and which hash it continues. */
export type Header = {
  readonly bursar: "segment";
  readonly version: 1;
  readonly tenant: string;
  readonly pool: string;
  readonly first_seq: number;
  /** Hash of the row before, or 64 zeros. */
  readonly previous: string;
};

/** The last line: the last event, and the hash that the next segment must continue. */
export type Footer = { readonly last_seq: number; readonly head: string };

export type Segment = { readonly header: Header; readonly rows: readonly JournalRow[]; readonly footer: Footer };

export const segmentMedia = "application/x-ndjson";

export function headerLine(tenant: string, pool: string, { first_seq, previous }: JournalRow): string {
  const header: Header = { bursar: "segment", version: 1, tenant, pool, first_seq, previous };
  return `${JSON.stringify(header)}\n`;
}

/** Events are written exactly as they were stored, because the hash covers that text. */
export function rowLine({ first_seq, last_seq, at, previous, events }: JournalRow): string {
  return `{"first_seq":${first_seq},"last_seq":${last_seq},"at":${at},"previous":"${previous}","events":${events}}\n`;
}

export function footerLine(last: JournalRow): string {
  const footer: Footer = { last_seq: last.last_seq, head: hashOf(last) };
  return `${JSON.stringify(footer)}\n`;
}

/** The text of a segment of these rows; there must be at least one. */
export function segmentOf(tenant: string, pool: string, rows: readonly JournalRow[]): string {
  const [first] = rows;
  const last = rows.at(-1);
  if (first === undefined || last === undefined) throw new Error("a segment has at least one row");
  return headerLine(tenant, pool, first) + rows.map(rowLine).join("") + footerLine(last);
}

/** A text is not a segment, or is damaged; the message says what is wrong, and in which line. */
export class SegmentError extends Error {
  override readonly name = "SegmentError";
}

/** Reads a segment and checks every hash in it. */
export function readSegment(text: string): Segment {
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new SegmentError("it is truncated: its last line has no end");
  const header = headerIn(lines[0]);
  const footer = footerIn(lines.at(-1), lines.length);
  let { previous } = header;
  let next = header.first_seq;
  const rows = lines.slice(1, -1).map((line, index) => {
    const row = rowIn(line, index + 2);
    if (row.previous !== previous || row.first_seq !== next) {
      throw new SegmentError(`line ${index + 2}: the hash chain is broken: it does not continue the row before it`);
    }
    previous = hashOf(row);
    next = row.last_seq + 1;
    return row;
  });
  if (rows.length === 0) throw new SegmentError("it has no rows");
  if (footer.head !== previous || footer.last_seq !== next - 1) {
    throw new SegmentError("its last line does not match its rows: something was changed or is missing");
  }
  return { header, rows, footer };
}

function headerIn(line: string | undefined): Header {
  const header = parsed(line, 1) as Partial<Header>;
  if (header.bursar !== "segment") throw new SegmentError("line 1: this is not a segment of a journal");
  if (header.version !== 1) throw new SegmentError(`line 1: version ${header.version} is not known here`);
  const isWhole = isText(header.tenant) && isText(header.pool) && isText(header.previous) && isSeq(header.first_seq);
  if (!isWhole) throw new SegmentError("line 1: the header is incomplete");
  return header as Header;
}

function footerIn(line: string | undefined, number: number): Footer {
  const footer = parsed(line, number) as Partial<Footer>;
  if (!isText(footer.head) || !isSeq(footer.last_seq)) {
    throw new SegmentError("it is truncated: its last line does not say where it ends");
  }
  return footer as Footer;
}

function rowIn(line: string, number: number): JournalRow {
  const { first_seq, last_seq, at, previous, events } = parsed(line, number) as Record<string, unknown>;
  if (!isSeq(first_seq) || !isSeq(last_seq) || !isSeq(at) || !isText(previous) || !Array.isArray(events)) {
    throw new SegmentError(`line ${number}: this is not a row of a journal`);
  }
  // V8 serializes what it has parsed to the same text again, so the hash still holds.
  return { first_seq, last_seq, at, previous, events: JSON.stringify(events) };
}

function parsed(line: string | undefined, number: number): object {
  try {
    const value: unknown = JSON.parse(line ?? "");
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Reported below.
  }
  throw new SegmentError(`line ${number}: this is not JSON`);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isSeq(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
