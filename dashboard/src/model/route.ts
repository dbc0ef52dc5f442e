/** Where one is: `#/pool/name/tab`. */
import { signal } from "@preact/signals";

export type Route = { readonly pool: string | undefined; readonly tab: string };

function read(): Route {
  const [, kind, pool, tab = "now"] = location.hash.split("/");
  return kind === "pool" && pool !== undefined && pool !== ""
    ? { pool: decodeURIComponent(pool), tab }
    : { pool: undefined, tab };
}

export const route = signal<Route>(read());
addEventListener("hashchange", () => {
  route.value = read();
});

export function addressOf(pool: string, tab = "now"): string {
  return `#/pool/${encodeURIComponent(pool)}/${tab}`;
}
