/**
 * A Worker that reaches the governor by a service binding: no network in between, and nothing to look up. The client
 * is the same; only its `fetch` is the binding's.
 */
import { BudgetExceededError, Bursar } from "bursar";

type Env = { readonly BURSAR: Fetcher; readonly BURSAR_KEY: string };

export default {
  async fetch(request, env) {
    // The host is never looked up: the binding is the address.
    const bursar = new Bursar({
      url: "https://bursar",
      key: env.BURSAR_KEY,
      fetch: (input, init) => env.BURSAR.fetch(new Request(input, init)),
    });
    const pool = bursar.pool("worker");
    await pool.configure();
    await pool.register("visitor", { priority: 1, max_tokens: 1_000 });
    const answer = pool.govern("visitor", async (prompt: string) => `You said: ${prompt}`, { max_output: 400 });
    try {
      const text = await answer(new URL(request.url).searchParams.get("prompt") ?? "nothing");
      return Response.json({ text, report: await pool.summary() });
    } catch (error) {
      if (!(error instanceof BudgetExceededError)) throw error;
      return Response.json({ error: error.message }, { status: 402 });
    }
  },
} satisfies ExportedHandler<Env>;
