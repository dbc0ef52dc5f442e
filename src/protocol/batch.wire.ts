/** Commands as batches and sessions carry them, and the frames of a session. */
import * as z from "zod";
import { checkedContract, contractFields, withMax } from "./agent.wire.ts";
import { type Command, commandTraits } from "./commands.ts";
import { nameSchema, oneAmount, oneAmountMessage, withUnit } from "./common.wire.ts";
import { limits } from "./limits.ts";
import { fundFields } from "./pool.wire.ts";
import { problemSchema } from "./problem.wire.ts";
import { checkedReservation, commitFields, extendFields, reserveFields } from "./reservation.wire.ts";
import { reallocateFields, recordFields } from "./usage.wire.ts";

/** A command as batches and sessions carry it: its verb, and everything that a route would have in its path. */
export const batchCommand = z.discriminatedUnion("op", [
  checkedReservation(
    z.strictObject({ op: z.literal("reserve"), id: nameSchema.optional(), ...reserveFields }),
  ).transform(withUnit),
  z
    .strictObject({ op: z.literal("commit"), id: nameSchema, ...commitFields })
    .refine(oneAmount, oneAmountMessage)
    .transform(withUnit),
  z.strictObject({ op: z.literal("release"), id: nameSchema }),
  z.strictObject({ op: z.literal("extend"), id: nameSchema, ...extendFields }),
  z
    .strictObject({ op: z.literal("record"), id: nameSchema.optional(), ...recordFields })
    .refine(oneAmount, oneAmountMessage)
    .transform(withUnit),
  z
    .strictObject({ op: z.literal("reallocate"), id: nameSchema.optional(), ...reallocateFields })
    .refine(oneAmount, oneAmountMessage)
    .transform(withUnit),
  z
    .strictObject({ op: z.literal("fund"), id: nameSchema.optional(), ...fundFields })
    .refine(oneAmount, oneAmountMessage)
    .transform(withUnit),
  checkedContract(z.strictObject({ op: z.literal("register"), agent: nameSchema, ...contractFields })).transform(
    withMax,
  ),
  z.strictObject({ op: z.literal("close"), agent: nameSchema, id: nameSchema.optional() }),
  z.strictObject({ op: z.literal("reopen"), agent: nameSchema, id: nameSchema.optional() }),
  z.strictObject({ op: z.literal("reset"), agent: nameSchema, id: nameSchema.optional() }),
  z.strictObject({ op: z.literal("reset_period"), id: nameSchema.optional() }),
  z.strictObject({ op: z.literal("pause"), agent: nameSchema.nullable() }),
  z.strictObject({ op: z.literal("resume"), agent: nameSchema.nullable() }),
]);

/** A command that may come without an id, as its route may. */
type BatchCommand = z.output<typeof batchCommand>;

/** The commands, each with an id: its own, or what `idFor` gives for its place. */
export function withIds(commands: readonly BatchCommand[], idFor: (index: number) => string): Command[] {
  return commands.map((command, index) => {
    const isWhole = ("id" in command && command.id !== undefined) || !commandTraits[command.op].hasId;
    return (isWhole ? command : { ...command, id: idFor(index) }) as Command;
  });
}

export const batchBody = z.strictObject({ commands: z.array(batchCommand).min(1).max(limits.batch) });

const frameId = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

/** A session's frame: commands, in order. `wait_ms` lets a lone reserve wait in line; its reply comes when it comes. */
export const commandsFrame = z
  .strictObject({
    id: frameId,
    commands: z.array(batchCommand).min(1).max(limits.batch),
    wait_ms: z.int().min(1).max(limits.waitMs).optional(),
  })
  .refine(
    ({ commands, wait_ms }) => wait_ms === undefined || (commands.length === 1 && commands[0]?.op === "reserve"),
    {
      path: ["wait_ms"],
      error: "goes with one reserve and nothing else",
    },
  );

/** A session's frame: show me what happens after this event. */
export const subscribeFrame = z.strictObject({ id: frameId, subscribe: z.strictObject({ after: frameId }) });

/** A session's frame: I have seen up to this event. It is not answered. */
export const ackFrame = z.strictObject({ ack: frameId });

export const batchResultSchema = z.strictObject({
  results: z.array(
    z.union([
      z.strictObject({ status: z.union([z.literal(200), z.literal(201)]), result: z.looseObject({}) }),
      z.strictObject({ status: z.int(), problem: problemSchema }),
    ]),
  ),
});
