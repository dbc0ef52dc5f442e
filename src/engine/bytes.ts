/**
 * The size of a remembered write, in bytes: an upper bound of what it takes of the heap, and of its text in a snapshot.
 * Counts alone bound nothing: callers choose labels, and one write may have a thousand transfers.
 * `evidence/bench/memory.ts` holds these numbers against the heap of workerd.
 */

import { limits } from "../protocol/limits.ts";
import { metadataBytes } from "../protocol/metadata.ts";
import type { Metadata } from "../protocol/reservation.ts";
import type { Booking, Reservation } from "./state.ts";

/** A transfer names an agent and an amount. */
const transferBytes = 192;
/** A donor of a reallocation is described by eight fields. */
const donorBytes = 384;
/** A label's two strings have a header each, and a place in their object. */
const labelBytes = 64;

/** A reservation grows when it settles: the transfers of its commit are added to those of its reserve. */
export function bytesOf(known: Reservation | Booking): number {
  const more = known.op === "reserve" ? (known.settlement?.transfers.length ?? 0) : 0;
  const donors = known.op === "reserve" ? 0 : known.donors.length;
  return (
    limits.outcomeBytes +
    labelsBytes(known.metadata) +
    transferBytes * (known.transfers.length + more) +
    donorBytes * donors
  );
}

/** The size that a reservation will have once it is open. */
export function bytesOfReserve(metadata: Metadata | undefined, transfers: number): number {
  return limits.outcomeBytes + labelsBytes(metadata) + transferBytes * transfers;
}

/** Twice the text: a string with one character beyond Latin-1 takes two bytes for each. */
function labelsBytes(metadata: Metadata | undefined): number {
  if (metadata === undefined) return 0;
  return labelBytes * Object.keys(metadata).length + 2 * metadataBytes(metadata);
}
