/** The top of every page: where one is, who one is, and how it looks. */
import { signal } from "@preact/signals";
import { access, signOut } from "../model/access.ts";

type Theme = "light" | "dark";
const system = matchMedia("(prefers-color-scheme: dark)");
export const theme = signal<Theme>(system.matches ? "dark" : "light");
system.addEventListener("change", () => {
  // Who has chosen keeps the choice.
  if (document.documentElement.dataset["theme"] === undefined) theme.value = system.matches ? "dark" : "light";
});

function toggleTheme(): void {
  theme.value = theme.value === "dark" ? "light" : "dark";
  document.documentElement.dataset["theme"] = theme.value;
}

export function Header({ pool }: { readonly pool: string | undefined }) {
  const { tenant, scope, pool: bound } = access.value?.capability ?? { tenant: "", scope: "read", pool: undefined };
  return (
    <header class="top">
      <nav aria-label="Where you are">
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
