/** The journal as a file: rows as stored, streamed page by page, so that a long journal takes no memory here. */
import { footerLine, headerLine, rowLine, segmentMedia } from "../archive/segment.ts";
import type { Result } from "../protocol/refusals.ts";
import { ApiError, invalid } from "./problems.ts";
import type { RequestContext } from "./request-context.ts";

/** Whole rows, from the one with the event after `after` to the one with `until`. */
export async function exportJournal(
  call: RequestContext,
  after: number,
  until: number,
): Promise<Result<unknown> | Response> {
  const read = (from: number) => call.query({ about: "rows", after: from });
  const page = await read(after);
  if (!page.ok) return page;
  let rows = page.result.filter(({ first_seq }) => first_seq <= until);
  const [first] = rows;
  if (first === undefined) throw invalid("after", "must be before the last event, and before until");
  const encoder = new TextEncoder();
  const { tenant } = call.capability;
  const pool = call.param("pool");
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(headerLine(tenant, pool, first))),
    pull: async (controller) => {
      controller.enqueue(encoder.encode(rows.map(rowLine).join("")));
      const last = rows.at(-1) ?? first;
      const next = last.last_seq < until ? await read(last.last_seq) : undefined;
      // The file then lacks its last line, so that `bursar verify` reports it as truncated.
      if (next?.ok === false)
        throw new ApiError("unavailable", `The journal could not be read on: ${next.refusal.code}.`);
      rows = next?.result.filter(({ first_seq }) => first_seq <= until) ?? [];
      if (rows.length > 0) return;
      controller.enqueue(encoder.encode(footerLine(last)));
      controller.close();
    },
  });
  return new Response(body, { headers: { "content-type": segmentMedia } });
}
