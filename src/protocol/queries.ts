/** What can be asked of a pool, and what it answers: one table, for the API, the gateway and sessions alike. */
import type { AgentDetail } from "./agent.ts";
import type { ArchiveResult, Audit, JournalPage, JournalRow, SnapshotPage } from "./journal.ts";
import type { PeriodList } from "./period.ts";
import type { Metrics, PoolResult, Report } from "./pool.ts";
import type { ReservationView } from "./reservation.ts";

/** What is asked with each question, and what it answers. */
type Queries = {
  readonly settings: { readonly ask: unknown; readonly answer: PoolResult };
  readonly report: { readonly ask: unknown; readonly answer: Report };
  readonly metrics: { readonly ask: unknown; readonly answer: Metrics };
  readonly agent: { readonly ask: { readonly agent: string }; readonly answer: AgentDetail };
  readonly reservation: { readonly ask: { readonly id: string }; readonly answer: ReservationView };
  /** Events after `after`, at most `limit`. */
  readonly journal: { readonly ask: { readonly after: number; readonly limit: number }; readonly answer: JournalPage };
  /** Rows of the journal, whole, from the one that holds the event after `after` on: about a segment's length of them. */
  readonly rows: { readonly ask: { readonly after: number }; readonly answer: readonly JournalRow[] };
  /** Periods that are over, of the pool (`agent: null`) or an agent, before number `before`, newest first. */
  readonly periods: {
    readonly ask: { readonly agent: string | null; readonly before: number; readonly limit: number };
    readonly answer: PeriodList;
  };
  readonly archive: { readonly ask: unknown; readonly answer: ArchiveResult };
  /**
   * The state, in pages: whole and as of its last event where it fits one, otherwise as it was stored last, from which
   * the journal leads on. `seq` and `page` say which page is wanted; the first one is asked for without.
   */
  readonly snapshot: { readonly ask: { readonly seq?: number; readonly page?: number }; readonly answer: SnapshotPage };
  readonly audit: { readonly ask: unknown; readonly answer: Audit };
};

export type QueryName = keyof Queries;
export type QuestionOf<Name extends QueryName> = { readonly about: Name } & Queries[Name]["ask"];
export type Question = { [Name in QueryName]: QuestionOf<Name> }[QueryName];
export type AnswerOf<Name extends QueryName> = Queries[Name]["answer"];
