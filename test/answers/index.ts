/** All recorded answers: what providers and relays send, and what is right to book for each. */
import { answers as anthropicRelays } from "./anthropic-relays.ts";
import { answers as anthropicUsage } from "./anthropic-usage.ts";
import { answers as anthropic } from "./anthropic.ts";
import { answers as deployed } from "./deployed.ts";
import { answers as gemini } from "./gemini.ts";
import { answers as hostedCn } from "./hosted-cn.ts";
import { answers as hosted } from "./hosted.ts";
import { answers as hosts } from "./hosts.ts";
import { answers as openaiChatCounts } from "./openai-chat-counts.ts";
import { answers as openaiChatEndings } from "./openai-chat-endings.ts";
import { answers as openaiChat } from "./openai-chat.ts";
import { answers as openaiEmbeddings } from "./openai-embeddings.ts";
import { answers as openaiResponsesOthers } from "./openai-responses-others.ts";
import { answers as openaiResponses } from "./openai-responses.ts";
import type { RecordedAnswer } from "./recorded.ts";
import { answers as sse } from "./sse.ts";

export const answers: readonly RecordedAnswer[] = [
  ...openaiChat,
  ...openaiChatCounts,
  ...openaiChatEndings,
  ...hosted,
  ...hostedCn,
  ...hosts,
  ...deployed,
  ...openaiResponses,
  ...openaiResponsesOthers,
  ...openaiEmbeddings,
  ...anthropic,
  ...anthropicUsage,
  ...anthropicRelays,
  ...gemini,
  ...sse,
];

/** Those of which it is settled what is right: every way to make the call must book this. */
export const settledAnswers: readonly RecordedAnswer[] = answers.filter(({ disputed }) => disputed !== true);
