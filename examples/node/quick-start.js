// The client in plain JavaScript. Needs BURSAR_URL and BURSAR_KEY; see examples/README.md.
import { BudgetExceededError, Bursar } from "bursar";

const bursar = new Bursar({ url: process.env.BURSAR_URL, key: process.env.BURSAR_KEY });
const pool = bursar.pool(`node-${Date.now()}`);
await pool.configure();
await pool.register("researcher", { priority: 3, max_tokens: 1500 });
await pool.register("critic", { priority: 1, max_tokens: 2000 });

const model = async (prompt) => ({ text: `About: ${prompt}`, usage: { prompt_tokens: 40, completion_tokens: 900 } });
const research = pool.govern("researcher", model, { estimate: () => 1000 });

try {
  // The third call needs more than the researcher has; the critic lends. The fourth finds nobody left to lend.
  for (const topic of ["supply", "demand", "prices", "trade"]) await research(topic);
} catch (error) {
  if (!(error instanceof BudgetExceededError)) throw error;
  console.log(`refused: ${error.message}`);
}
console.log(JSON.stringify(await pool.summary()));
