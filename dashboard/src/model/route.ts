/** The page's address: `#/pool/name/tab`. */
import { signal } from "@preact/signals";

export type Route = { readonly pool: string | undefined; readonly tab: string };

function read(): Route {
  const [, kind, pool, tab = "now"] = location.hash.split("/");
  const name = kind === "pool" && pool !== undefined && pool !== "" ? decoded(pool) : undefined;
  return { pool: name, tab };
}

/** Nothing, of a mistyped address. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

export const route = signal<Route>(read());
addEventListener("hashchange", () => {
  route.value = read();
});

export function addressOf(pool: string, tab = "now"): string {
  return `#/pool/${encodeURIComponent(pool)}/${tab}`;
}
