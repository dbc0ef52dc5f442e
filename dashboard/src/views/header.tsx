/** The header of every page: breadcrumbs, the key's label, and the colour scheme. */
import { effect, signal } from "@preact/signals";
import { access, signOut } from "../model/access.ts";

type Theme = "light" | "dark";
const system = matchMedia("(prefers-color-scheme: dark)");
export const theme = signal<Theme>(system.matches ? "dark" : "light");
/** A chosen colour scheme overrides the system's. */
let isChosen = false;
system.addEventListener("change", () => {
  if (!isChosen) theme.value = system.matches ? "dark" : "light";
});
effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
});

function toggleTheme(): void {
  isChosen = true;
  theme.value = theme.value === "dark" ? "light" : "dark";
}

export function Header({ pool }: { readonly pool: string | undefined }) {
  const { tenant, scope, pool: bound } = access.value?.capability ?? { tenant: "", scope: "read", pool: undefined };
  return (
    <header class="top">
      <nav aria-label="Breadcrumbs">
        <a class="home" href="#/">
          <span class="mark" aria-hidden="true" />
          Bursar
        </a>
        <span class="tenant">{tenant}</span>
        {bound === undefined ? <a href="#/">Pools</a> : null}
        {pool === undefined ? null : (
          <span class="here" aria-current="page">
            {pool}
          </span>
        )}
      </nav>
      <div class="tools">
        <span class="badge">{scope}</span>
        <button type="button" onClick={toggleTheme} aria-label={theme.value === "dark" ? "Light" : "Dark"}>
          {theme.value === "dark" ? "☀" : "☾"}
        </button>
        <button type="button" onClick={signOut}>
          Sign out
        </button>
      </div>
    </header>
  );
}
