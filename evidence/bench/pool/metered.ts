/**
 * A pool object that counts what the platform would bill: rows read and written, as the cursors say, alarms set, and
 * messages.
 * Its audit gives the counts since it woke; the audit's own reading is not among them.
 */

import { PoolObject } from "../../../src/pool/pool-object.ts";
import type { Caller } from "../../../src/protocol/caller.ts";
import type { AnswerOf, QueryName, QuestionOf } from "../../../src/protocol/queries.ts";
import type { Result } from "../../../src/protocol/refusals.ts";

type Cursor = SqlStorageCursor<Record<string, SqlStorageValue>>;
/** `open`: cursors that may still be read, whose counts aren't final. */
type Meter = { read: number; written: number; alarms: number; messages: number; open: Cursor[] };

export type Metered = {
  readonly rows_read: number;
  readonly rows_written: number;
  readonly alarms_set: number;
  /** That came in over sessions. */
  readonly messages: number;
  readonly alarm: number | null;
  readonly bytes: number;
};

const openAtMost = 1_000;

export class MeteredObject extends PoolObject {
  readonly #meter: Meter;

  constructor(ctx: DurableObjectState, env: ConstructorParameters<typeof PoolObject>[1]) {
    const meter: Meter = { read: 0, written: 0, alarms: 0, messages: 0, open: [] };
    measure(ctx.storage, meter);
    super(ctx, env);
    this.#meter = meter;
  }

  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    this.#meter.messages++;
    return super.webSocketMessage(socket, data);
  }

  override async query<Name extends QueryName>(
    caller: Caller,
    question: QuestionOf<Name>,
  ): Promise<Result<AnswerOf<Name>>> {
    if (question.about !== "audit") return super.query(caller, question);
    settle(this.#meter);
    const { read, written, alarms, messages } = this.#meter;
    const metered: Metered = {
      rows_read: read,
      rows_written: written,
      alarms_set: alarms,
      messages,
      alarm: await this.ctx.storage.getAlarm(),
      bytes: this.ctx.storage.sql.databaseSize,
    };
    const answer = await super.query(caller, question);
    settle(this.#meter);
    this.#meter.read = read;
    return answer.ok ? { ok: true, result: Object.assign(Object(answer.result), { metered }) } : answer;
  }
}

/** Stands before the object's own `exec` and `setAlarm`. */
function measure(storage: DurableObjectStorage, meter: Meter): void {
  const { sql } = storage;
  const exec = sql.exec.bind(sql);
  Object.defineProperty(sql, "exec", {
    value: (query: string, ...bindings: SqlStorageValue[]) => {
      const cursor = exec(query, ...bindings);
      meter.open.push(cursor);
      if (meter.open.length > openAtMost) settle(meter);
      return cursor;
    },
  });
  const setAlarm = storage.setAlarm.bind(storage);
  Object.defineProperty(storage, "setAlarm", {
    value: (at: number) => {
      meter.alarms++;
      return setAlarm(at);
    },
  });
}

function settle(meter: Meter): void {
  for (const { rowsRead, rowsWritten } of meter.open) {
    meter.read += rowsRead;
    meter.written += rowsWritten;
  }
  meter.open = [];
}
