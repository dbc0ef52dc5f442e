/** The Worker's entry: the HTTP app and the Durable Object classes. */
export default {
  fetch: () => new Response("Bursar is being built.", { status: 503 }),
};
