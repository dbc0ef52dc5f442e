/** Spending: reservations, usage and reallocations, one by one, in batches, or in a session. */
import { batchBody, batchResultSchema, withIds } from "../../protocol/batch.wire.ts";
import { emptyBody } from "../../protocol/common.wire.ts";
import { batchResult } from "../../protocol/frames.ts";
import {
  commitBody,
  extendBody,
  reservationResultSchema,
  reservationViewSchema,
  reserveBody,
  settlementResultSchema,
} from "../../protocol/reservation.wire.ts";
import { mayRun } from "../../protocol/rights.ts";
import { reallocateBody, reallocationResultSchema, recordBody, usageResultSchema } from "../../protocol/usage.wire.ts";
import { uuid7 } from "../../protocol/uuid.ts";
import { ApiError, invalid } from "../problems.ts";
import { rights } from "../rights.ts";
import { checkedByThePool, ok, type Route, route } from "../route.ts";

const pool = "/v1/pools/:pool";
const reservation = "/v1/pools/:pool/reservations/:id";

export const reservationsRoutes: readonly Route[] = [
  route("createReservation", "POST", `${pool}/reservations`, rights.spend, "Reserve budget before a call", {
    answer: reservationResultSchema,
    status: 201,
    body: reserveBody,
    agents: (_, body) => [body.agent],
    run: (call, { id, wait_ms = 0, ...reserve }) => {
      const command = { op: "reserve", ...reserve, id: call.idFor(id) } as const;
      return call.execute(command, wait_ms);
    },
  }),
  route("getReservation", "GET", reservation, rights.readOwn, "A reservation", {
    answer: reservationViewSchema,
    agents: checkedByThePool,
    run: (call) => call.query({ about: "reservation", id: call.param("id") }),
  }),
  route("commitReservation", "POST", `${reservation}/commit`, rights.spend, "Book what the call really used", {
    answer: settlementResultSchema,
    body: commitBody,
    agents: checkedByThePool,
    run: (call, commit) => call.execute({ op: "commit", ...commit, id: call.param("id") }),
  }),
  route(
    "releaseReservation",
    "POST",
    `${reservation}/release`,
    rights.spend,
    "Release a reservation: no call was made",
    {
      answer: settlementResultSchema,
      body: emptyBody,
      agents: checkedByThePool,
      run: (call) => call.execute({ op: "release", id: call.param("id") }),
    },
  ),
  route("extendReservation", "POST", `${reservation}/extend`, rights.spend, "Extend a reservation's lease", {
    answer: reservationResultSchema,
    body: extendBody,
    agents: checkedByThePool,
    run: (call, extend) => call.execute({ op: "extend", ...extend, id: call.param("id") }),
  }),
  route("recordUsage", "POST", `${pool}/usage`, rights.spend, "Record usage without a reservation", {
    answer: usageResultSchema,
    status: 201,
    body: recordBody,
    agents: (_, body) => [body.agent],
    run: (call, { id, ...record }) => call.execute({ op: "record", ...record, id: call.idFor(id) }),
  }),
  route(
    "reallocate",
    "POST",
    `${pool}/reallocations`,
    rights.spend,
    "Move spare budget to an agent, or plan it with dry_run",
    {
      answer: reallocationResultSchema,
      body: reallocateBody,
      agents: (_, body) => [body.agent],
      run: (call, { id, ...reallocate }) => call.execute({ op: "reallocate", ...reallocate, id: call.idFor(id) }),
    },
  ),
  route("runBatch", "POST", `${pool}/batch`, rights.spend, "Run commands in order, each with its own outcome", {
    answer: batchResultSchema,
    body: batchBody,
    agents: (_, { commands }) =>
      commands.flatMap((command) => ("agent" in command && command.agent !== null ? [command.agent] : [])),
    run: async (call, body) => {
      // Commands without an id get one: derived from the batch's Idempotency-Key, so that a repeat gets the same.
      const { batchKey } = call;
      const commands = withIds(body.commands, (place) => (batchKey === null ? uuid7() : `${batchKey}.${place}`));
      const index = commands.findIndex(({ op }) => !mayRun(call.capability.scope, op));
      const beyond = commands[index];
      if (beyond !== undefined) {
        throw new ApiError(
          "forbidden",
          `A key of scope ${call.capability.scope} can't ${beyond.op} (/commands/${index}).`,
        );
      }
      const { outcomes } = await call.pool((stub, caller) => stub.execute(caller, commands));
      return ok({ results: outcomes.map((outcome, at) => batchResult(outcome, commands[at]?.op ?? "")) });
    },
  }),
  route(
    "openSession",
    "GET",
    `${pool}/session`,
    rights.readOwn,
    "Open a session: frames of commands, and events as they happen",
    {
      status: 101,
      agents: () => [],
      run: async (call) => {
        if (call.request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
          throw invalid("Upgrade", "must be websocket: this route opens a session");
        }
        return call.openSession();
      },
    },
  ),
];
