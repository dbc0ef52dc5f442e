/** The state of a pool, where its journal is too long to be read from the beginning: page by page. */
import { type ImagePage, imageOf } from "../../../src/engine/image-pages.ts";
import type { PoolImage } from "../../../src/engine/image.ts";
import { access } from "./access.ts";

type Page = ImagePage & { readonly seq: number; readonly next: string | null };

/** As of some event, from which the journal leads on. */
export async function snapshotOf(pool: string): Promise<PoolImage> {
  let pages: Page[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const page: Page = await pageOf(pool, cursor);
    // Another snapshot took its place meanwhile, and this is that one's first page.
    if (page.seq !== pages[0]?.seq) pages = [];
    pages.push(page);
    cursor = page.next;
  }
  return imageOf(pages);
}

async function pageOf(pool: string, cursor: string): Promise<Page> {
  const query = cursor === "" ? "" : `?page=${cursor}`;
  const response = await fetch(`/v1/pools/${encodeURIComponent(pool)}/snapshot${query}`, {
    headers: { authorization: `Bearer ${access.value?.key ?? ""}` },
  });
  if (!response.ok) throw new Error(`the state of ${pool} can't be read (${response.status})`);
  return response.json();
}
