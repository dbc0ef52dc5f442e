/** What was found of each client, kept in docs/compatibility.json, so that one client can be run again without the rest. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../test/support/tree.ts";
import type { Point } from "./contract.ts";
import type { Outcome } from "./scenarios.ts";

export type Row = {
  readonly id: string;
  readonly title: string;
  readonly kind: "coding agent" | "framework";
  readonly api: string;
  readonly version: string;
  /** The day on which it was run. */
  readonly on: string;
  /** Why it could not be run; undefined for one that was. */
  readonly missing?: string;
  /** Settings that it needed besides a base URL, a key and a model. */
  readonly needs: readonly string[];
  /** Models that it asks for and that had no price, until the run set one. */
  readonly unpriced: readonly string[];
  readonly outcomes: readonly Outcome[];
  /** Hosts that it asked for besides the governor, in vain. */
  readonly hosts: readonly string[];
};

export type Contract = { readonly on: string; readonly points: readonly Point[] };
export type Found = { readonly clients: readonly Row[]; readonly contract: Contract | undefined };

const file = join(root, "docs/compatibility.json");

export function readRecord(): Found {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Found) : { clients: [], contract: undefined };
}

/** The record with `found` in place of what it had of the same clients, in the order of `ids`. */
export function merged(record: Found, found: Found, ids: readonly string[]): Found {
  const rows = new Map([...record.clients, ...found.clients].map((row) => [row.id, row]));
  return {
    clients: ids.flatMap((id) => rows.get(id) ?? []),
    contract: found.contract ?? record.contract,
  };
}

/** A line for each client. */
export function writeRecord({ clients, contract }: Found): void {
  const lines = clients.map((row) => JSON.stringify(row)).join(",\n");
  writeFileSync(file, `{"contract": ${JSON.stringify(contract)},\n"clients": [\n${lines}\n]}\n`);
}
