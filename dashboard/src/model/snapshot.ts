/** The state of a pool as it is, where its journal is too long to be read from the beginning. */
import type { PoolImage } from "../../../src/engine/image.ts";
import { access } from "./access.ts";

export async function snapshotOf(pool: string): Promise<PoolImage> {
  const response = await fetch(`/v1/pools/${encodeURIComponent(pool)}/snapshot`, {
    headers: { authorization: `Bearer ${access.value?.key ?? ""}` },
  });
  if (!response.ok) throw new Error(`the state of ${pool} can't be read (${response.status})`);
  return response.json();
}
