/** What was really asked of a model, call by call: from a file, or made up where there is none. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { randomOf } from "../../test/support/random.ts";

/** `at`: milliseconds since the first call. `prompt` and `answer`: tokens. */
export type TraceCall = { readonly at: number; readonly prompt: number; readonly answer: number };

export type Trace = {
  readonly name: string;
  readonly isSynthetic: boolean;
  /** How many times as fast as it was. */
  readonly speed: number;
  readonly calls: readonly TraceCall[];
};

const columns = "TIMESTAMP,ContextTokens,GeneratedTokens";

/** Reads a trace in the format of Azure's public data set (Splitwise, ISCA 2024): a header, then a line for each call. */
export function readTrace(path: string): Trace {
  const [header = "", ...lines] = readFileSync(path, "utf8").trim().split(/\r?\n/);
  if (header !== columns) throw new Error(`${path}: the first line must be ${columns}`);
  const calls = lines.map((line, index) => {
    const [time = "", prompt, answer] = line.split(",");
    const call = {
      at: Date.parse(`${time.replace(" ", "T").slice(0, 23)}Z`),
      prompt: Number(prompt),
      answer: Number(answer),
    };
    if (!Object.values(call).every((value) => Number.isFinite(value))) {
      throw new Error(`${path}, line ${index + 2}: ${line} is not a time and two counts`);
    }
    return call;
  });
  calls.sort((a, b) => a.at - b.at);
  const start = calls[0]?.at ?? 0;
  return {
    name: basename(path, ".csv"),
    isSynthetic: false,
    speed: 1,
    calls: calls.map((call) => ({ ...call, at: call.at - start })),
  };
}

/** The same calls, so many times as fast: as many more are under way at once. */
export function hurried(trace: Trace, times: number): Trace {
  if (times === 1) return trace;
  const calls = trace.calls.map((call) => ({ ...call, at: call.at / times }));
  return { ...trace, name: `${trace.name}-${times}x`, speed: times, calls };
}

/** An hour of calls that nobody made: arrivals in bursts, long prompts, and answers of which a few are very long. */
export function syntheticTrace(seed: number): Trace {
  const random = randomOf(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const logNormal = (median: number, spread: number, most: number): number =>
    Math.max(1, Math.min(most, Math.round(median * Math.exp(spread * normal()))));
  const calls: TraceCall[] = [];
  for (let at = 0; at < 3_600_000;) {
    // Every third minute is three times as busy.
    const perSecond = Math.floor(at / 60_000) % 3 === 0 ? 6 : 2;
    calls.push({ at: Math.round(at), prompt: logNormal(1_000, 0.9, 14_000), answer: logNormal(130, 1, 1_000) });
    at += (-Math.log(1 - random()) * 1_000) / perSecond;
  }
  return { name: "synthetic", isSynthetic: true, speed: 1, calls };
}
