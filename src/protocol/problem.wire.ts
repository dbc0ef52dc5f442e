/** Problem documents and the health of a deployment on the wire. */
import * as z from "zod";
import { apiErrorCodes } from "./problems.ts";
import { refusalCodes } from "./refusals.ts";

/** A problem document (RFC 9457). The facts beside `code` are listed with the codes in docs/reference/errors.md. */
export const problemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    code: z.enum([...refusalCodes, ...apiErrorCodes]).meta({ id: "ProblemCode" }),
  })
  .meta({ id: "Problem", description: "RFC 9457. Beside these members stand the facts of the code." });

export const healthSchema = z
  .strictObject({
    status: z.enum(["ok", "degraded"]).meta({ id: "HealthStatus" }),
    errors: z
      .array(z.strictObject({ field: z.string(), message: z.string() }).meta({ id: "FieldError" }))
      .optional()
      .describe("settings that can't be used"),
  })
  .meta({ id: "Health" });
