/** Chat completions whose counts don't add up, come late, come twice, or come under other names. */
import { type RecordedAnswer, recorded, type Written } from "./recorded.ts";
import { chat, chatStream, chunksOf, completion, done, type Fields } from "./wire.ts";

const model = "gpt-4.1";
const { chunk, role, text, finish, usage } = chunksOf(model);

/** A whole answer with `report` as its usage. */
const whole = (name: string, report: unknown, booked: Written["booked"], more: Partial<Written> = {}): Written => ({
  name,
  request: chat(model),
  body: completion(model, "Olá, Lisboa!", { usage: report }),
  booked,
  ...more,
});
const reported = (input: number, output: number, more: Fields = {}): Written["booked"] => ({
  usage: { input, output, ...more },
  reported: true,
});
/** A stream of which `ending` comes after its text. */
const stream = (name: string, ending: readonly string[], finalAt: number, booked: Written["booked"]): Written => ({
  name,
  request: chatStream(model),
  events: [role(), text("Olá, Lisboa!"), ...ending],
  booked,
  finalAt,
});
const counts = { prompt_tokens: 15, completion_tokens: 6, total_tokens: 21 };

export const answers: readonly RecordedAnswer[] = recorded("openai-chat", "compatible", [
  whole(
    "the total exceeds the parts, which leave out the reasoning",
    {
      prompt_tokens: 10_120,
      completion_tokens: 1_499,
      total_tokens: 14_428,
      prompt_tokens_details: { cached_tokens: 128 },
      completion_tokens_details: { reasoning_tokens: 2_809 },
    },
    reported(10_120, 4_308, { cacheRead: 128, reasoning: 2_809 }),
    { source: "https://github.com/Wei-Shaw/sub2api/issues/5771" },
  ),
  whole(
    "the total exceeds the parts, and no detail says why",
    { prompt_tokens: 5, completion_tokens: 10, total_tokens: 800 },
    reported(5, 795),
    { source: "https://github.com/vercel/ai/pull/12425" },
  ),
  whole(
    "the total says the output, which is null",
    { prompt_tokens: 5, completion_tokens: null, total_tokens: 800 },
    reported(5, 795),
  ),
  whole("the total says the output, which is absent", { prompt_tokens: 5, total_tokens: 800 }, reported(5, 795)),
  // Of what the total consists is not known: it is taken for output, the dearer kind.
  whole("only a total", { total_tokens: 331 }, reported(0, 331)),
  whole("a total that is less than the parts", { ...counts, total_tokens: 15 }, reported(15, 6)),
  whole("a total of zero beside parts", { ...counts, total_tokens: 0 }, reported(15, 6)),
  whole("a total of null beside parts", { ...counts, total_tokens: null }, reported(15, 6)),
  whole("no total", { prompt_tokens: 15, completion_tokens: 6 }, reported(15, 6)),
  whole("counts as strings", { prompt_tokens: "15", completion_tokens: "6", total_tokens: "21" }, reported(15, 6)),
  whole(
    "details as strings",
    {
      prompt_tokens: "1500",
      completion_tokens: "60",
      total_tokens: "1560",
      prompt_tokens_details: { cached_tokens: "1024" },
      completion_tokens_details: { reasoning_tokens: "32" },
    },
    reported(1_500, 60, { cacheRead: 1_024, reasoning: 32 }),
  ),
  {
    name: "counts with a fraction of zero",
    request: chat(model),
    body: completion(model, "Olá, Lisboa!", { usage: counts }).replaceAll(/(tokens":\d+)/g, "$1.0"),
    booked: reported(15, 6),
  },
  whole(
    "details of null",
    { ...counts, prompt_tokens_details: null, completion_tokens_details: null },
    reported(15, 6),
  ),
  whole(
    "details whose counts are null",
    {
      ...counts,
      prompt_tokens_details: { cached_tokens: null },
      completion_tokens_details: { reasoning_tokens: null },
    },
    reported(15, 6),
  ),
  // A cache of the relay's own answers, and bills nothing. A reported zero is a zero.
  whole(
    "a usage of zero, reported explicitly",
    { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
    reported(0, 0),
  ),
  whole(
    "a prompt many times as large as what was sent, as of a relay that adds its own",
    { prompt_tokens: 9_414, completion_tokens: 1_260, total_tokens: 10_674 },
    reported(9_414, 1_260),
  ),
  whole("no usage", undefined, { estimated: true, delivered: "Olá, Lisboa!" }),
  whole("a usage of null", null, { estimated: true, delivered: "Olá, Lisboa!" }),
  whole("a usage without counts", {}, { estimated: true, delivered: "Olá, Lisboa!" }),
  whole(
    "counts of -1, which stand for unknown",
    { prompt_tokens: -1, completion_tokens: -1, total_tokens: -1 },
    { estimated: true, delivered: "Olá, Lisboa!" },
  ),
  // A chat answer that names its counts as the Responses API does: whether that is still a report of this dialect?
  whole("counts under the names of another dialect only", { input_tokens: 15, output_tokens: 6 }, reported(15, 6), {
    disputed: true,
  }),
  // Which are not part of the prompt, then? AI SDK's xAI provider adds them: 12 + 384.
  whole(
    "more cached tokens than the prompt has",
    { prompt_tokens: 12, completion_tokens: 6, total_tokens: 18, prompt_tokens_details: { cached_tokens: 384 } },
    reported(396, 6, { cacheRead: 384 }),
    { disputed: true },
  ),
  // Without a total nothing says whether the reasoning stands beside the completion, or the count is wrong.
  whole(
    "more reasoning than completion tokens, and no total",
    { prompt_tokens: 15, completion_tokens: 60, completion_tokens_details: { reasoning_tokens: 300 } },
    reported(15, 360, { reasoning: 300 }),
    { disputed: true },
  ),
  stream(
    "cached tokens in the chunk before the last only",
    [
      finish("stop", {
        usage: {
          prompt_tokens: 100,
          completion_tokens: 50,
          total_tokens: 150,
          prompt_tokens_details: { cached_tokens: 80 },
        },
      }),
      usage({ prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 }),
      done,
    ],
    2,
    reported(100, 50, { cacheRead: 80 }),
  ),
  {
    ...stream(
      "cached tokens in the last chunk only",
      [
        finish("stop", { usage: { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 } }),
        usage({
          prompt_tokens: 100,
          completion_tokens: 50,
          total_tokens: 150,
          prompt_tokens_details: { cached_tokens: 80 },
        }),
        done,
      ],
      3,
      reported(100, 50, { cacheRead: 80 }),
    ),
    reportedAt: 2,
  },
  stream(
    "usage beside the finish, and null after it",
    [finish("stop", { usage: counts }), chunk([], { usage: null }), done],
    2,
    reported(15, 6),
  ),
  stream("usage in the chunk before the finish", [text("", { usage: counts }), finish(), done], 3, reported(15, 6)),
  stream(
    "usage beside the first text, in which the output is zero, and at the end",
    [
      text(" Bom dia!", { usage: { prompt_tokens: 15, completion_tokens: 0, total_tokens: 15 } }),
      finish(),
      usage({ prompt_tokens: 15, completion_tokens: 9, total_tokens: 24 }),
      done,
    ],
    4,
    reported(15, 9),
  ),
  {
    ...stream(
      "a last report that is lower than the one before",
      [finish("stop", { usage: { prompt_tokens: 40, completion_tokens: 12, total_tokens: 52 } }), usage(counts), done],
      3,
      reported(15, 6),
    ),
    reportedAt: 2,
  },
  stream("a chunk of usage without choices", [finish(), chunk(undefined, { usage: counts }), done], 3, reported(15, 6)),
  stream(
    "a chunk of usage whose choices are null",
    [finish(), chunk(null, { usage: counts }), done],
    3,
    reported(15, 6),
  ),
  stream(
    "a chunk of usage with a choice that says nothing",
    [finish(), chunk([{ index: 0, delta: {}, finish_reason: null }], { usage: counts }), done],
    3,
    reported(15, 6),
  ),
  stream(
    "a chunk of usage with citations that the caller needs",
    [finish(), usage(counts, { citations: ["https://example.com/lisbon"] }), done],
    3,
    reported(15, 6),
  ),
  stream(
    "counts as strings in a stream",
    [finish(), usage({ prompt_tokens: "15", completion_tokens: "6", total_tokens: "21" }), done],
    3,
    reported(15, 6),
  ),
  stream(
    "a total in a stream that exceeds the parts",
    [finish(), usage({ prompt_tokens: 5, completion_tokens: 10, total_tokens: 800 }), done],
    3,
    reported(5, 795),
  ),
  {
    // A relay that does not know fills in zeros; by the rule the later one counts.
    name: "a last report of zeros after one with counts",
    request: chatStream(model),
    events: [
      role(),
      text("Olá!"),
      finish("stop", { usage: counts }),
      usage({ prompt_tokens: 0, completion_tokens: 0 }),
    ],
    booked: reported(15, 6),
    finalAt: 3,
    disputed: true,
  },
]);
