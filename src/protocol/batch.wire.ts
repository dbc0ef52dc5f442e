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

const mayHaveId = nameSchema.optional();

const fields = <Op extends Command["op"], Shape extends z.ZodRawShape>(op: Op, shape: Shape) =>
  z.strictObject({ op: z.literal(op), ...shape });

/** Gives the schema of a command its name in the OpenAPI document. */
const named = <Schema extends z.ZodType>(id: string, schema: Schema): Schema => schema.meta({ id });

/** A command as batches and sessions carry it: its verb, and everything that a route would have in its path. */
export const batchCommand = z
  .discriminatedUnion("op", [
    named(
      "ReserveCommand",
      checkedReservation(fields("reserve", { id: mayHaveId, ...reserveFields })).transform(withUnit),
    ),
    named(
      "CommitCommand",
      fields("commit", { id: nameSchema, ...commitFields })
        .refine(oneAmount, oneAmountMessage)
        .transform(withUnit),
    ),
    named("ReleaseCommand", fields("release", { id: nameSchema })),
    named("ExtendCommand", fields("extend", { id: nameSchema, ...extendFields })),
    named(
      "RecordCommand",
      fields("record", { id: mayHaveId, ...recordFields })
        .refine(oneAmount, oneAmountMessage)
        .transform(withUnit),
    ),
    named(
      "ReallocateCommand",
      fields("reallocate", { id: mayHaveId, ...reallocateFields })
        .refine(oneAmount, oneAmountMessage)
        .transform(withUnit),
    ),
    named(
      "FundCommand",
      fields("fund", { id: mayHaveId, ...fundFields })
        .refine(oneAmount, oneAmountMessage)
        .transform(withUnit),
    ),
    named(
      "RegisterCommand",
      checkedContract(fields("register", { agent: nameSchema, ...contractFields })).transform(withMax),
    ),
    named("CloseCommand", fields("close", { agent: nameSchema, id: mayHaveId })),
    named("ReopenCommand", fields("reopen", { agent: nameSchema, id: mayHaveId })),
    named("ResetCommand", fields("reset", { agent: nameSchema, id: mayHaveId })),
    named("ResetPeriodCommand", fields("reset_period", { id: mayHaveId })),
    named("PauseCommand", fields("pause", { agent: nameSchema.nullable() })),
    named("ResumeCommand", fields("resume", { agent: nameSchema.nullable() })),
  ])
  .meta({ id: "Command" });

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

const commandResult = z
  .strictObject({ status: z.literal([200, 201]).meta({ id: "SuccessStatus" }), result: z.looseObject({}) })
  .meta({ id: "CommandResult", description: "The command ran: what its own route would have answered." });

const commandProblem = z
  .strictObject({ status: z.int(), problem: problemSchema })
  .meta({ id: "CommandProblem", description: "The command was refused, and those after it ran all the same." });

export const batchResultSchema = z
  .strictObject({ results: z.array(z.union([commandResult, commandProblem]).meta({ id: "CommandOutcome" })) })
  .meta({ id: "BatchResult" });
