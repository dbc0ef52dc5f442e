/**
 * A stand-in for OpenAI that streams fast, in a process of its own: `x-chunks` chunks, `x-every` ms apart, each with the
 * time at which it was sent in its id. Prints the port that it listens on.
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const server = createServer((request, response) => {
  const chunks = Number(request.headers["x-client-request-id"]?.toString().split(",")[0]);
  const everyMs = Number(request.headers["x-client-request-id"]?.toString().split(",")[1]);
  request.resume();
  request.on("end", () => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    void stream(response, chunks, everyMs);
  });
});

async function stream(response: ServerResponse, chunks: number, everyMs: number): Promise<void> {
  for (let i = 0; i < chunks; i++) {
    if (everyMs > 0) await new Promise((resolve) => setTimeout(resolve, everyMs));
    response.write(event([{ index: 0, delta: { content: "word " }, finish_reason: null }]));
  }
  response.write(event([], { prompt_tokens: 10, completion_tokens: chunks, total_tokens: 10 + chunks }));
  response.end("data: [DONE]\n\n");
}

/** Its id is the moment in which it is sent: the clock of this machine, which all processes share. */
function event(choices: object[], usage?: object): string {
  const id = String(performance.timeOrigin + performance.now());
  return `data: ${JSON.stringify({ id, object: "chat.completion.chunk", created: 1, model: "bench", choices, usage })}\n\n`;
}

server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
