/**
 * An image in pages of JSON, each with a part of the lists. The whole text of a large pool fits neither into a row nor, beside
 * the pool itself, into the object's memory, so pages are made and read one at a time.
 */
import { fromImage, imageLists, type PoolImage, toImage } from "./image.ts";
import type { Pool } from "./state.ts";

/** A part of an image; the first page has the head. */
export type ImagePage = { readonly [Part in keyof PoolImage]?: PoolImage[Part] };

/** Ids of a history in one item; a longer history is split into several. */
const idsPerItem = 1_000;

/**
 * The pages of `pool`, about `length` characters each and at most one item longer. The pool must not change until the
 * last is taken.
 */
export function* pagesOf(pool: Pool, length: number): Generator<string, void, void> {
  const image = toImage(pool);
  let page = `{"head":${JSON.stringify(image.head)}`;
  for (const list of imageLists) {
    let isOpen = false;
    for (const item of list === "histories" ? slices(image.histories) : image[list]) {
      const text = JSON.stringify(item);
      if (page.length + text.length > length && page !== "{") {
        yield `${page}${isOpen ? "]" : ""}}`;
        page = "{";
        isOpen = false;
      }
      if (isOpen) page += ",";
      else page += `${page === "{" ? "" : ","}"${list}":[`;
      page += text;
      isOpen = true;
    }
    if (isOpen) page += "]";
  }
  if (page !== "{") yield `${page}}`;
}

/** The pool whose pages these are, in their order. */
export function fromPages(pages: Iterable<ImagePage>): Pool {
  return fromImage(imageOf(pages));
}

/** The image whose pages these are. */
export function imageOf(pages: Iterable<ImagePage>): PoolImage {
  let head: PoolImage["head"] | undefined;
  const lists = { agents: [], remembered: [], histories: [], unsettled: [] } as {
    -readonly [List in (typeof imageLists)[number]]: PoolImage[List][number][];
  };
  for (const page of pages) {
    head ??= page.head;
    for (const agent of page.agents ?? []) lists.agents.push(agent);
    for (const known of page.remembered ?? []) lists.remembered.push(known);
    for (const history of page.histories ?? []) addTo(lists.histories, history);
    for (const expiry of page.unsettled ?? []) lists.unsettled.push(expiry);
  }
  if (head === undefined) throw new Error("a snapshot has no head");
  return { head, ...lists };
}

type StoredHistory = PoolImage["histories"][number];

function* slices(histories: readonly StoredHistory[]): Generator<StoredHistory, void, void> {
  for (const { outcomes, unsettled, ...history } of histories) {
    const end = Math.max(outcomes.length, unsettled.length, 1);
    for (let from = 0; from < end; from += idsPerItem) {
      const to = from + idsPerItem;
      yield { ...history, outcomes: outcomes.slice(from, to), unsettled: unsettled.slice(from, to) };
    }
  }
}

function addTo(histories: StoredHistory[], { outcomes, unsettled, ...history }: StoredHistory): void {
  const last = histories.at(-1);
  if (last?.agent !== history.agent) {
    histories.push({ ...history, outcomes: [...outcomes], unsettled: [...unsettled] });
    return;
  }
  // The lists were made above, and nothing else refers to them.
  (last.outcomes as string[]).push(...outcomes);
  (last.unsettled as (typeof unsettled)[number][]).push(...unsettled);
}
