/** Prices that a tenant sets itself: for models without a known price, and in place of known ones. */
import type { PriceFields, PriceView } from "../protocol/price.ts";

type PriceRow = { model: string; price: string; set_at: number };

export class Prices {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  get(model: string): PriceView | undefined {
    const [row] = this.#sql.exec<PriceRow>("SELECT * FROM prices WHERE model = ?", model).toArray();
    return row === undefined ? undefined : viewOf(row);
  }

  list(): PriceView[] {
    return this.#sql.exec<PriceRow>("SELECT * FROM prices ORDER BY model").toArray().map(viewOf);
  }

  count(): number {
    return this.#sql.exec<{ count: number }>("SELECT count(*) AS count FROM prices").one().count;
  }

  /** Sets a price. The same price again keeps its time, which is its version: what was booked at it names it. */
  set(model: string, fields: PriceFields, now: number): void {
    this.#sql.exec(
      `INSERT INTO prices (model, price, set_at) VALUES (?, ?, ?)
       ON CONFLICT (model) DO UPDATE SET price = excluded.price, set_at = excluded.set_at
       WHERE price <> excluded.price`,
      model,
      JSON.stringify(fields),
      now,
    );
  }

  remove(model: string): void {
    this.#sql.exec("DELETE FROM prices WHERE model = ?", model);
  }
}

function viewOf({ model, price, set_at }: PriceRow): PriceView {
  const as_of = new Date(set_at).toISOString();
  return { model, ...(JSON.parse(price) as PriceFields), version: `tenant@${as_of}`, source: "tenant", as_of };
}
