/** `docs/cost.md`: what the platform would bill, computed from the rows that `evidence/prove/parts/wallet.ts` measured. */
import { type Manner, rate } from "../parts/wallet.ts";
import type { Entry } from "./ledger.ts";

/** Dollars a million, beyond what the plan includes. */
const prices = {
  "Worker requests": 0.3,
  "object requests": 0.15,
  "rows written": 1,
  "rows read": 0.001,
  "GB-seconds": 12.5,
} as const;
const perGigabyteMonth = 0.2;
const listed = "https://developers.cloudflare.com/durable-objects/platform/pricing, read in November 2026";
/** What an object is billed for while it is active. */
const gigabytes = 0.128;
/** How long an object is taken to be active for one request alone: a write that other machines confirm. */
const activeMs = 30;
/** Messages that arrive over a WebSocket, for one request. */
const messagesPerRequest = 20;
/** A reserve and its commit. */
const operationsPerCall = 2;

type Way = {
  readonly name: string;
  readonly manner: Manner;
  /** Requests that the Worker and the object get per operation. */
  readonly workerRequests: number;
  readonly objectRequests: number;
  /** Operations that share a moment in which the object is active. */
  readonly together: number;
};

/** Undefined where nothing was measured. */
export function costPage(ledger: readonly Entry[]): string | undefined {
  const measured = ledger.findLast(({ part, findings }) => part === "wallet" && findings.length === 0);
  if (measured === undefined) return undefined;
  const of = (name: string): number => measured.counts[name] ?? Number.NaN;
  const rows = (manner: Manner): number =>
    (of(rate("rows written", manner, "old")) + of(rate("alarms set", manner, "old"))) / 1_000;
  const session = "session, 256 callers";
  const ways: Way[] = [
    { name: "each request alone", manner: "alone", workerRequests: 1, objectRequests: 1, together: 1 },
    {
      name: "64 callers at once",
      manner: "64 connections",
      workerRequests: 1,
      objectRequests: 1,
      together: 1 / rows("64 connections"),
    },
    {
      name: "batches of 500",
      manner: "batches of 500",
      workerRequests: 1 / 500,
      objectRequests: 1 / 500,
      together: 500,
    },
    {
      name: "a session with 256 callers",
      manner: session,
      workerRequests: 0,
      objectRequests: of(rate("messages", session, "old")) / 1_000 / messagesPerRequest,
      together: 1 / rows(session),
    },
  ];
  const lines = ways.map((way) => {
    const written = rows(way.manner);
    const read = of(rate("rows read", way.manner, "old")) / 1_000;
    const dollars = {
      "Worker requests": way.workerRequests * prices["Worker requests"],
      "object requests": way.objectRequests * prices["object requests"],
      "rows written": written * prices["rows written"],
      "rows read": read * prices["rows read"],
      "GB-seconds": ((activeMs / 1_000) * gigabytes * prices["GB-seconds"]) / way.together,
    };
    const sum = Object.values(dollars).reduce((one, other) => one + other, 0);
    const cells = Object.values(dollars).map((one) => money(one * operationsPerCall));
    return `| ${way.name} | ${written.toPrecision(2)} | ${cells.join(" | ")} | **${money(sum * operationsPerCall)}** |`;
  });
  const bytesOf = (manner: Manner): number =>
    (of(`bytes stored per 1,000 operations, ${manner}`) / 1_000) * operationsPerCall;
  const month = 30 * 86_400;
  return `# Cost

\`npm run prove -- --parts wallet --write\` writes this page; don't edit it by hand. The cursors of a real pool in workerd
counted the rows (${measured.at.slice(0, 10)}, commit ${measured.commit}). Prices are Cloudflare's, beyond what its plan
includes (${listed}).

## A million governed calls

A call is a reserve and its commit. Dollars per million calls, in a pool with a million events in its journal:

| | rows written per operation | ${Object.keys(prices).join(" | ")} | in all |
|---|---|${Object.keys(prices)
    .map(() => "---|")
    .join("")}---|
${lines.join("\n")}

- **GB-seconds** assume that an object is active for ${activeMs} ms per write. It is an assumption, because no other machine
  confirms a write here. Operations that share a row share that time. CPU time of the Worker ($0.02 per million ms) is extra and
  was not measured: at 1 ms a request, it is $0.04 for a million calls made alone.
- **Rows per operation** in a new pool, and in one with a million events. Callers at once share rows by chance: ${(
    ["alone", "64 connections"] as const
  )
    .map((manner) => {
      const [young, old] = [of(rate("rows written", manner, "young")), of(rate("rows written", manner, "old"))];
      return `${young.toLocaleString("en-US")} and ${old.toLocaleString("en-US")} per 1,000 (${manner})`;
    })
    .join(", ")}.
- **Storage**: ${Math.round(bytesOf("alone"))} bytes of journal a call alone, ${Math.round(bytesOf("batches of 500"))} in batches: ${(bytesOf("alone") / 1e3).toFixed(2)} GB and ${money(
    (bytesOf("alone") / 1e3) * perGigabyteMonth,
  )} a month for a million calls, until \`journal_days\` trims it.
- **A pool that never sleeps** (a request at least every few seconds, day and night) is active for at most all seconds of a month:
  ${Math.round(month * gigabytes).toLocaleString("en-US")} GB-s, **${money((month * gigabytes * prices["GB-seconds"]) / 1e6)} a month**, whatever it does.
- **An idle pool** costs its storage and nothing else. A pool that only records set ${of("alarms set by a pool that only records")} alarms, and ${of("alarms left after the last hold")} are left once the last hold is settled.
- **Strangers**: ${of("requests of strangers").toLocaleString("en-US")} requests without a valid key woke ${of("objects woken by strangers")} objects. Each costs a Worker request ($0.30 per million).
- **Waking** a pool with a million events reads ${of("rows read to wake with 1,000,000 events")} rows: the snapshot, and the journal after it.
`;
}

function money(dollars: number): string {
  return `$${dollars >= 0.1 ? dollars.toFixed(2) : dollars.toPrecision(2)}`;
}
