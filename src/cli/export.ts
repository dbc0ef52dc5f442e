/** Streams a pool's journal to a file, so that a long one takes no memory. */
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { BursarError } from "../client/index.ts";
import { addressOf } from "./output.ts";

/** Events after `after`, in whole rows, into `file`. Throws the governor's refusal. */
export async function exportJournal(self: Command, pool: string, file: string, after: number): Promise<void> {
  const { url, key } = addressOf(self);
  const path = `/v1/pools/${encodeURIComponent(pool)}/journal/export?after=${after}`;
  const response = await fetch(`${url.replace(/\/+$/, "")}${path}`, { headers: { authorization: `Bearer ${key}` } });
  if (!response.ok || response.body === null) throw new BursarError(await response.json());
  await pipeline(chunks(response.body), createWriteStream(file));
}

async function* chunks(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const reader = body.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
}
