/** Signing in with a key that may read. */
import { signal } from "@preact/signals";
import { signIn } from "../model/access.ts";

const fault = signal("");
const isBusy = signal(false);

export function SignIn() {
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const key = new FormData(event.currentTarget as HTMLFormElement).get("key");
    isBusy.value = true;
    fault.value = "";
    try {
      await signIn(typeof key === "string" ? key.trim() : "");
    } catch (error) {
      fault.value = error instanceof Error ? error.message : String(error);
    }
    isBusy.value = false;
  };
  return (
    <main class="sign-in">
      <form class="card" onSubmit={(event) => void submit(event)}>
        <h1>
          <span class="mark" aria-hidden="true" />
          Bursar
        </h1>
        <p>What each agent spends, which agents lend, what is held and until when.</p>
        <label for="key">Key</label>
        <input
          id="key"
          name="key"
          type="password"
          required
          autocomplete="off"
          spellcheck={false}
          placeholder="bursar_…"
          aria-describedby="key-note"
        />
        <p id="key-note" class="note">
          A <code>read</code> key looks, an <code>admin</code> key acts, too. It stays in this page's memory: a reload
          asks again.
        </p>
        <p class="fault" role="alert">
          {fault}
        </p>
        <button type="submit" class="primary" disabled={isBusy.value}>
          {isBusy.value ? "Signing in…" : "Sign in"}
        </button>
      </form>
    </main>
  );
}
