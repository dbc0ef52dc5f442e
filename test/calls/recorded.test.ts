/**
 * Every recorded answer is booked at what is right for it: whole, in pieces of one byte, of seven and of all, and cut
 * after each of its events. The same meter and the same booking stand behind every door; `test/gateway/doors.test.ts`
 * sends the answers through the doors themselves.
 */
import { describe, expect, it } from "vitest";
import { AnswerMeter } from "../../src/calls/answer.ts";
import { bookingOf } from "../../src/calls/booking.ts";
import type { Ending } from "../../src/calls/ending.ts";
import { noteWhole, StreamedAnswer } from "../../src/calls/streamed-answer.ts";
import { inTokens } from "../../src/pricing/tariff.ts";
import type { Answers } from "../../src/providers/answers.ts";
import { estimateTokens } from "../../src/providers/estimate.ts";
import { geminiAnswers } from "../../src/providers/gemini-answers.ts";
import { settledAnswers } from "../answers/index.ts";
import { type RecordedAnswer, type Tokens, wireOf } from "../answers/recorded.ts";
import { dialectNamed, requestIn } from "../support/requests.ts";

const began = 1_000_000;
const prompt = 40;

function answersOf({ dialect }: RecordedAnswer): Answers {
  return dialect === "gemini" ? geminiAnswers : dialectNamed(dialect).answers;
}

function meterOf(answer: RecordedAnswer): AnswerMeter {
  const { dialect, request } = answer;
  const writes = dialect !== "openai-embeddings";
  const answers = dialect === "openai-chat" ? requestIn(dialect, request).answers : 1;
  return new AnswerMeter(
    { prompt, answers, writes, dialect: { answers: answersOf(answer) } },
    { confidencePath: null, began },
  );
}

/** What the answer comes to when its bytes come in pieces of `size`, and the provider closes it. */
function inPieces(answer: RecordedAnswer, size: number): Ending {
  const meter = meterOf(answer);
  const bytes = new TextEncoder().encode(wireOf(answer));
  if (answer.events === undefined) {
    noteWhole(meter, new TextDecoder().decode(bytes), began);
    return meter.ending(began);
  }
  const streamed = new StreamedAnswer(meter);
  for (let at = 0; at < bytes.length; at += size) streamed.pass(bytes.slice(at, at + size), began);
  streamed.rest(began);
  return meter.ending(began);
}

/** What a stream comes to that breaks after `count` events. */
function cutAfter(answer: RecordedAnswer, count: number): Ending {
  const meter = meterOf(answer);
  const events = (answer.events ?? []).slice(0, count);
  const text = wireOf({ ...answer, events });
  if (count > 0) new StreamedAnswer(meter).pass(new TextEncoder().encode(text), began);
  return meter.ending(began);
}

function tokensOf({ usage }: Ending): Tokens {
  const { input, output, cacheRead, cacheWrite, cacheWrite1h = 0, reasoning } = usage;
  return { input, output, cacheRead, cacheWrite, cacheWrite1h, reasoning };
}

const none = { cacheRead: 0, cacheWrite: 0, cacheWrite1h: 0, reasoning: 0 };

function check(answer: RecordedAnswer, ending: Ending): void {
  const { booked } = answer;
  if ("free" in booked) {
    expect(ending.isFree || (ending.usage.input === 0 && ending.usage.output === 0)).toBe(true);
    return;
  }
  expect(ending.isFree).toBe(false);
  if ("usage" in booked) {
    expect(tokensOf(ending)).toEqual({ ...none, ...booked.usage });
    expect(ending.isReported).toBe(true);
    expect(ending.toolUses).toEqual(booked.toolUses ?? {});
    if (booked.model !== undefined) expect(ending.model).toBe(booked.model);
    if (booked.tier !== undefined) expect(ending.tier).toBe(booked.tier);
    return;
  }
  const { delivered, atLeast } = booked;
  const writes = answer.dialect !== "openai-embeddings";
  const output = writes ? Math.max(estimateTokens(delivered), atLeast?.output ?? 0) : 0;
  expect(ending.isReported).toBe(false);
  expect(ending.usage.input).toBe(atLeast?.input ?? prompt);
  // A text that comes in pieces is estimated piece by piece, and each is rounded up.
  expect(ending.usage.output).toBeGreaterThanOrEqual(Math.floor(0.75 * output));
  expect(ending.usage.output).toBeLessThanOrEqual(2 * output + 3 * (answer.events?.length ?? 1));
}

describe.each(settledAnswers)("$name", (answer) => {
  it("is booked at what is right, whatever the pieces in which it comes", () => {
    for (const size of [1, 7, Number.MAX_SAFE_INTEGER]) check(answer, inPieces(answer, size));
  });

  // A last event that has no end of its own is not read where the connection breaks.
  const canBeCut = answer.events !== undefined && answer.isUnterminated !== true && answer.lineEnd !== "\r";
  it.runIf(canBeCut)("is never booked as reported where it is cut before its report", () => {
    const { events = [], finalAt, reportedAt = finalAt, booked } = answer;
    for (let count = 0; count <= events.length; count++) {
      const ending = cutAfter(answer, count);
      // A caller that disconnects before the first word has begun the call all the same.
      if (count === 0) expect(ending).toMatchObject({ isFree: false, usage: { input: prompt, output: 0 } });
      if (!("usage" in booked) || finalAt === undefined) {
        expect(ending.isReported && ending.usage.output > 0 && "free" in booked).toBe(false);
        continue;
      }
      expect([count, ending.isReported]).toEqual([count, count > (reportedAt ?? 0)]);
      if (count > finalAt) expect(tokensOf(ending)).toEqual({ ...none, ...booked.usage });
      // In the pool's unit, what was reported so far is never given away.
      const { amount } = bookingOf(ending, inTokens, { granted: 1 });
      if (ending.atLeast !== undefined) expect(amount).toBeGreaterThanOrEqual(inTokens.amountOf(ending.atLeast));
    }
  });
});
