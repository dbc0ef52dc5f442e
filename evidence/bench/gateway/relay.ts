/**
 * The least that anything between a caller and a provider does on this platform: `/relay/piped/…` hands the provider's
 * body on as it is, in the runtime; `/relay/pumped/…` reads and writes each piece, as whoever meters it must.
 */
export async function relay(
  request: Request,
  { OPENAI_UPSTREAM = "" }: { OPENAI_UPSTREAM?: string },
  context: ExecutionContext,
): Promise<Response> {
  const { pathname } = new URL(request.url);
  const headers = {
    "content-type": "application/json",
    "x-client-request-id": request.headers.get("x-client-request-id") ?? "",
  };
  const asked = await request.text();
  const answer = await fetch(`${OPENAI_UPSTREAM}/chat/completions`, { method: "POST", headers, body: asked });
  if (pathname.startsWith("/relay/piped") || answer.body === null) return new Response(answer.body, answer);
  const { readable, writable } = new IdentityTransformStream();
  context.waitUntil(pump(answer.body.getReader(), writable.getWriter()));
  return new Response(readable, answer);
}

async function pump(
  from: ReadableStreamDefaultReader<Uint8Array>,
  to: WritableStreamDefaultWriter<Uint8Array>,
): Promise<void> {
  for (let piece = await from.read(); !piece.done; piece = await from.read()) await to.write(piece.value);
  await to.close();
}
