/** The Worker with what it is measured against: `config` of `startWorkerd`. */
import { join } from "node:path";

export const benchWorker = join(import.meta.dirname, "../pool/wrangler.toml");
